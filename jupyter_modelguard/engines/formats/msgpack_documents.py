"""MessagePack, as spaCy, flax and others keep vocabularies and weights: https://github.com/msgpack/msgpack/blob/master/spec.md.

Nothing marks the format, so a file is taken only where it is one map or list to its last byte. Values are data. What its readers make more
of is looked at: arrays of objects, which msgpack-numpy unpickles, and extensions, which mean what a reader wants them to.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.byte_ranges import INSPECTED
from jupyter_modelguard.engines.merging import merged_reports
from jupyter_modelguard.errors import ScanError
from jupyter_modelguard.types import ByteRange, Coverage, ScanReport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_modelguard.engines.content import Content
    from jupyter_modelguard.engines.scanner import Scanner

__all__ = ["ENGINE"]

_LARGEST: Final = 1 << 30  # bytes
_MOST_VALUES: Final = 30_000_000
_DEEPEST: Final = 1_000
_FIRST: Final = frozenset({*range(0x80, 0xA0), 0xDC, 0xDD, 0xDE, 0xDF})  # maps and lists
_WIDTHS: Final = {
    0xC0: 0,
    0xC2: 0,
    0xC3: 0,
    0xCA: 4,
    0xCB: 8,
    0xCC: 1,
    0xCD: 2,
    0xCE: 4,
    0xCF: 8,
    0xD0: 1,
    0xD1: 2,
    0xD2: 4,
    0xD3: 8,
}
_LENGTHS: Final = {0xC4: ">B", 0xC5: ">H", 0xC6: ">I", 0xD9: ">B", 0xDA: ">H", 0xDB: ">I"}  # of text and bytes
_EXTENSIONS: Final = {0xC7: ">B", 0xC8: ">H", 0xC9: ">I"}
_FIXED_EXTENSIONS: Final = {0xD4: 1, 0xD5: 2, 0xD6: 4, 0xD7: 8, 0xD8: 16}
_COUNTS: Final = {0xDC: (">H", 1), 0xDD: (">I", 1), 0xDE: (">H", 2), 0xDF: (">I", 2)}  # of lists and maps
_TIME: Final = -1
_FLAX: Final = frozenset({1, 2, 3})  # an array, a complex number, a number, each written as MessagePack again


class MsgpackDocuments:
    """Walks one document without making any of its values."""

    name = "msgpack 1"

    def takes(self, content: Content) -> bool:
        """By a map or a list at the start, which goes on to the end as far as the head shows: many a pickle begins like one."""
        if content.head[0] not in _FIRST or content.size <= 2:  # noqa: PLR2004 less says nothing
            return False
        try:
            list(_Walk(content.head, content.size).values())
        except (struct.error, IndexError):
            return True  # it goes on behind the head
        except ScanError:
            return False
        return True

    def scan(self, content: Content, scanner: Scanner) -> ScanReport | None:
        """Scan a document; None where the bytes are none to their end."""
        if content.size > _LARGEST:
            return None
        data = content.read()
        try:
            walk = _Walk(data, content.size)
            objects: list[tuple[int, int]] = []
            numpy, before = False, b""
            for start, end, kind in walk.values():
                if kind is None:
                    word = data[start : min(end, start + 8)]
                    numpy = numpy or (before == b"kind" and word == b"O")
                    if before == b"data":
                        objects.append((start, end))
                    before = word
                elif kind != _TIME:
                    walk.extensions.append((start, end, kind))
        except (ScanError, struct.error, IndexError):
            return None
        ranges = (ByteRange(0, content.size, INSPECTED),)
        reports = [ScanReport(content.name, "msgpack", size=content.size, engines=(self.name,))]
        if numpy:  # msgpack-numpy's words for an array of objects, which it unpickles
            reports += [scanner.scan(content.inside(data[start:end], f"object at byte {start}")) for start, end in objects]
        for start, end, kind in walk.extensions:
            if not (kind in _FLAX and _is_one(data[start:end])):
                reports.append(scanner.scan(content.inside(data[start:end], f"extension {kind} at byte {start}")))
        whole = merged_reports(content.name, "msgpack", reports, content.size)
        coverage: Coverage = replace(whole.coverage, ranges=ranges)
        return replace(whole, coverage=coverage)


def _is_one(data: bytes) -> bool:
    """Whether bytes are MessagePack themselves, without extensions."""
    try:
        return all(kind is None for _, _, kind in _Walk(data, len(data)).values())
    except (ScanError, struct.error, IndexError):
        return False


class _Walk:
    def __init__(self, data: bytes, size: int) -> None:
        self._data = data  # or the first of it
        self._size = size
        self.extensions: list[tuple[int, int, int]] = []

    def values(self) -> Iterator[tuple[int, int, int | None]]:
        """Give texts, bytes and extensions with where they are, the last with their numbers; raise unless the bytes are one document."""
        data = self._data
        place = 0
        left = [1]  # values that are still to come, of each map and list that is open
        for _ in range(_MOST_VALUES):
            while left and not left[-1]:
                left.pop()
            if not left:
                break
            left[-1] -= 1
            mark = data[place]
            place += 1
            if mark < 0x80 or mark >= 0xE0:  # noqa: PLR2004 a small number
                continue
            if mark in _WIDTHS:
                place += _WIDTHS[mark]
            elif mark < 0xA0 or mark in _COUNTS:  # noqa: PLR2004 a map or a list
                count, place = _count(data, mark, place)
                if len(left) > _DEEPEST or count > self._size:
                    raise ScanError("nested too deeply")
                left.append(count)
            else:
                start, end, kind = _span(data, mark, place)
                if end > self._size:
                    raise ScanError("cut off")
                yield start, end, kind
                place = end
        if place != self._size or any(left):
            raise ScanError("not one document")


def _count(data: bytes, mark: int, place: int) -> tuple[int, int]:
    if mark in _COUNTS:
        code, each = _COUNTS[mark]
        return struct.unpack_from(code, data, place)[0] * each, place + struct.calcsize(code)
    return (mark & 15) * (1 if mark & 0x10 else 2), place


def _span(data: bytes, mark: int, place: int) -> tuple[int, int, int | None]:
    if 0xA0 <= mark < 0xC0:  # noqa: PLR2004 a short text
        return place, place + (mark & 31), None
    if mark in _LENGTHS:
        start = place + struct.calcsize(_LENGTHS[mark])
        return start, start + struct.unpack_from(_LENGTHS[mark], data, place)[0], None
    if mark in _FIXED_EXTENSIONS:
        return place + 1, place + 1 + _FIXED_EXTENSIONS[mark], struct.unpack_from(">b", data, place)[0]
    if mark in _EXTENSIONS:
        start = place + struct.calcsize(_EXTENSIONS[mark])
        length = struct.unpack_from(_EXTENSIONS[mark], data, place)[0]
        return start + 1, start + 1 + length, struct.unpack_from(">b", data, start)[0]
    raise ScanError("no value begins so")


ENGINE: Final = MsgpackDocuments()
