"""HDF5: Keras' older models and weights, tables of pandas and PyTables, or numbers of any origin.

h5py reads it here, in the limited worker. It has no list of all bytes of a file: what lies between the file's first block and the end that
this names counts as inspected when everything that the file names was looked at; arrays in one piece count as data. What an HDF5 reader
cannot reach, free space for example, is not told apart.
"""

from __future__ import annotations

import importlib
import importlib.util
import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.engines.byte_ranges import DATA, INSPECTED, joined
from jupyter_modelguard.engines.formats.hdf5_objects import Objects
from jupyter_modelguard.engines.formats.keras_archives import keras_report
from jupyter_modelguard.engines.merging import merged_reports
from jupyter_modelguard.engines.part import part_of
from jupyter_modelguard.errors import ScanError
from jupyter_modelguard.types import ByteRange, Coverage, ScanReport

if TYPE_CHECKING:
    from typing import BinaryIO

    from jupyter_modelguard.engines.content import Content
    from jupyter_modelguard.engines.scanner import Scanner

__all__ = ["ENGINE", "MAGIC"]

MAGIC: Final = b"\x89HDF\r\n\x1a\n"
_FIRST_BLOCK: Final = 512  # a file may begin at any power of two from here on, behind what somebody else put there
_LAST_BLOCK: Final = 1 << 40
_END_ADDRESS: Final = {0: 40, 1: 44, 2: 28, 3: 28}  # where each version of the first block says how long the file is
_WIDTHS: Final = {0: 13, 1: 13, 2: 9, 3: 9}  # and how wide its addresses are
_WIDE: Final = 8  # bytes
_CONFIGURATIONS: Final = ("model_config", "training_config")


class Hdf5:
    """Judges the configurations of a Keras model, and looks for pickles and for ways to other files."""

    name = "hdf5 2"

    def takes(self, content: Content) -> bool:
        """By the magic bytes, at each place where a reader looks for them."""
        return _beginning(content) is not None

    def scan(self, content: Content, scanner: Scanner) -> ScanReport | None:
        """Scan all groups and datasets, and all their attributes."""
        start = _beginning(content)
        if start is None:
            return None
        if importlib.util.find_spec("h5py") is None:
            raise ScanError("h5py is not installed here, and nothing else reads it")
        h5py = importlib.import_module("h5py")
        with content.open() as stream:
            end = _end(stream, start, content.size)
            stream.seek(0)
            with h5py.File(stream, "r") as file:
                objects = Objects(h5py, file, content, scanner)
                objects.look()
                texts = [(name, _text(file, name)) for name in _CONFIGURATIONS if name in file.attrs]
        keras = keras_report(content, "hdf5", texts)
        own = ScanReport(
            content.name,
            "hdf5",
            size=content.size,
            findings=tuple(objects.findings),
            coverage=Coverage(len(objects.missed), 0, tuple(objects.missed)),
            engines=(self.name,),
        )
        reports = [keras, own, *objects.reports]
        if start:
            reports.append(scanner.scan(part_of(content, 0, start, "what stands before the HDF5 file")))
        whole = merged_reports(content.name, "hdf5", reports, content.size)
        ranges = joined((ByteRange(0, start, INSPECTED), *_split(start, end, objects.arrays)))
        return replace(whole, digest=keras.digest, coverage=replace(whole.coverage, ranges=ranges))


def _beginning(content: Content) -> int | None:
    if content.head.startswith(MAGIC):
        return 0
    place = _FIRST_BLOCK
    with content.open() as file:
        base = file.tell()
        while place < min(content.size, _LAST_BLOCK):
            file.seek(base + place)
            if file.read(len(MAGIC)) == MAGIC:
                return place
            place *= 2
    return None


def _end(file: BinaryIO, start: int, size: int) -> int:
    """Read from the first block where the file ends; what stands behind that is no part of it."""
    file.seek(start)
    head = file.read(64)
    version = head[len(MAGIC)] if len(head) == 64 else -1  # noqa: PLR2004
    if version not in _END_ADDRESS or head[_WIDTHS[version]] != _WIDE:
        return size  # as rare as it is allowed
    place = _END_ADDRESS[version]
    (end,) = struct.unpack("<Q", head[place : place + _WIDE])
    return min(start + int(end) if end + start <= size else int(end), size)


def _split(start: int, end: int, arrays: list[tuple[int, int]]) -> list[ByteRange]:
    """Tell the arrays of a file from what describes them."""
    found = []
    before = start
    for first, last, _ in joined(ByteRange(first, min(last, end), DATA) for first, last in arrays):
        found += [ByteRange(before, max(before, first), INSPECTED), ByteRange(max(before, first), last, DATA)]
        before = max(before, last)
    return [*found, ByteRange(before, end, INSPECTED)]


def _text(file: Any, name: str) -> Any:
    value = file.attrs[name]
    return value.tobytes() if hasattr(value, "tobytes") else value


ENGINE: Final = Hdf5()
