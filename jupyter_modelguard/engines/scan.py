"""Say what a file or folder would do when it is loaded, judged by its content and never by its name.

`scan` is what `modelguard scan` and `%modelguard scan` call; strangers' bytes are read in the limited worker. `scan_file` is the part
that runs there. A scan has no live classes at hand, so a class that no list knows stays unknown.
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

from jupyter_modelguard.artifacts.code_tree import auto_map_modules, collect_code
from jupyter_modelguard.artifacts.source import StreamSource
from jupyter_modelguard.engines.trace import trace_stream
from jupyter_modelguard.errors import ScanError
from jupyter_modelguard.types import Coverage, Judgement, ScanReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import BinaryIO

    from jupyter_modelguard.engines.worker import Worker
    from jupyter_modelguard.types import GlobalUse, QualifiedName

__all__ = ["scan", "scan_file"]

_ENGINE = "file-scan 1"
_LARGEST_INFLATED = 1 << 30  # bytes that a compressed file may grow to
_LARGEST_HEADER = 100 << 20  # bytes of a safetensors header, as the format's own library has it
_MOST_MEMBERS = 10_000
_MOST_STREAMS = 1_000  # pickles one behind the other
_MOST_FILES = 2_000  # of a folder
_PEEK = 4096
_COMPRESSED: dict[bytes, Callable[[BinaryIO], Any]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
    b"\x5d\x00\x00": lzma.LZMAFile,
}
_NPY = b"\x93NUMPY"
_ZIP = b"PK\x03\x04"

_ORDER = [Judgement.CLOSED, Judgement.INERT, Judgement.INSPECT, Judgement.UNKNOWN, Judgement.DANGEROUS]

_worker: Worker | None = None


def scan(target: str) -> tuple[ScanReport, ...]:
    """Scan a file, or all files of a folder.

    Parameters
    ----------
    target
        A path. A folder whose configuration names Python code of its own is reported as one target first.

    Returns
    -------
    tuple of ScanReport
        One a file; of a folder without any files one that says so.

    Raises
    ------
    ScanError
        If there is nothing to scan at that path.
    """
    global _worker  # noqa: PLW0603 one process for all scans
    path = Path(target).expanduser().absolute()
    if not path.exists():
        raise ScanError(f"{target} does not exist. Give the path of a model file or of a folder with model files.")
    if _worker is None:
        from jupyter_modelguard.engines.worker import Worker

        _worker = Worker()
    if path.is_dir():
        return _scan_folder(str(path), _worker)
    if not path.is_file():
        raise ScanError(f"{target} is not a regular file. Copy what it holds to a file and scan that.")
    if not os.access(path, os.R_OK):
        raise ScanError(f"{target} cannot be read by this user. Change its permissions or scan a copy.")
    return _worker.scan(str(path))


def _scan_folder(folder: str, worker: Worker) -> tuple[ScanReport, ...]:
    reports: list[ScanReport] = []
    seen = 0
    for root, folders, names in os.walk(folder):
        folders.sort()
        reports += _remote_code(root)
        for name in sorted(names):
            path = Path(root, name)
            if not path.is_file() or name.endswith((".json", ".md", ".txt", ".py")):
                continue
            seen += 1
            if seen > _MOST_FILES:
                sentence = f"more than {_MOST_FILES:,} files: the rest was not looked at"
                return (*reports, _missed(folder, "folder", 0, sentence))
            reports += worker.scan(str(path))
    return tuple(reports) or (ScanReport(folder, "folder", coverage=Coverage(0, 0), engines=(_ENGINE,)),)


def _remote_code(folder: str) -> tuple[ScanReport, ...]:
    """Report the Python files that a repository's configuration would have executed."""
    from jupyter_modelguard.engines.code import scan_code

    def read(name: str) -> bytes | None:
        path = Path(folder, name).resolve()
        if not path.is_relative_to(Path(folder).resolve()) or not path.is_file():
            return None
        with path.open("rb") as file:
            return file.read(_LARGEST_HEADER)

    entries = auto_map_modules(read)
    return (scan_code(folder, collect_code(entries, read)),) if entries else ()


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
            report = _missed(path, "unknown", size, f"it could not be read: {error}")
            return (_timed(report, started),)


