"""A part of a file as content of its own, where it lies: a gigabyte of weights in an archive is not copied to be looked at."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from jupyter_modelguard.artifacts.source import StreamSource
from jupyter_modelguard.engines.content import Content
from jupyter_modelguard.engines.zip_layout import data_start

if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["part_of", "stored_part"]

_HEAD: Final = 4096  # bytes, as all content shows them


def part_of(content: Content, start: int, size: int, name: str) -> Content:
    """Take `size` bytes of a content from `start` on as one that lies in it."""
    name = f"{content.name}/{name}" if content.name else name
    source = content.source
    if source.path is None:
        data = source.data[start : start + size]
        return Content(StreamSource(data=data), len(data), data[:_HEAD], name, content.depth + 1)
    inner = _PartSource(source.path, source.offset + start, b"", size)
    with inner.open() as file:
        return Content(inner, size, file.read(_HEAD), name, content.depth + 1)


def stored_part(content: Content, member: zipfile.ZipInfo, magic: bytes) -> Content | None:
    """Take a member of an archive that is stored as it is and begins with `magic`; None where it is another."""
    if member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size or member.flag_bits & 1:
        return None
    with content.open() as file:
        start = data_start(file, member)
        if start is None or start + member.file_size > content.size:
            return None
        file.seek(start)
        if file.read(len(magic)) != magic:
            return None
    return part_of(content, start, member.file_size, member.filename)


@dataclass(frozen=True, slots=True)
class _PartSource(StreamSource):
    """Bytes of a file that end before the file does."""

    length: int = 0

    def open(self) -> BinaryIO:
        return cast("BinaryIO", io.BufferedReader(_Window(StreamSource(self.path).open(), self.offset, self.length)))

    def open_buffered(self) -> BinaryIO:
        return self.open()


class _Window(io.RawIOBase):
    """A stretch of a file, as if it were all of it."""

    def __init__(self, file: BinaryIO, start: int, length: int) -> None:
        self._file = file
        self._start = start
        self._length = length
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._length}[whence])
        return self._at

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        self._file.seek(self._start + self._at)
        data = self._file.read(min(len(buffer), max(0, self._length - self._at)))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()
