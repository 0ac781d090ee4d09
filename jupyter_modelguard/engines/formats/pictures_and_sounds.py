"""Pictures and sounds: data, as far as their own structure reaches; what stands behind that is nobody's.

Each format is walked by the lengths that stand in it, so that a few bytes at the front make nothing else a picture.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.byte_ranges import DATA
from jupyter_modelguard.types import ByteRange, Coverage, ScanReport

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.engines.content import Content
    from jupyter_modelguard.engines.scanner import Scanner

__all__ = ["ENGINE"]

_LARGEST: Final = 256 << 20  # bytes
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_MOST_PARTS: Final = 1_000_000
_RIFF: Final = frozenset({b"WAVE", b"WEBP", b"AVI "})
_MARK: Final = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # what ends a stretch of a JPEG's numbers
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD9)})  # marks of a JPEG that no length follows
_START_OF_SCAN: Final = 0xDA
_END_OF_PICTURE: Final = 0xD9
_OGG_HEAD: Final = 27  # bytes
_FLAC_BLOCK: Final = 4
_BMP_HEAD: Final = 54


class PicturesAndSounds:
    """Walks PNG, JPEG, GIF, BMP, RIFF, Ogg and FLAC."""

    name = "media 1"

    def takes(self, content: Content) -> bool:
        """By the magic bytes."""
        return _walker(content.head) is not None

    def scan(self, content: Content, scanner: Scanner) -> ScanReport | None:
        """Account for the picture or sound; None where it breaks off."""
        del scanner
        found = _walker(content.head)
        if found is None or content.size > _LARGEST:
            return None
        kind, walk = found
        try:
            end = walk(content.read())
        except (struct.error, IndexError):
            return None
        if not 0 < end <= content.size:
            return None
        coverage = Coverage(ranges=(ByteRange(0, end, DATA),))
        return ScanReport(content.name, kind, size=content.size, coverage=coverage, engines=(self.name,))


def _png(data: bytes) -> int:
    place = len(_PNG)
    for _ in range(_MOST_PARTS):
        length, kind = struct.unpack_from(">I4s", data, place)
        place += 12 + int(length)
        if kind == b"IEND":
            return place
    return 0


def _jpeg(data: bytes) -> int:
    place = 2
    for _ in range(_MOST_PARTS):
        if data[place] != 0xFF:  # noqa: PLR2004 every mark begins with it
            return 0
        mark = data[place + 1]
        place += 2
        if mark == _END_OF_PICTURE:
            return place
        if mark == 0xFF:  # noqa: PLR2004 padding
            place -= 1
        elif mark not in _ALONE:
            place += int.from_bytes(data[place : place + 2], "big")
            if mark == _START_OF_SCAN:
                behind = _MARK.search(data, place)
                if behind is None:
                    return 0
                place = behind.start()
    return 0


def _gif(data: bytes) -> int:
    def behind_blocks(place: int) -> int:
        while data[place]:
            place += 1 + data[place]
        return place + 1

    def behind_colours(flags: int, place: int) -> int:
        return place + (3 << (flags & 7) + 1 if flags & 0x80 else 0)

    place = behind_colours(data[10], 13)
    for _ in range(_MOST_PARTS):
        kind = data[place]
        if kind == 0x3B:  # noqa: PLR2004 the end
            return place + 1
        if kind == 0x21:  # noqa: PLR2004 an extension
            place = behind_blocks(place + 2)
        elif kind == 0x2C:  # noqa: PLR2004 a picture
            place = behind_blocks(behind_colours(data[place + 9], place + 10) + 1)
        else:
            return 0
    return 0


def _riff(data: bytes) -> int:
    (length,) = struct.unpack_from("<I", data, 4)
    place, end = 12, 8 + int(length)
    for _ in range(_MOST_PARTS):
        if place >= end:
            break
        (size,) = struct.unpack_from("<I", data, place + 4)
        place += 8 + size + size % 2
    return end if place in {end, end + 1} else 0


def _bmp(data: bytes) -> int:
    size, _, start, header = struct.unpack_from("<IIII", data, 2)
    return int(size) if header in {40, 52, 56, 108, 124} and _BMP_HEAD <= start < size else 0


def _ogg(data: bytes) -> int:
    place = 0
    while data[place : place + 4] == b"OggS":
        count = data[place + _OGG_HEAD - 1]
        sizes = data[place + _OGG_HEAD : place + _OGG_HEAD + count]
        place += _OGG_HEAD + count + sum(sizes)
    return place


def _flac(data: bytes) -> int:
    place = 4
    while True:
        last, length = data[place] & 0x80, int.from_bytes(data[place + 1 : place + 4], "big")
        place += _FLAC_BLOCK + length
        if last:
            break
    return len(data) if data[place] == 0xFF and data[place + 1] >> 1 == 0x7C else 0  # noqa: PLR2004 a frame; they have no lengths


def _walker(head: bytes) -> tuple[str, Callable[[bytes], int]] | None:
    for magic, kind, walk in _WALKERS:
        if head.startswith(magic):
            return kind, walk
    return ("riff", _riff) if head.startswith(b"RIFF") and head[8:12] in _RIFF else None


_WALKERS: Final[tuple[tuple[bytes, str, Callable[[bytes], int]], ...]] = (
    (_PNG, "png", _png),
    (b"\xff\xd8\xff", "jpeg", _jpeg),
    (b"GIF87a", "gif", _gif),
    (b"GIF89a", "gif", _gif),
    (b"BM", "bmp", _bmp),
    (b"OggS", "ogg", _ogg),
    (b"fLaC", "flac", _flac),
)

ENGINE: Final = PicturesAndSounds()