def _dispatch(  # noqa: PLR0911 one line a format
    path: str, file: BinaryIO, head: bytes, size: int
) -> tuple[ScanReport, ...]:
    if not head:
        return (_missed(path, "unknown", size, "the file is empty"),)
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
    return (_scan_pickle(path, StreamSource(path=path), head, size),)


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
            globals=_merged(report.globals + others.globals),
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
        globals=_merged(use for one in reports for use in one.globals),
        coverage=Coverage(len(reports), len(reports) - bool(missed), (missed,) if missed else ()),
    )


def _merged(uses: Iterable[GlobalUse]) -> tuple[GlobalUse, ...]:
    """Keep the worst that is known of each global, in the order of the file."""
    worst: dict[QualifiedName, GlobalUse] = {}
    for use in uses:
        before = worst.get(use.name)
        if before is None or _ORDER.index(use.judgement) > _ORDER.index(before.judgement):
            worst[use.name] = use
    return tuple(worst.values())


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
            return _missed(path, "compressed", size, "it grows to more than 1 GiB when it is decompressed")
    data = bytes(pieces)
    if not _like_pickle(data[:1]):
        return _missed(path, "compressed", size, "what it compresses is not looked into")
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
        return _missed(path, "npy", size, f"version {version} of the format")
    _, _, dtype = reader(file)
    if not dtype.hasobject:
        return ScanReport(path, "npy", size=size, engines=(_ENGINE,))
    from dataclasses import replace

    data = file.read()
    return replace(trace_stream(StreamSource(data=data), "pickle").report, target=path, format="npy", size=size)


def _scan_zip(path: str, file: BinaryIO, size: int) -> ScanReport:
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        if len(names) > _MOST_MEMBERS:
            return _missed(path, "zip", size, f"more than {_MOST_MEMBERS:,} members")
        if names and all(name.endswith(".npy") for name in names):
            return _scan_npz(path, archive, size)
    if any(name.rpartition("/")[2] in ("data.pkl", "constants.pkl") or "code" in name.split("/")[:-1] for name in names):
        from dataclasses import replace

        return replace(trace_stream(StreamSource(path=path), "torch").report, target=path, size=size)
    return _missed(path, "zip", size, "an archive that is neither torch's nor numpy's is not looked into")


def _scan_npz(path: str, archive: zipfile.ZipFile, size: int) -> ScanReport:
    from dataclasses import replace

    reports = []
    for member in archive.infolist():
        if member.file_size > _LARGEST_INFLATED:
            reports.append(_missed(path, "npz", size, f"{member.filename}: larger than 1 GiB"))
            continue
        data = archive.read(member)
        if data.startswith(_NPY):
            reports.append(_scan_npy(path, io.BytesIO(data), size))
        else:  # numpy.load reads such a member as raw bytes, never as a pickle
            reports.append(ScanReport(path, "npz", size=size))
    return replace(
        reports[0],
        format="npz",
        digest=hashlib.sha256("".join(report.digest for report in reports).encode()).hexdigest(),
        findings=tuple(finding for report in reports for finding in report.findings),
        globals=_merged(use for report in reports for use in report.globals),
        coverage=Coverage(
            len(reports),
            sum(1 for report in reports if not report.coverage.missed),
            tuple(sentence for report in reports for sentence in report.coverage.missed),
        ),
    )


def _looks_like_safetensors(head: bytes, size: int) -> bool:
    return len(head) > 8 and head[8:9] == b"{" and 2 <= struct.unpack("<Q", head[:8])[0] <= size - 8  # noqa: PLR2004


def _scan_safetensors(path: str, file: BinaryIO, size: int) -> ScanReport:
    """Check that the header is bounded and every tensor lies inside the file."""
    length = struct.unpack("<Q", file.read(8))[0]
    if length > _LARGEST_HEADER:
        return _missed(path, "safetensors", size, "its header is larger than the format allows")
    header = json.loads(file.read(length))
    end = size - 8 - length
    for name, tensor in header.items():
        if name == "__metadata__":
            continue
        first, last = tensor["data_offsets"]
        if not (type(first) is int and type(last) is int and 0 <= first <= last <= end):
            return _missed(path, "safetensors", size, f"{name!r:.80}: lies outside the file")
    return ScanReport(path, "safetensors", size=size, engines=(_ENGINE,))


def _missed(path: str, format_name: str, size: int, sentence: str) -> ScanReport:
    return ScanReport(path, format_name, size=size, coverage=Coverage(1, 0, (sentence,)), engines=(_ENGINE,))


def _timed(report: ScanReport, started: float) -> ScanReport:
    from dataclasses import replace

    return replace(report, seconds=time.perf_counter() - started)
