"""Pickles: plain ones, joblib's with raw arrays between the opcodes, the old format of torch, and several one behind the other."""

from __future__ import annotations

import hashlib
import importlib
import itertools
import logging
import pickle
import pickletools
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.byte_ranges import DATA, of_copy
from jupyter_modelguard.engines.inspection import inspect_open, modules_to_import
from jupyter_modelguard.engines.merging import merged_globals
from jupyter_modelguard.engines.second_reading import placed
from jupyter_modelguard.engines.trace import trace_stream
from jupyter_modelguard.types import ByteRange, Coverage

if TYPE_CHECKING:
    from jupyter_modelguard.artifacts.source import StreamSource
    from jupyter_modelguard.engines.content import Content
    from jupyter_modelguard.engines.scanner import Scanner
    from jupyter_modelguard.engines.verdict import StreamTrace
    from jupyter_modelguard.types import ScanReport

__all__ = ["ENGINE", "dialect_of", "resolved"]

_TORCH: Final = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # torch's magic number as a pickle of its own
_ZIP: Final = b"PK\x03\x04"
_JOBLIB: Final = b"NumpyArrayWrapper"
_BEGINNING: Final = 1 << 20  # bytes in which joblib's first array is described
_BEGINS: Final = re.compile(rb"\x80[\x02-\x05]")
_MOST_BEGINNINGS: Final = 50
_MOST_STREAMS: Final = 1_000  # pickles one behind the other
_OPCODES: Final = frozenset(ord(opcode.code) for opcode in pickletools.opcodes)

_log = logging.getLogger(__name__)


class Pickles:
    """Traces what each loader of pickles would read."""

    name = "pickle-trace 1"

    def takes(self, content: Content) -> bool:
        """By the first byte, which must be an opcode; what comes of the stream says the rest.

        A zip archive begins with one too, for an object that the loader keeps elsewhere, which a plain loader gives up at.
        """
        return content.head[0] in _OPCODES and not content.head.startswith(_ZIP)

    def scan(self, content: Content, scanner: Scanner) -> ScanReport | None:
        """Trace the pickles of a file; None if it is no pickle at all."""
        del scanner
        report = {"torch": _torch, "joblib": _joblib, "pickle": _plain}[dialect_of(content)](content)
        return None if report is None else replace(report, target=content.name, size=content.size)


def dialect_of(content: Content) -> str:
    """Tell by its own marks how a pickle, or the zip of a torch, would be read; see `trace_stream`."""
    if content.head.startswith(_ZIP) or _TORCH in content.head[:32]:
        return "torch"
    return "joblib" if _JOBLIB in content.read(_BEGINNING) else "pickle"


def resolved(trace: StreamTrace, part: str = "") -> ScanReport:
    """Judge the classes that a trace left open, and say where what it names comes from here and stands in the stream.

    Libraries that the reviewed lists know are imported for that, from where they are installed; nothing of the file is.

    Parameters
    ----------
    trace
        Of one stream.
    part
        The member of an archive that holds it.
    """
    if not trace.report.globals:
        return trace.report
    for module in modules_to_import(trace) if trace.open_classes else ():
        try:
            importlib.import_module(module)
        except Exception:  # noqa: BLE001 what cannot be imported stays unknown
            _log.debug("could not import %s to inspect its classes", module, exc_info=True)
    return placed(inspect_open(trace).report, trace, part)


def _torch(content: Content) -> ScanReport:
    trace = trace_stream(content.source, "torch")
    report = resolved(trace)
    if trace.copy is None:
        return report
    end = trace.copy.length
    behind = ByteRange(end, content.size, DATA)  # the numbers of its storages
    report = replace(report, coverage=replace(report.coverage, ranges=(*of_copy(trace.copy), behind)))
    if _has_another(content, end):
        another = ("another file of torch behind the first, where the next load of an open file finds it",)
        coverage = replace(report.coverage, parts=report.coverage.parts + 1, missed=report.coverage.missed + another)
        return replace(report, coverage=coverage)
    rest = resolved(trace_stream(_from(content.source, end), "pickle")) if end < content.size else report
    return replace(report, globals=merged_globals(report.globals + rest.globals)) if _names_importable(rest) else report


