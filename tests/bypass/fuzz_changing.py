"""Changes to files: any bytes, the fields of zip records and tar headers, the text of other headers, parts of another file."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

__all__ = ["changed"]

_RECORDS = {  # mark: place and width of each field
    b"PK\x03\x04": ((4, 2), (6, 2), (8, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2)),
    b"PK\x01\x02": ((4, 2), (6, 2), (8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (32, 2), (38, 4), (42, 4)),
    b"PK\x05\x06": ((4, 2), (6, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2)),
    b"PK\x06\x06": ((4, 8), (24, 8), (32, 8), (40, 8), (48, 8)),
    b"PK\x06\x07": ((4, 4), (8, 8), (16, 4)),
}
_MARK = re.compile(b"|".join(re.escape(mark) for mark in _RECORDS))
_TAR_FIELDS = ((0, 100), (100, 8), (124, 12), (156, 1), (157, 100), (257, 8), (345, 155))
_NUMBERS = (0, 1, 2, 8, 9, 12, 14, 0x800, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 40, (1 << 63) - 1, (1 << 64) - 1)


def changed(random: Random, data: bytes, other: bytes) -> bytes:
    """Change a file in one to four places."""
    for _ in range(random.choice([1, 1, 2, 4])):
        if not data:
            return other
        kind = random.random()
        if kind < 0.25 and _MARK.search(data):
            data = _record(random, data)
        elif kind < 0.35 and data[257:262] == b"ustar" and len(data) >= 512:
            data = _tar(random, data)
        elif kind < 0.45 and (data.startswith(b"\x93NUMPY") or data[8:9] == b"{"):
            data = _header(random, data)
        else:
            data = _bytes(random, data, other)
    return data


def _put(data: bytes, place: int, new: bytes) -> bytes:
    return data[:place] + new + data[place + len(new) :]


def _record(random: Random, data: bytes) -> bytes:
    found = random.choice([(match.start(), match.group()) for match in _MARK.finditer(data)])
    offset, width = random.choice(_RECORDS[found[1]])
    place = found[0] + offset
    old = int.from_bytes(data[place : place + width], "little")
    new = random.choice([*_NUMBERS, old + 1, max(0, old - 1), old ^ 1, old ^ 8]) & ((1 << 8 * width) - 1)
    return _put(data, place, new.to_bytes(width, "little"))


def _tar(random: Random, data: bytes) -> bytes:
    heads = [place for place in range(0, len(data) - 511, 512) if data[place + 257 : place + 262] == b"ustar"]
    place = random.choice(heads)
    offset, width = random.choice(_TAR_FIELDS)
    new = random.choice(
        [b"\0" * width, b"7" * (width - 1) + b"\0", b"\x80" + b"\xff" * (width - 1), b"S"[:width], b"L"[:width], b"../x"[:width]]
    )
    head = _put(data[place : place + 512], offset, new)
    total = sum(head[:148]) + 8 * 32 + sum(head[156:])
    return data[:place] + _put(head, 148, b"%06o\0 " % total) + data[place + 512 :]


def _header(random: Random, data: bytes) -> bytes:
    swaps = (
        (b"|O", random.choice([b"<f8", b"O", b"V8", b"U9", b"|O4"])),
        (b"(1,)", random.choice([b"(True,)", b"(-1,)", b"(9e9,)", b"()", b"(1,)*9"])),
        (b"U8", random.choice([b"F32", b"X", b""])),
        (b'"data_offsets"', b'"offsets"'),
        (b"{", b"{" * random.choice([2, 50])),
        (b"[0,", random.choice([b"[-1,", b"[1e400,", b"[true,"])),
        (b"'shape'", b"'shapes'"),
    )
    old, new = random.choice(swaps)
    return data.replace(old, new, 1)


def _bytes(random: Random, data: bytes, other: bytes) -> bytes:
    place = random.randrange(len(data))
    end = min(len(data), place + random.choice([1, 1, 2, 4, 8, 30, 300]))
    kind = random.randrange(8)
    if kind == 0:
        return _put(data, place, bytes([data[place] ^ 1 << random.randrange(8)]))
    if kind == 1:
        return data[:place] + data[end:]
    if kind == 2:
        return data[:place] + data[place:end] * random.choice([2, 3, 10]) + data[end:]
    if kind == 3:
        return data[:place]
    if kind == 4:
        width = random.choice([1, 2, 4, 8])
        number = random.choice(_NUMBERS) & ((1 << 8 * width) - 1)
        return _put(data, place, struct.pack(random.choice("<>") + "Q", number)[-width:])[: len(data)]
    if kind == 5:
        first = random.randrange(len(other) + 1)
        return data[:place] + other[first : first + random.choice([4, 40, 4000])] + data[end:]
    if kind == 6:
        return (
            data[:place]
            + bytes(random.choice([0, 10, 46, 48, 80, 82, 98, 128, 147, 149, 255]) for _ in range(end - place))
            + data[place:]
        )
    return data[:place] + other if random.random() < 0.5 else data + other
