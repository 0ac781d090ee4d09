"""The digest of all bytes of a file, by as many processors as there are.

A file of one piece has the sha256 of its bytes, a longer one that of the digests of its pieces: either says which bytes they are. Whoever
wants a copy gets it in the same reading.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PIECE", "digest_of_bytes", "digest_of_file"]

PIECE = 1 << 25
"""Bytes of one piece; it takes a processor some 20 ms."""

_BLOCK = 1 << 20  # bytes at a time; they are still in the processor's cache when they are used a second time
_MOST_THREADS = 8
_MARK = b"modelguard: sha256 of pieces\0"


def digest_of_bytes(data: bytes | memoryview) -> str:
    """Return the digest of bytes in memory, hexadecimal."""
    view = memoryview(data)
    starts = range(0, max(len(view), 1), PIECE)
    digests = [b""] * len(starts)

    def take(number: int) -> None:
        digests[number] = hashlib.sha256(view[starts[number] : starts[number] + PIECE]).digest()

    _share(take, len(digests))
    return _combined(digests)


def digest_of_file(descriptor: int, start: int, copy: int | None = None) -> str:
    """Return the digest of what a file holds, hexadecimal.

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
    size = max(os.fstat(descriptor).st_size - start, 0)
    digests = [b""] * max(-(-size // PIECE), 1)

    def take(number: int) -> None:
        state, position, left = hashlib.sha256(), start + number * PIECE, PIECE
        block = memoryview(bytearray(min(_BLOCK, size) or 1))
        while left and (count := os.preadv(descriptor, [block[:left]], position)):
            state.update(block[:count])
            if copy is not None:
                _write(copy, block[:count], position)
            position += count
            left -= count
        digests[number] = state.digest()

    _share(take, len(digests))
    return _combined(digests)


def _write(copy: int, view: memoryview, position: int) -> None:
    while view:
        count = os.pwrite(copy, view, position)
        view, position = view[count:], position + count


def _combined(digests: list[bytes]) -> str:
    # the mark keeps a file that is made of digests from having the digest of another one
    return digests[0].hex() if len(digests) == 1 else hashlib.sha256(_MARK + b"".join(digests)).hexdigest()


def _share(take: Callable[[int], None], number: int) -> None:
    """Do so many parts of some work on several threads; the first error is raised here."""
    turns = itertools.count()  # one call of it is one step that no thread interrupts
    errors: list[BaseException] = []

    def run() -> None:
        try:
            while not errors and (turn := next(turns)) < number:
                take(turn)
        except BaseException as error:  # noqa: BLE001 raised where it was asked for
            errors.append(error)

    threads = [threading.Thread(target=run, daemon=True) for _ in range(min(number, os.cpu_count() or 1, _MOST_THREADS) - 1)]
    for thread in threads:
        thread.start()
    run()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
