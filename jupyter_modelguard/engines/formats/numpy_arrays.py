"""NumPy's `.npy`: a header, and numbers behind it, or a pickle where the array holds objects."""

from __future__ import annotations

import ast
import io
import struct
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.engines.byte_ranges import DATA, INSPECTED
from jupyter_modelguard.errors import ScanError
from jupyter_modelguard.types import ByteRange, Coverage, ScanReport

if TYPE_CHECKING:
    from typing import BinaryIO

    from jupyter_modelguard.engines.content import Content
    from jupyter_modelguard.engines.scanner import Scanner

__all__ = ["ENGINE", "MAGIC", "plain_size"]

MAGIC: Final = b"\x93NUMPY"
_LENGTHS: Final = {(1, 0): "<H", (2, 0): "<I", (3, 0): "<I"}  # how the length of the header is written
_LARGEST_HEADER: Final = 10_000  # characters; NumPy asks its caller to allow longer ones
_MOST_ARRAYS: Final = 10_000  # one behind the other, as several calls of `numpy.save` leave them in one file


class NumpyArrays:
    """Reads headers; numbers are data, and objects are a pickle."""

    name = "npy 1"

    def takes(self, content: Content) -> bool:
        """By the magic bytes."""
        return content.head.startswith(MAGIC)

    def scan(self, content: Content, scanner: Scanner) -> ScanReport:
        """Scan the arrays of a file, one behind the other."""
        ranges: list[ByteRange] = []
        report = ScanReport(content.name, "npy", size=content.size, engines=(self.name,))
        with content.open() as file:
            base = file.tell()
            for _ in range(_MOST_ARRAYS):
                start = file.tell() - base
                if start >= content.size or (start and file.read(len(MAGIC)) != MAGIC):
                    break
                file.seek(base + start)
                shape, dtype = _header(file)
                behind = file.tell() - base
                if dtype.hasobject:
                    pickled = scanner.scan(content.inside(scanner.unpack(file), "objects"))
                    if not pickled.coverage.inspected and not pickled.coverage.missed:
                        raise ScanError("its objects are no pickle")
                    ranges.append(ByteRange(start, content.size, INSPECTED))
                    coverage = replace(pickled.coverage, ranges=tuple(ranges))
                    return replace(pickled, target=content.name, format="npy", size=content.size, coverage=coverage)
                end = behind + prod(shape) * dtype.itemsize
                if end > content.size:
                    raise ScanError("the array is cut off")
                ranges += [ByteRange(start, behind, INSPECTED), ByteRange(behind, end, DATA)]
                file.seek(base + end)
        return replace(report, coverage=Coverage(ranges=tuple(ranges)))


def plain_size(head: bytes) -> int:
    """Give the bytes that an array takes, of whose header these are the first; 0 unless it holds numbers alone."""
    if not head.startswith(MAGIC):
        return 0
    file = io.BytesIO(head)
    try:
        shape, dtype = _header(file)
    except Exception:  # noqa: BLE001 then somebody has to look at all of it
        return 0
    return 0 if dtype.hasobject else file.tell() + prod(shape) * int(dtype.itemsize)


def _header(file: BinaryIO) -> tuple[tuple[int, ...], Any]:
    """Read a header as NumPy does, which parses it as a literal; no array is made."""
    from numpy.lib import format as npy

    version = npy.read_magic(file)
    if version not in _LENGTHS:
        raise ScanError(f"version {version} of the format is not known here")
    width = struct.calcsize(_LENGTHS[version])
    (length,) = struct.unpack(_LENGTHS[version], file.read(width))
    if length > _LARGEST_HEADER:
        raise ScanError("its header is larger than NumPy reads")
    header = ast.literal_eval(file.read(length).decode("utf-8" if version == (3, 0) else "latin1").strip())
    shape = header["shape"]
    if not (isinstance(shape, tuple) and all(type(one) is int and one >= 0 for one in shape)):
        raise ScanError("its shape is none")
    return shape, npy.descr_to_dtype(header["descr"])


ENGINE: Final = NumpyArrays()
