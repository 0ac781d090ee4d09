"""Keep a file as it is while it is looked at and loaded by code that opens it by its path.

Some readers cannot be handed bytes: they are native code that takes a path. A small file is copied into private memory, and the copy is
what is looked at and loaded. A large one is not copied where the kernel can hold writers back: under a read lease nobody can open the
file for writing, and the path that the reader gets leads to the very inode that was looked at, whatever is put in its place. That holds on
file systems of this machine's own; behind others (FUSE, network) somebody else can write whom no lease reaches.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from jupyter_modelguard.artifacts.private_copy import private_copy
from jupyter_modelguard.artifacts.reach import Reached
from jupyter_modelguard.artifacts.source import StreamSource

__all__ = ["StillFile"]

_COPIED = 1 << 25  # bytes; copying that many takes some 10 ms
_BREAK_TIME = Path("/proc/sys/fs/lease-break-time")
_MOUNTS = Path("/proc/self/mountinfo")
_OWN_SYSTEMS = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "tmpfs", "zfs"})


class StillFile(Reached):
    """A regular file, in reach, that stays as it is until it is closed.

    Attributes
    ----------
    path
        Leads to the bytes, for a reader in this process.
    """

    path: str
    _leased: int | None = None
    _until: float = 0.0

    @classmethod
    def at_path(cls, path: str, *, copied: bool = False) -> StillFile:
        """Reach a file by its path and keep it still, for long where it is `copied`; raises like `Reached.at_path`."""
        with Reached.at_path(path) as plain:
            descriptor = os.dup(plain._descriptor or 0)  # noqa: SLF001 a reached path has one
        size = os.fstat(descriptor).st_size
        if size > _COPIED and not copied and (until := _lease(descriptor)):
            still = cls(_reopened(descriptor), path, size, descriptor)
            still._leased, still._until = descriptor, until
        else:
            copy, name = private_copy(descriptor, size)
            os.close(descriptor)
            source = StreamSource(path=name) if name is not None else _reopened(copy)
            still = cls(source, path, os.fstat(copy).st_size, copy, name)
        still.path = str(still.source.path)
        return still

    @property
    def kept(self) -> bool:
        """Whether nobody can have written to it so far: a lease that somebody wants broken holds for a time."""
        if self._leased is None or time.monotonic() < self._until:
            return True
        import fcntl

        return fcntl.fcntl(self._leased, fcntl.F_GETLEASE) == fcntl.F_RDLCK


def _reopened(descriptor: int) -> StreamSource:
    """Name a descriptor by a path that other processes of this user can open too."""
    return StreamSource(path=f"/proc/{os.getpid()}/fd/{descriptor}")


def _lease(descriptor: int) -> float:
    """Hold writers back; give the time until which that is sure, or 0 where it cannot be had."""
    if not sys.platform.startswith("linux") or not _is_on_own_system(descriptor):
        return 0.0
    import fcntl

    try:
        seconds = int(_BREAK_TIME.read_text(encoding="ascii"))
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)  # ignored unless somebody asks for it; SIGIO would end the process
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except (OSError, ValueError, AttributeError):
        return 0.0  # another user's file, one that is open for writing, a file system without leases
    return time.monotonic() + seconds


def _is_on_own_system(descriptor: int) -> bool:
    """Whether the kernel alone writes the file system that a file is on."""
    device = os.fstat(descriptor).st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return False
    # "36 35 98:0 /root /mount options - type source options", with an open number of fields before the dash
    kinds = {line.partition(" - ")[2].split(" ")[0] for line in mounts if line.split(" ")[2:3] == [number]}
    return bool(kinds) and kinds <= _OWN_SYSTEMS
