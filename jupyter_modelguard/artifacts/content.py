"""The sha256 of all bytes of a file, as `sha256sum` gives it; whoever wants a copy gets it in the same reading."""

from __future__ import annotations

import hashlib
import os

__all__ = ["digest_of_bytes", "digest_of_file"]

_BLOCK = 1 << 20  # bytes at a time; they are still in the processor's cache when they are used a second time


def digest_of_bytes(data: bytes | memoryview) -> str:
    """Return the sha256 of bytes in memory, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def digest_of_file(descriptor: int, start: int, copy: int | None = None) -> str:
    """Return the sha256 of what a file holds, hexadecimal.

    Parameters
    ----------
    descriptor
        Of the file; its position stays.
    start
        Where to begin, in bytes.
    copy
        A descriptor that the same bytes are written to, at the same place; None for no copy.

    Raises
    ------
    OSError
        It cannot be read, or there is no room for the copy.
    """
    state, position, block = hashlib.sha256(), start, memoryview(bytearray(_BLOCK))
    while count := os.preadv(descriptor, [block], position):
        state.update(block[:count])
        if copy is not None:
            _write(copy, block[:count], position)
        position += count
    return state.hexdigest()


def _write(copy: int, view: memoryview, position: int) -> None:
    while view:
        count = os.pwrite(copy, view, position)
        view, position = view[count:], position + count
