"""Which parts of a file a trace read: where the very same bytes stand there again, the trace would be the very same.

A look at a large file reads little of it, so that little is all there is to compare.
"""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import dataclass, field
from typing import Final

__all__ = ["MOST_COMPARED", "PartsRead", "WatchedFile"]

MOST_COMPARED: Final = 1 << 21
"""Bytes that are worth comparing: reading and hashing them takes 2 ms at the most, next to 1 ms for asking the worker."""


@dataclass(frozen=True, slots=True)
class PartsRead:
    """Parts of a file, as they were read.

    Parameters
    ----------
    size
        Of the whole file, in bytes.
    parts
        `(offset, length)` pairs in bytes from the start of the file, in the order in which they were read.
    digest
        sha256 of their content, one after another.
    """

    size: int
    parts: tuple[tuple[int, int], ...] = field(repr=False)
    digest: bytes

    def stand_in(self, descriptor: int) -> bool:
        """Whether a file holds the same in the same places."""
        if os.fstat(descriptor).st_size != self.size:
            return False
        state = hashlib.sha256()
        for offset, length in self.parts:
            state.update(os.pread(descriptor, length, offset))
        return state.digest() == self.digest

    @property
    def length(self) -> int:
        """Bytes in all parts."""
        return sum(length for _, length in self.parts)


class WatchedFile(io.FileIO):
    """A file that remembers what was read of it.

    Parameters
    ----------
    path
        A regular file.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path, "rb")
        self._left = MOST_COMPARED
        self._parts: list[tuple[int, int]] = []
        self._state = hashlib.sha256()

    def read(self, size: int | None = -1, /) -> bytes:
        """Read on, up to `size` bytes; all that there are if it is negative."""
        start = self.tell()
        data = super().read(size) or b""
        self._note(start, data)
        return data

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override] # the base names a wider protocol
        """Fill a buffer, for the readers that Python builds on this."""
        start = self.tell()
        count = super().readinto(buffer) or 0
        self._note(start, memoryview(buffer)[:count])
        return count

    def readall(self) -> bytes:
        """Read to the end."""
        return self.read(max(os.fstat(self.fileno()).st_size - self.tell(), 0))

    def parts_read(self) -> PartsRead | None:
        """Give what was read so far; None if it was more than is remembered."""
        if self._left < 0:
            return None
        return PartsRead(os.fstat(self.fileno()).st_size, tuple(self._parts), self._state.digest())

    def _note(self, start: int, data: bytes | memoryview) -> None:
        self._left -= len(data)
        if self._left >= 0 and data:
            self._parts.append((start, len(data)))
            self._state.update(data)
