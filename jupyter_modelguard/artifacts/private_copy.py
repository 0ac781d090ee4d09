"""A copy of a file that nobody else can write to, in memory or in a file without a name."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile

__all__ = ["private_copy"]

_IN_MEMORY = 1 << 28  # bytes; a larger copy goes to a file without a name
_PIECE = 1 << 26


def private_copy(descriptor: int, size: int) -> tuple[int, str | None]:
    """Copy a file; give the descriptor of the copy, and its name where only a name leads to it.

    Parameters
    ----------
    descriptor
        Of the file; its position stays.
    size
        In bytes, as far as it is known.

    Raises
    ------
    OSError
        There is no room.
    """
    name = None
    if size <= _IN_MEMORY and hasattr(os, "memfd_create"):
        copy = os.memfd_create("modelguard")
    else:
        copy, name = tempfile.mkstemp(prefix="modelguard-")
        if sys.platform.startswith("linux"):
            os.unlink(name)
            name = None
    position = 0
    try:
        with contextlib.suppress(BlockingIOError):
            while piece := os.pread(descriptor, _PIECE, position):
                position += len(piece)
                view = memoryview(piece)
                while view:
                    view = view[os.write(copy, view) :]
    except BaseException:
        os.close(copy)
        if name is not None:
            os.unlink(name)
        raise
    return copy, name