def _has_another(content: Content, start: int) -> bool:
    kept = b""
    with content.open() as file:
        file.seek(file.tell() + start)
        while block := file.read(_BEGINNING):
            if _TORCH in kept + block:
                return True
            kept = block[-len(_TORCH) :]
    return False


def _joblib(content: Content) -> ScanReport:
    """Trace a file as joblib reads it, and as pickle does: to that the arrays are opcodes like any other."""
    trace = trace_stream(content.source, "joblib")
    report = resolved(trace)
    others = resolved(trace_stream(content.source, "pickle"))
    ranges = of_copy(trace.copy) if trace.copy is not None else ()
    return replace(
        report,
        globals=merged_globals(report.globals + others.globals),
        findings=report.findings + tuple(item for item in others.findings if item.code and item not in report.findings),
        coverage=replace(report.coverage, ranges=ranges),
    )


def _plain(content: Content) -> ScanReport | None:
    trace = trace_stream(content.source, "pickle")
    if trace.copy is None:
        report = resolved(trace)
        return report if _could_be(content.head, report) else None
    report = resolved(trace)
    report = replace(report, coverage=replace(report.coverage, ranges=of_copy(trace.copy)))
    return _with_rest(report, content, trace.copy.length) if trace.copy.length < content.size else report


def _could_be(head: bytes, report: ScanReport) -> bool:
    """Whether a stream that broke off was meant to be a pickle: it says so, or it named something that could be imported."""
    said = head[:1] == b"\x80" and head[1:2] <= bytes([pickle.HIGHEST_PROTOCOL]) and len(head) > 2  # noqa: PLR2004 protocol and an opcode
    return said or _names_importable(report)


def _names_importable(report: ScanReport) -> bool:
    return any(use.name.module.replace(".", "_").isidentifier() for use in report.globals)


def _with_rest(report: ScanReport, content: Content, start: int) -> ScanReport | None:
    """Account for what stands behind the first pickle of a file: further pickles, or bytes that nobody looked at."""
    reports = [report]
    ranges = list(report.coverage.ranges)
    missed = ""
    while start < content.size:
        if len(reports) > _MOST_STREAMS:
            missed = f"more than {_MOST_STREAMS} pickles follow each other"
            break
        trace = trace_stream(_from(content.source, start), "pickle")
        if trace.copy is None:
            rest = resolved(trace)
            missed = f"{content.size - start:,} bytes behind the pickle"
            reports += _further(content, start)
            reports.append(replace(rest, findings=tuple(item for item in rest.findings if item.code)))
            break
        reports.append(resolved(trace))
        ranges += of_copy(trace.copy, start)
        start += trace.copy.length
    named = any(map(_names_importable, reports))  # also what broke may have called something before it did
    if missed and len(reports) <= 2 and not named and content.head[:1] != b"\x80":  # noqa: PLR2004 the first, and what broke
        return None  # a few opcodes by chance
    return replace(
        report,
        digest=hashlib.sha256("".join(one.digest for one in reports).encode()).hexdigest(),
        findings=tuple(dict.fromkeys(item for one in reports for item in one.findings)),
        globals=merged_globals(use for one in reports for use in one.globals),
        coverage=Coverage(len(reports), len(reports) - bool(missed), (missed,) if missed else (), tuple(ranges)),
    )


def _further(content: Content, start: int) -> list[ScanReport]:
    """Look for pickles that begin somewhere in bytes of no known format: whoever wrote them there knows where."""
    reports = []
    with content.open() as file:
        file.seek(start, 1)
        rest = file.read(_BEGINNING)
    for found in itertools.islice(_BEGINS.finditer(rest), _MOST_BEGINNINGS):
        trace = trace_stream(_from(content.source, start + found.start()), "pickle")
        report = resolved(trace)
        if trace.copy is not None and report.globals:  # a broken one is more often no pickle at all
            reports.append(report)
    return reports


def _from(source: StreamSource, start: int) -> StreamSource:
    if source.path is not None:
        return replace(source, offset=source.offset + start)
    return replace(source, data=source.data[start:])


ENGINE: Final = Pickles()
