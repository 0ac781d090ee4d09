"""Raw numbers that lie beside a model and that only the model describes: TensorFlow's variables, and the data of an ONNX model.

Such a file has no format of its own. What the index beside it names as the place of a tensor is data; everything else in it is not.
TensorFlow's index is a table of LevelDB (https://github.com/google/leveldb/blob/main/doc/table_format.md).
"""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.byte_ranges import DATA, INSPECTED, joined
from jupyter_modelguard.engines.formats.onnx_models import external_spans
from jupyter_modelguard.engines.protobuf import Walk
from jupyter_modelguard.errors import ScanError
from jupyter_modelguard.types import ByteRange, Coverage, ScanReport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_modelguard.engines.content import Content
    from jupyter_modelguard.engines.protobuf import Schema
    from jupyter_modelguard.engines.scanner import Scanner

__all__ = ["ENGINE"]

_SHARD: Final = re.compile(r"(.+)\.data-(\d{5})-of-(\d{5})")
_MAGIC: Final = struct.pack("<Q", 0xDB4775248B80FB57)  # the last bytes of an index
_FOOTER: Final = 48  # bytes
_TRAILER: Final = 5  # bytes behind a block: how it is packed, and its checksum
_LARGEST_INDEX: Final = 256 << 20  # bytes
_MOST_MODELS: Final = 20  # of a folder that are asked for a file
_LONGEST: Final = 10  # bytes of a number
_LARGEST_GAP: Final = 4096  # bytes between tensors that only align them
_PROGRAMS: Final = (b"\x7fELF", b"MZ", b"\xfe\xed\xfa", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"#!")
_MORE: Final = 0x80
_ENTRY: Final[Schema] = {
    "Entry": {1: "dtype#", 2: "shape", 3: "shard_id#", 4: "offset#", 5: "size#", 6: "crc32c#", 7: "slices"},
    "Header": {1: "num_shards#", 2: "endianness#", 3: "version"},
}


class BesideModels:
    """Finds the index of a file of raw numbers, and the numbers by that."""

    name = "beside-models 1"

    def takes(self, content: Content) -> bool:
        """By the end of an index, or by a neighbour that describes the file."""
        return _is_index(content) or _described(content) is not None

    def scan(self, content: Content, scanner: Scanner) -> ScanReport | None:
        """Account for the tensors of a file; None where nothing beside it speaks of it."""
        del scanner
        if _is_index(content):
            blocks: list[ByteRange] = []
            for _ in _entries(content.read(), blocks):
                pass
            coverage = Coverage(ranges=joined(blocks))
            return ScanReport(content.name, "tensorflow-index", size=content.size, coverage=coverage, engines=(self.name,))
        spans = _described(content)
        if spans is None:
            return None
        places = joined(ByteRange(max(0, start), min(end, content.size), DATA) for start, end in spans)
        coverage = Coverage(ranges=(*places, *_alignment(content, places)))
        return ScanReport(content.name, "tensors", size=content.size, coverage=coverage, engines=(self.name,))


def _is_index(content: Content) -> bool:
    if not _FOOTER < content.size <= _LARGEST_INDEX:
        return False
    with content.open() as file:
        file.seek(file.tell() + content.size - len(_MAGIC))
        return file.read(len(_MAGIC)) == _MAGIC


def _described(content: Content) -> list[tuple[int, int]] | None:
    """Say where in a file the tensors are that its neighbours name; None where none of them knows the file."""
    if content.depth or content.source.path is None or content.head.startswith(_PROGRAMS):
        return None
    path = Path(content.source.path)
    shard = _SHARD.fullmatch(path.name)
    if shard is not None:
        index = path.with_name(f"{shard[1]}.index")
        if not index.is_file() or index.stat().st_size > _LARGEST_INDEX:
            return None
        return [(start, end) for number, start, end in _entries(index.read_bytes()) if number == int(shard[2])]
    spans: list[tuple[int, int]] = []
    for model in sorted(path.parent.glob("*.onnx"))[:_MOST_MODELS]:
        if model.name != path.name:
            found = external_spans(model, path.name)
            spans += [(start, content.size if length is None else start + length) for start, length in found]
    return spans or None


def _alignment(content: Content, places: tuple[ByteRange, ...]) -> Iterator[ByteRange]:
    """Find the zeros between tensors that align them."""
    before = 0
    with content.open() as file:
        for start, end, _ in (*places, ByteRange(content.size, content.size, "")):
            if 0 < start - before <= _LARGEST_GAP:
                file.seek(before)
                if not file.read(start - before).strip(b"\x00"):
                    yield ByteRange(before, start, DATA)
            before = end


def _entries(data: bytes, blocks: list[ByteRange] | None = None) -> Iterator[tuple[int, int, int]]:
    """Read an index: for each tensor the number of its file, and where it lies there."""
    if data[-len(_MAGIC) :] != _MAGIC or len(data) < _FOOTER:
        raise ScanError("the index of its variables is broken")
    place = len(data) - _FOOTER
    read = [] if blocks is None else blocks
    read.append(ByteRange(place, len(data), INSPECTED))
    start, place = _varint(data, place)
    size, place = _varint(data, place)
    for _ in _block(data, start, size, read):
        raise ScanError("the index of its variables has a part that TensorFlow's have not")
    start, place = _varint(data, place)
    size, _ = _varint(data, place)
    for _, handle in _block(data, start, size, read):
        inner, behind = _varint(handle, 0)
        length, _ = _varint(handle, behind)
        for key, value in _block(data, inner, length, read):
            walk = Walk(value, _ENTRY, "Entry" if key else "Header")
            numbers = {name: found[-1] for message in walk for name, found in message.numbers.items()}
            if walk.odd:
                raise ScanError(f"the index of its variables: {walk.odd[0]}")
            if key:
                offset = numbers.get("offset", 0)
                yield numbers.get("shard_id", 0), offset, offset + numbers.get("size", 0)


def _block(data: bytes, start: int, size: int, read: list[ByteRange]) -> Iterator[tuple[bytes, bytes]]:
    """Read the keys and values of a block, which share the beginnings of their keys."""
    if start + size + _TRAILER > len(data) or size < 4:  # noqa: PLR2004 the number of its restarts
        raise ScanError("the index of its variables is broken")
    if data[start + size]:
        raise ScanError("the index of its variables is packed, which TensorFlow does not do")
    read.append(ByteRange(start, start + size + _TRAILER, INSPECTED))
    (restarts,) = struct.unpack("<I", data[start + size - 4 : start + size])
    end = start + size - 4 * (restarts + 1)
    key = b""
    while start < end:
        shared, start = _varint(data, start)
        own, start = _varint(data, start)
        length, start = _varint(data, start)
        if start + own + length > end or shared > len(key):
            raise ScanError("the index of its variables is broken")
        key = key[:shared] + data[start : start + own]
        yield key, data[start + own : start + own + length]
        start += own + length


def _varint(data: bytes, start: int) -> tuple[int, int]:
    value = 0
    for place in range(start, min(len(data), start + _LONGEST)):
        value |= (data[place] & 0x7F) << 7 * (place - start)
        if data[place] < _MORE:
            return value, place + 1
    raise ScanError("the index of its variables is broken")


ENGINE: Final = BesideModels()
