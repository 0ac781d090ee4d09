"""Single compressed streams: what comes out is looked at like a file of its own."""

from __future__ import annotations

import bz2
import gzip
import importlib
import importlib.util
import io
import lzma
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Final, cast

from jupyter_modelguard.errors import ScanError
from jupyter_modelguard.types import ByteRange, Coverage

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from jupyter_modelguard.engines.content import Content
    from jupyter_modelguard.engines.scanner import Scanner
    from jupyter_modelguard.types import ScanReport

__all__ = ["ENGINE", "opener"]

_BLOCK: Final = 1 << 16  # bytes of packed data at a time
_MOST_KEPT: Final = 1 << 26  # bytes that are remembered of a stream that may break off
_DEFLATE: Final = 8  # zlib's only method, in the low half of its first byte
_WINDOWS: Final = 7  # the largest window that zlib knows, in the high half
_OLD_JOBLIB: Final = b"ZF"  # before a length and a zlib stream, as joblib wrote its files until 0.10 and still reads them
_OLD_HEAD: Final = 21  # bytes before that stream, and a space of some versions
_CHECK: Final = 31  # what its first two bytes can be divided by


class _Inflated(io.RawIOBase):
    """A zlib stream, unpacked as far as it is read; Python has no file object for these."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._inflater = zlib.decompressobj()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        while not self._inflater.eof:
            packed = self._inflater.unconsumed_tail or self._file.read(_BLOCK)
            if not packed:
                raise EOFError("the compressed stream is cut off")
            if data := self._inflater.decompress(packed, max(size, _BLOCK)):
                return data
        if self._inflater.unused_data or self._file.read(1):
            raise ScanError("there is something behind the compressed stream")
        return b""


class _Pieces:
    """Remembers what was unpacked, for the case that the stream breaks off; small pieces, so that none is lost with the failure."""

    def __init__(self, stream: BinaryIO) -> None:
        self._read = getattr(stream, "read1", stream.read)
        self.seen = bytearray()

    def read(self, size: int) -> bytes:
        piece = cast("bytes", self._read(min(size, _BLOCK)))
        if len(self.seen) < _MOST_KEPT:
            self.seen += piece
        return piece


def _of_library(module: str, name: str) -> Callable[[BinaryIO], BinaryIO]:
    def opened(file: BinaryIO) -> BinaryIO:
        if importlib.util.find_spec(module.partition(".")[0]) is None:
            raise ScanError(f"{module} is not installed here, and nothing else reads it")
        return cast("BinaryIO", getattr(importlib.import_module(module), name)(file))

    return opened


def _old_joblib(file: BinaryIO) -> BinaryIO:
    file.seek(_OLD_HEAD, io.SEEK_CUR)
    if file.read(1) != b" ":
        file.seek(-1, io.SEEK_CUR)
    return cast("BinaryIO", _Inflated(file))


def _has_length(head: bytes) -> bool:
    try:
        return int(head[len(_OLD_JOBLIB) : _OLD_HEAD], 16) >= 0  # as joblib reads it
    except ValueError:
        return False


def _unlzma(file: BinaryIO) -> BinaryIO:
    return cast("BinaryIO", lzma.LZMAFile(file))


_OPENERS: Final[tuple[tuple[bytes, str, Callable[[BinaryIO], BinaryIO]], ...]] = (
    (b"\x1f\x8b", "gzip", lambda file: cast("BinaryIO", gzip.GzipFile(fileobj=file))),
    (b"BZh", "bz2", lambda file: cast("BinaryIO", bz2.BZ2File(file))),
    (b"\xfd7zXZ\x00", "xz", _unlzma),
    (b"\x5d\x00", "lzma", _unlzma),
    (b"\x04\x22\x4d\x18", "lz4", _of_library("lz4.frame", "LZ4FrameFile")),
    (b"\x28\xb5\x2f\xfd", "zstd", _of_library("zstandard", "open")),
)


class Compressed:
    """Unpacks within the limits of the scan, and has what comes out scanned."""

    name = "compressed 1"

    def takes(self, content: Content) -> bool:
        """By the magic bytes; zlib's are two that must be divisible by 31."""
        return opener(content.head) is not None

    def scan(self, content: Content, scanner: Scanner) -> ScanReport:
        """Scan what comes out."""
        found = opener(content.head)
        if found is None:
            raise ScanError("no compressed stream")
        kind, opened = found
        with content.open() as file:
            pieces = _Pieces(opened(file))
            try:
                data = scanner.unpack(cast("BinaryIO", pieces))
            except Exception as error:  # a loader reads what comes out before the failure, and runs it
                if not pieces.seen or not isinstance(error, (EOFError, OSError, zlib.error, lzma.LZMAError)):
                    raise
                data = bytes(pieces.seen)
                broken = f"the {kind} stream cannot be read to its end: {error}"
            else:
                broken = ""
        inner = scanner.scan(content.inside(data, f"unpacked from {kind}"))
        ranges = (ByteRange(0, content.size, "inspected" if inner.coverage.inspected and not broken else "missed"),)
        missed = (*inner.coverage.missed, *([broken] if broken else []))
        coverage = Coverage(inner.coverage.parts + bool(broken), inner.coverage.inspected, missed, ranges)
        return replace(inner, target=content.name, size=content.size, coverage=coverage)


def opener(head: bytes) -> tuple[str, Callable[[BinaryIO], BinaryIO]] | None:
    """Give the kind of a compressed stream and what opens it, by its first bytes; None if it is none."""
    for magic, kind, opened in _OPENERS:
        if head.startswith(magic):
            return kind, opened
    if head.startswith(_OLD_JOBLIB) and _has_length(head):
        return "zlib", _old_joblib
    if len(head) > 1 and head[0] & 0x0F == _DEFLATE and head[0] >> 4 <= _WINDOWS and (head[0] << 8 | head[1]) % _CHECK == 0:
        return "zlib", lambda file: cast("BinaryIO", _Inflated(file))
    return None


ENGINE: Final = Compressed()
