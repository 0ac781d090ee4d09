"""Reach into a compressed file, no further than its stream goes.

A few megabytes can unpack to many gigabytes, and most of those may lie behind the end of the stream, where no loader goes. So a first part
is unpacked into a private file, and more only when the trace met its end (`extend`). Memory holds a piece at a time.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import sys
import tempfile
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Self

from jupyter_modelguard.artifacts.reach import Reached
from jupyter_modelguard.artifacts.source import StreamSource

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FIRST_PART", "Unpacked"]

FIRST_PART: Final = 1 << 26
"""Bytes that are unpacked before the first look; each further look has twice as many."""

_PIECE: Final = 1 << 20  # bytes
_INLINE: Final = 1 << 20  # bytes; less than that needs no file
_HEAD: Final = 32  # bytes; no compressor writes a longer mark
_ENDS: Final = (EOFError, OSError, ValueError, RuntimeError, zlib.error, lzma.LZMAError)  # RuntimeError: lz4's own


class _ZlibReader(io.RawIOBase):
    """What comes out of one zlib stream, a piece at a time."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._inflating = zlib.decompressobj()

    def read1(self, size: int) -> bytes:
        while not self._inflating.eof:
            packed = self._inflating.unconsumed_tail or self._file.read(_PIECE)
            piece = self._inflating.decompress(packed, size)
            if piece or not packed:
                return piece
        return b""


def _lz4_reader(file: BinaryIO) -> Any:
    try:
        import lz4.frame
    except ImportError:
        raise ValueError("lz4 is not installed. To read this file: python -m pip install lz4") from None
    return lz4.frame.LZ4FrameFile(file)


_OPEN: Final[dict[bytes, Callable[[BinaryIO], Any]]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZ": bz2.BZ2File,
    b"\xfd7zXZ": lzma.LZMAFile,
    b"\x5d\x00": lzma.LZMAFile,
    b"\x04\x22\x4d\x18": _lz4_reader,
    b"\x78\x01": _ZlibReader,
    b"\x78\x5e": _ZlibReader,
    b"\x78\x9c": _ZlibReader,
    b"\x78\xda": _ZlibReader,
}


def _opener(head: bytes) -> Callable[[BinaryIO], Any] | None:
    """Choose the reader that joblib would, among them those that the person registered there."""
    opener = next((opener for magic, opener in _OPEN.items() if head.startswith(magic)), None)
    if opener is not None:
        return opener
    registered = getattr(sys.modules.get("joblib.compressor"), "_COMPRESSORS", {})
    for compressor in tuple(registered.values()):
        if compressor.prefix and head.startswith(compressor.prefix):
            return compressor.decompressor_file  # type: ignore[no-any-return]
    return None


class Unpacked(Reached):
    """What a compressed file holds, as far as it was unpacked; the look and the load share it."""

    _packed: Reached
    _file: BinaryIO
    _unpacking: Any
    _more: bool

    @classmethod
    def of(cls, packed: Reached) -> Reached:
        """Reach into a file that one of joblib's compressors wrote; anything else is given back as it is.

        Of a file that is cut off, what comes out before the cut is reached.
        """
        with packed.source.open() as file:
            head = file.read(_HEAD)
        opener = _opener(head)
        if opener is None:
            return packed
        file = packed.source.open()
        descriptor, spool = tempfile.mkstemp(prefix="modelguard-")
        unpacked = cls(StreamSource(path=spool), packed.name, 0, descriptor, spool)
        unpacked._packed, unpacked._file, unpacked._unpacking, unpacked._more = packed, file, opener(file), True
        error = unpacked._unpack(FIRST_PART)
        if error is not None and not isinstance(error, EOFError):
            unpacked._close()
            return packed  # not what its first bytes say
        if not unpacked._more and unpacked.size <= _INLINE:
            data = unpacked.everything()
            unpacked.__exit__()
            return Reached.of_bytes(data, packed.name)
        return unpacked

    def extend(self) -> bool:
        """Unpack as much again; whether there was more."""
        before = self.size
        self._unpack(max(before, _PIECE))
        return self.size > before

    def everything(self) -> bytes:
        """Unpack the rest too, for what could not be traced to its end."""
        while self.extend():
            pass
        return super().everything()

    def _unpack(self, count: int) -> BaseException | None:
        """Unpack some bytes more; an error is the end of what comes out."""
        assert self._descriptor is not None  # noqa: S101 this class always has one
        end = self.size + count
        try:
            while self._more and self.size < end:
                piece = self._unpacking.read1(_PIECE)
                self._more = bool(piece)
                written = 0
                while written < len(piece):
                    written += os.pwrite(self._descriptor, piece[written:], self.size + written)
                self.size += len(piece)
        except _ENDS as error:
            self._more = False
            return error
        return None

    def _close(self) -> None:
        self._unpacking.close()
        self._file.close()
        super().__exit__()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
        self._packed.__exit__()
