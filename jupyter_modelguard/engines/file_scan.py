"""Scan one file: what its content is, and what each part of it would do when it is loaded.

This runs in the limited worker. A scan has no live classes at hand, so a class that no list knows stays unknown.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import struct
import time
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.artifacts.source import StreamSource
from jupyter_modelguard.engines.configuration_scan import HDF5, is_keras_archive, scan_hdf5, scan_keras_archive, scan_text
from jupyter_modelguard.engines.merging import ENGINE, merged_globals, merged_reports, missed_report
from jupyter_modelguard.engines.torch_zips import is_torch_zip, scan_torch_zip
from jupyter_modelguard.engines.trace import trace_stream
from jupyter_modelguard.types import Coverage, ScanReport

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

__all__ = ["scan_file"]

_LARGEST_INFLATED = 1 << 30  # bytes that a compressed file may grow to
_LARGEST_HEADER = 100 << 20  # bytes of a safetensors header, as the format's own library has it
_MOST_MEMBERS = 10_000
_MOST_STREAMS = 1_000  # pickles one behind the other
_PEEK = 4096
_COMPRESSED: dict[bytes, Callable[[BinaryIO], Any]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
    b"\x5d\x00\x00": lzma.LZMAFile,
}
_NPY = b"\x93NUMPY"
_ZIP = b"PK\x03\x04"


def scan_file(path: str) -> tuple[ScanReport, ...]:
    """Scan one regular file in this process."""
    started = time.perf_counter()
    size = Path(path).stat().st_size
    with Path(path).open("rb") as file:
        head = file.read(_PEEK)
        file.seek(0)
        try:
            return _dispatch(path, file, head, size)
        except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError) as error:
            report = missed_report(path, "unknown", size, f"it could not be read: {error}")
            return (_timed(report, started),)


def _dispatch(  # noqa: PLR0911 one line a format
    path: str, file: BinaryIO, head: bytes, size: int
) -> tuple[ScanReport, ...]:
    if not head:
        return (missed_report(path, "unknown", size, "the file is empty"),)
    if head.startswith(_NPY):
        return (_scan_npy(path, file, size),)
    if head.startswith(_ZIP):
        return (_scan_zip(path, file, size),)
    for magic, unpack in _COMPRESSED.items():
        if head.startswith(magic):
            return (_scan_inflated(path, unpack(file), size),)
    if head[0] & 0x0F == 8 and len(head) > 1 and head[0] >> 4 <= 7 and (head[0] << 8 | head[1]) % 31 == 0:  # noqa: PLR2004 zlib
        return (_scan_inflated(path, io.BytesIO(_inflate(file)), size),)
    if _looks_like_safetensors(head, size):
        return (_scan_safetensors(path, file, size),)
    if head.startswith(HDF5):
        return (scan_hdf5(path, size),)
    pickled = _scan_pickle(path, StreamSource(path=path), head, size)
    document = scan_text(path, size)
    if document is None:
        return (pickled,)
    return (document,) if pickled.format == "unknown" else (document, pickled)  # one file can be both


def _scan_pickle(path: str, source: StreamSource, head: bytes, size: int) -> ScanReport:
    """Try the dialects in the order in which their own marks tell them apart."""
    from dataclasses import replace

    if b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19." in head[:32]:  # torch's magic number as a pickle of its own
        dialect = "torch"
    else:
        dialect = "joblib" if b"NumpyArrayWrapper" in _beginning(source) else "pickle"
    trace = trace_stream(source, dialect)
    report = trace.report
    if dialect == "joblib":
        # To pickle.load the arrays of such a file are opcodes like any other: name what it would find there.
        others = trace_stream(source, "pickle").report
        report = replace(
            report,
            globals=merged_globals(report.globals + others.globals),
            findings=report.findings + tuple(item for item in others.findings if item.code and item not in report.findings),
        )
    elif report.coverage.missed and dialect == "pickle" and not report.globals and not _like_pickle(head):
        sentence = "its content is of no format that is known here"
        report = replace(report, format="unknown", findings=(), coverage=Coverage(1, 0, (sentence,)))
    elif dialect == "pickle" and trace.copy is not None and trace.copy.length < _length(source):
        report = _with_rest(report, source, trace.copy.length)
    return replace(report, target=path, size=size)


def _with_rest(report: ScanReport, source: StreamSource, start: int) -> ScanReport:
    """Account for what stands behind the first pickle of a file: further pickles, or bytes that nobody looked at."""
    from dataclasses import replace

    end = _length(source)
    reports = [report]
    missed = ""
    while start < end:
        if len(reports) > _MOST_STREAMS:
            missed = f"more than {_MOST_STREAMS} pickles follow each other"
            break
        rest = (
            replace(source, offset=source.offset + start) if source.path is not None else StreamSource(data=source.data[start:])
        )
        trace = trace_stream(rest, "pickle")
        if trace.copy is None:
            missed = f"{end - start:,} bytes behind the pickle"
            reports.append(replace(trace.report, findings=tuple(item for item in trace.report.findings if item.code)))
            break
        reports.append(trace.report)
        start += trace.copy.length
    return replace(
        report,
        digest=hashlib.sha256("".join(one.digest for one in reports).encode()).hexdigest(),
        findings=tuple(dict.fromkeys(item for one in reports for item in one.findings)),
        globals=merged_globals(use for one in reports for use in one.globals),
        coverage=Coverage(len(reports), len(reports) - bool(missed), (missed,) if missed else ()),
    )


def _length(source: StreamSource) -> int:
    with source.open() as file:
        start = file.tell()
        return file.seek(0, os.SEEK_END) - start


def _beginning(source: StreamSource) -> bytes:
    with source.open() as file:
        return file.read(1 << 20)


def _like_pickle(head: bytes) -> bool:
    return head[:1] == b"\x80" or head[:1] in b"(]}cI)lN."


def _scan_inflated(path: str, unpacked: Any, size: int) -> ScanReport:
    pieces = bytearray()
    while piece := unpacked.read(1 << 20):
        pieces += piece
        if len(pieces) > _LARGEST_INFLATED:
            return missed_report(path, "compressed", size, "it grows to more than 1 GiB when it is decompressed")
    data = bytes(pieces)
    if not _like_pickle(data[:1]):
        return missed_report(path, "compressed", size, "what it compresses is not looked into")
    return _scan_pickle(path, StreamSource(data=data), data[:_PEEK], size)


def _inflate(file: BinaryIO) -> bytes:
    data = zlib.decompressobj().decompress(file.read(), _LARGEST_INFLATED + 1)
    if len(data) > _LARGEST_INFLATED:
        raise ValueError("it grows to more than 1 GiB when it is decompressed")
    return data


def _scan_npy(path: str, file: BinaryIO, size: int) -> ScanReport:
    """Scan an array file: plain numbers are data; an array of objects is a pickle behind the header."""
    from numpy.lib import format as npy

    version = npy.read_magic(file)
    reader = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
    if reader is None:
        return missed_report(path, "npy", size, f"version {version} of the format")
    _, _, dtype = reader(file)
    if not dtype.hasobject:
        return ScanReport(path, "npy", size=size, engines=(ENGINE,))
    from dataclasses import replace

    data = file.read()
    return replace(trace_stream(StreamSource(data=data), "pickle").report, target=path, format="npy", size=size)


def _scan_zip(path: str, file: BinaryIO, size: int) -> ScanReport:
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        if len(names) > _MOST_MEMBERS:
            return missed_report(path, "zip", size, f"more than {_MOST_MEMBERS:,} members")
        if is_keras_archive(names):
            return scan_keras_archive(path, archive, size)
        if is_torch_zip(names):
            return scan_torch_zip(path, file, archive, size)
        if names and all(name.endswith(".npy") for name in names):
            return _scan_npz(path, archive, size)
    if any(name.rpartition("/")[2] in ("data.pkl", "constants.pkl") or "code" in name.split("/")[:-1] for name in names):
        from dataclasses import replace

        return replace(trace_stream(StreamSource(path=path), "torch").report, target=path, size=size)
    return missed_report(path, "zip", size, "an archive that is neither torch's nor numpy's is not looked into")


def _scan_npz(path: str, archive: zipfile.ZipFile, size: int) -> ScanReport:
    reports = []
    for member in archive.infolist():
        if member.file_size > _LARGEST_INFLATED:
            reports.append(missed_report(path, "npz", size, f"{member.filename}: larger than 1 GiB"))
            continue
        data = archive.read(member)
        if data.startswith(_NPY):
            reports.append(_scan_npy(path, io.BytesIO(data), size))
        else:  # numpy.load reads such a member as raw bytes, never as a pickle
            reports.append(ScanReport(path, "npz", size=size))
    return merged_reports(path, "npz", reports, size)


def _looks_like_safetensors(head: bytes, size: int) -> bool:
    return len(head) > 8 and head[8:9] == b"{" and 2 <= struct.unpack("<Q", head[:8])[0] <= size - 8  # noqa: PLR2004


def _scan_safetensors(path: str, file: BinaryIO, size: int) -> ScanReport:
    """Check that the header is bounded and every tensor lies inside the file."""
    length = struct.unpack("<Q", file.read(8))[0]
    if length > _LARGEST_HEADER:
        return missed_report(path, "safetensors", size, "its header is larger than the format allows")
    header = json.loads(file.read(length))
    end = size - 8 - length
    for name, tensor in header.items():
        if name == "__metadata__":
            continue
        first, last = tensor["data_offsets"]
        if not (type(first) is int and type(last) is int and 0 <= first <= last <= end):
            return missed_report(path, "safetensors", size, f"{name!r:.80}: lies outside the file")
    return ScanReport(path, "safetensors", size=size, engines=(ENGINE,))


def _timed(report: ScanReport, started: float) -> ScanReport:
    from dataclasses import replace

    return replace(report, seconds=time.perf_counter() - started)
