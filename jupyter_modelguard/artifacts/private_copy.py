"""A copy of a file that nobody else can write to, in memory or in a file without a name."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile

__all__ = ["empty_copy", "private_copy"]

_IN_MEMORY = 1 << 28  # bytes; a larger copy goes to a file without a name
_PIECE = 1 << 26


def empty_copy(size: int) -> tuple[int, str | None]:
    """Make what a copy of so many bytes can be written to; give its descriptor and name like `private_copy`."""
    if size <= _IN_MEMORY and hasattr(os, "memfd_create"):
        return os.memfd_create("modelguard"), None
    copy, name = tempfile.mkstemp(prefix="modelguard-")
    if not sys.platform.startswith("linux"):
        return copy, name
    os.unlink(name)
    return copy, None


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
    copy, name = empty_copy(size)
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
