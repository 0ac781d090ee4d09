"""Read a file of records from its start, never further than its end, and tell where its own counts cannot be true."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.byte_ranges import DATA, INSPECTED, MISSED
from jupyter_modelguard.engines.formats.gguf_reader import LieError
from jupyter_modelguard.policy.findings import finding
from jupyter_modelguard.types import ByteRange, Coverage, ScanReport

if TYPE_CHECKING:
    from typing import BinaryIO

    from jupyter_modelguard.engines.content import Content

__all__ = ["BoundedFile", "lying_report"]

_LARGEST: Final = 1 << 20  # bytes that are read at once; what is larger is numbers, and passed over
_MOST_RANGES: Final = 100_000


class BoundedFile:
    """Reads forward and holds every length against the bytes that are left.

    Parameters
    ----------
    file
        Open at the start.
    size
        Of all of it, in bytes.

    Attributes
    ----------
    at
        Where it is.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self._data: list[ByteRange] = []
        self.at = 0

    @property
    def left(self) -> int:
        """How many bytes are left."""
        return self._size - self.at

    @property
    def ranges(self) -> tuple[ByteRange, ...]:
        """Account for what was read so far: inspected, but for the numbers that were passed over."""
        found = []
        before = 0
        for one in (*self._data, ByteRange(self.at, self.at, DATA)):
            found += [ByteRange(before, one.start, INSPECTED), one]
            before = one.end
        return tuple(one for one in found if one.start < one.end)

    def take(self, count: int, what: str) -> bytes:
        """Read so many bytes of what is named.

        Raises
        ------
        LieError
            There are not that many.
        """
        self._check(count, what)
        if count > _LARGEST:
            raise LieError(f"says that {what} takes {count:,} bytes")
        found = self._file.read(count)
        if len(found) != count:
            raise LieError(f"is cut off in {what}")
        self.at += count
        return found

    def peek(self) -> bytes:
        """Give the next byte without taking it; nothing at the end."""
        found = self._file.read(1)
        if found:
            self._file.seek(-1, os.SEEK_CUR)
        return found

    def number(self, layout: str, what: str) -> int:
        """Read one whole number, laid out as in `struct`."""
        (value,) = struct.unpack(layout, self.take(struct.calcsize(layout), what))
        return int(value)

    def skip(self, count: int, what: str) -> None:
        """Pass over so many bytes of numbers or text, which are data."""
        self._check(count, what)
        if count and len(self._data) < _MOST_RANGES:
            self._data.append(ByteRange(self.at, self.at + count, DATA))
        if count:
            self._file.seek(count, os.SEEK_CUR)
            self.at += count

    def _check(self, count: int, what: str) -> None:
        if not 0 <= count <= self.left:
            raise LieError(f"says that {count:,} bytes of {what} follow, where {self.left:,} are left")


def lying_report(content: Content, engine: str, format_name: str, what: str) -> ScanReport:
    """Make the report of a file whose counts cannot be true; `what` goes on from "The file"."""
    title = f"The file {what}: it is cut off, or was made to have a native reader go beyond its memory"
    return ScanReport(
        content.name,
        format_name,
        size=content.size,
        findings=(finding("lying-header", title),),
        coverage=Coverage(1, 0, (f"it {what}",), (ByteRange(0, content.size, MISSED),)),
        engines=(engine,),
    )
