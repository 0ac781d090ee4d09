"""The header of GGUF files, read within bounds: keys with values, and where tensors lie.

Versions 1 to 3, little and big endian, after https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Counts and lengths are held against
the bytes that are left before anything is read: native readers that believed them wrote beyond their memory (CVE-2024-21802,
-21825, -21836, -23496, -23605, CVE-2025-53630).
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["MAGIC", "Header", "LieError", "Tensor", "read_header"]

MAGIC: Final = b"GGUF"
_LARGEST_HEADER: Final = 1 << 28  # bytes; vocabularies of a quarter of a million tokens take 10 MB
_LARGEST_TEXT: Final = 1 << 24  # bytes of a value that is kept
_STRING, _ARRAY = 8, 9
_FIXED: Final = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "B", 10: "Q", 11: "q", 12: "d"}
_MOST_DIMENSIONS: Final = 4
_DEEPEST: Final = 4  # arrays in one another, of which no writer makes any
_VERSIONS: Final = (1, 2, 3)
_BLOCKS: Final = {  # elements and bytes of a block, by type of tensor
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36), 10: (256, 84), 11: (256, 110),
    12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292), 16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50),
    20: (32, 18), 21: (256, 110), 22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56),
    30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17), 40: (64, 36),
}  # fmt: skip


class LieError(Exception):
    """The header says what cannot be true of the file; the message says what."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """Where a tensor lies, counted from the start of the numbers; `size` is -1 where its type is not known here."""

    name: str
    offset: int
    size: int


@dataclass(slots=True)
class Header:
    """What a file says of itself."""

    version: int
    big: bool
    length: int = 0  # bytes, to the end of the last entry
    alignment: int = 32
    keys: int = 0
    texts: dict[str, list[str]] = field(default_factory=dict)  # values that are text, or lists of it, as far as they are short
    tensors: list[Tensor] = field(default_factory=list)


class _Cursor:
    """Reads a file from its start and keeps what it read."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = min(size, _LARGEST_HEADER)
        self._whole = size
        self.data = bytearray()
        self.at = 0
        self.order = "<"
        self.wide = "Q"  # how lengths are written

    @property
    def left(self) -> int:
        return self._whole - self.at

    def need(self, count: int) -> None:
        """Have that many bytes from here on."""
        end = self.at + count
        if end > self._whole:
            raise LieError(f"its header goes on for {end:,} bytes and more, in a file of {self._whole:,}")
        if end > self._size:
            raise LieError(f"its header is larger than {_LARGEST_HEADER >> 20} MiB")
        while len(self.data) < end:
            piece = self._file.read(max(1 << 20, end - len(self.data)))
            if not piece:
                raise LieError("its header is cut off")
            self.data += piece

    def number(self, code: str) -> int:
        layout = f"{self.order}{code}"
        length = struct.calcsize(layout)
        self.need(length)
        (value,) = struct.unpack_from(layout, self.data, self.at)
        self.at += length
        return int(value)

    def count(self, each: int, of: str) -> int:
        """Read how many of something follow, each of at least so many bytes."""
        value = self.number(self.wide)
        if value * each > self.left:
            raise LieError(f"says that {value:,} {of} follow, where {self.left:,} bytes are left")
        return value

    def text(self) -> bytes:
        length = self.count(1, "bytes of text")
        self.need(length)
        found = bytes(self.data[self.at : self.at + length])
        self.at += length
        return found

    def skip(self, count: int) -> None:
        self.need(count)
        self.at += count


