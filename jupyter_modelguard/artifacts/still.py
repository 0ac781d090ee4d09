"""Keep a file as it is while it is looked at and loaded by code that opens it by its path.

Some readers cannot be handed bytes: they are native code that takes a path. A small file is copied into private memory, and the copy is
what is looked at and loaded. A large one is not copied where the kernel can hold writers back (see `lease`): the path that the reader gets
leads to the very inode that was looked at, whatever is put in its place.
"""

from __future__ import annotations

import os

from jupyter_modelguard.artifacts.lease import lease
from jupyter_modelguard.artifacts.private_copy import private_copy
from jupyter_modelguard.artifacts.reach import Reached
from jupyter_modelguard.artifacts.source import StreamSource

__all__ = ["StillFile"]

_COPIED = 1 << 25  # bytes; copying that many takes some 10 ms


class StillFile(Reached):
    """A regular file, in reach, that stays as it is until it is closed.

    Attributes
    ----------
    path
        Leads to the bytes, for a reader in this process.
    """

    path: str

    @classmethod
    def at_path(cls, path: str, *, copied: bool = False) -> StillFile:
        """Reach a file by its path and keep it still, for long where it is `copied`; raises like `Reached.at_path`."""
        with Reached.at_path(path) as plain:
            descriptor = os.dup(plain._descriptor or 0)  # noqa: SLF001 a reached path has one
        size = os.fstat(descriptor).st_size
        if size > _COPIED and not copied and (until := lease(descriptor)):
            still = cls(_reopened(descriptor), path, size, descriptor)
            still._leased, still._until = descriptor, until
        else:
            copy, name = private_copy(descriptor, size)
            os.close(descriptor)
            source = StreamSource(path=name) if name is not None else _reopened(copy)
            still = cls(source, path, os.fstat(copy).st_size, copy, name)
        still.path = str(still.source.path)
        return still


def _reopened(descriptor: int) -> StreamSource:
    """Name a descriptor by a path that other processes of this user can open too."""
    return StreamSource(path=f"/proc/{os.getpid()}/fd/{descriptor}")