def read_header(file: BinaryIO, size: int) -> Header:
    """Read the header of a file that begins with the magic bytes.

    Raises
    ------
    LieError
        It says what cannot be, or is cut off.
    """
    cursor = _Cursor(file, size)
    cursor.skip(len(MAGIC))
    version = cursor.number("I")
    big = version not in _VERSIONS and int.from_bytes(version.to_bytes(4, "little"), "big") in _VERSIONS
    if big:
        cursor.order = ">"
        version = int.from_bytes(version.to_bytes(4, "little"), "big")
    if version not in _VERSIONS:
        raise LieError(f"is of version {version}, which is not known here")
    cursor.wide = "I" if version == 1 else "Q"
    header = Header(version, big)
    tensors = cursor.count(8 if version == 1 else 24, "tensors")
    keys = cursor.count(struct.calcsize(cursor.wide) + 4, "keys")
    header.keys = keys
    names: set[bytes] = set()
    for _ in range(keys):
        _key(cursor, header, names)
    if header.alignment <= 0 or header.alignment & (header.alignment - 1):
        raise LieError(f"wants tensors to begin at multiples of {header.alignment}, which is no power of two")
    names.clear()
    for _ in range(tensors):
        _tensor(cursor, header, names)
    header.length = cursor.at
    return header


def _key(cursor: _Cursor, header: Header, names: set[bytes]) -> None:
    raw = cursor.text()
    name = raw.decode("utf-8", "replace")
    if raw in names:
        raise LieError(f"has the key {name[:60]!r} twice: readers take the one or the other")
    names.add(raw)
    kind = cursor.number("I")
    texts: list[str] = []
    if kind in _FIXED and name == "general.alignment":
        header.alignment = cursor.number(_FIXED[kind])
        return
    _value(cursor, kind, texts, 0)
    if texts:
        header.texts[name] = texts


def _value(cursor: _Cursor, kind: int, texts: list[str], depth: int) -> None:
    if kind in _FIXED:
        cursor.skip(struct.calcsize(_FIXED[kind]))
    elif kind == _STRING:
        text = cursor.text()
        if len(text) > _LARGEST_TEXT:
            raise LieError(f"has a text of {len(text):,} bytes")
        texts.append(text.decode("utf-8", "replace"))
    elif kind == _ARRAY:
        if depth >= _DEEPEST:
            raise LieError("has lists that are nested too deeply")
        inner = cursor.number("I")
        smallest = struct.calcsize("<" + _FIXED.get(inner, cursor.wide)) + 4 * (inner == _ARRAY)
        count = cursor.count(smallest, "values")
        if inner in _FIXED:
            cursor.skip(count * smallest)
        elif inner == _STRING:
            _strings(cursor, count, texts)
        else:
            for _ in range(count):
                _value(cursor, inner, texts, depth + 1)
    else:
        raise LieError(f"has a value of type {kind}, which is not known here")


def _strings(cursor: _Cursor, count: int, texts: list[str]) -> None:
    """Step over a list of texts: vocabularies have hundreds of thousands; those that could be a template are kept."""
    for _ in range(count):
        text = cursor.text()
        if b"{{" in text or b"{%" in text:
            texts.append(text.decode("utf-8", "replace"))


def _tensor(cursor: _Cursor, header: Header, names: set[bytes]) -> None:
    raw = cursor.text()
    name = raw.decode("utf-8", "replace")
    if raw in names:
        raise LieError(f"has the tensor {name[:60]!r} twice")
    names.add(raw)
    dimensions = cursor.number("I")
    if dimensions > _MOST_DIMENSIONS:
        raise LieError(f"gives the tensor {name[:60]!r} {dimensions:,} dimensions, where the format has {_MOST_DIMENSIONS}")
    shape = [cursor.number(cursor.wide) for _ in range(dimensions)]
    kind = cursor.number("I")
    offset = cursor.number("Q")
    elements = math.prod(shape)
    if elements >= 1 << 63:
        raise LieError(f"gives the tensor {name[:60]!r} so many numbers that counting them overflows")
    if offset % header.alignment:
        raise LieError(f"places the tensor {name[:60]!r} at byte {offset:,}, which is no multiple of {header.alignment}")
    block, size = _BLOCKS.get(kind, (0, 0))
    if block and shape and shape[0] % block:
        raise LieError(f"has rows of {shape[0]:,} numbers in the tensor {name[:60]!r}, whose type packs {block} together")
    header.tensors.append(Tensor(name, offset, elements // block * size if block else -1))
