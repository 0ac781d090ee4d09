"""The tars that torch wrote before 2017 and still reads: pickles in `storages` and `tensors` with numbers between them, and `pickle`.

A scan of such a member as it is stops at the first numbers. Here they are passed over as torch passes over them, so that what any of the
pickles names is told. That is all: the numbers are not held against each other, and the archive stays one that was not looked at whole.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.artifacts.source import StreamSource
from jupyter_modelguard.engines.formats.pickles import resolved
from jupyter_modelguard.engines.merging import merged_reports, missed_report
from jupyter_modelguard.engines.trace import trace_stream
from jupyter_modelguard.types import Coverage

if TYPE_CHECKING:
    from jupyter_modelguard.types import ScanReport

__all__ = ["MEMBERS", "member_report"]

MEMBERS: Final = frozenset({"pickle", "storages", "tensors"})
"""What torch takes from such a tar."""

_FORMAT: Final = "torch-tar"
_MOST_STREAMS: Final = 10_000
_WINDOW: Final = 1 << 16  # bytes in which a pickle of one storage or tensor ends
_WIDTHS: Final = {
    **dict.fromkeys(("Double", "Long", "ComplexFloat"), 8),
    **dict.fromkeys(("Float", "Int"), 4),
    **dict.fromkeys(("Half", "Short", "BFloat16"), 2),
    **dict.fromkeys(("Char", "Byte", "Bool"), 1),
}
_MOST_DIMENSIONS: Final = 64


def member_report(name: str, data: bytes) -> ScanReport:
    """Say what the pickles of a member name.

    Parameters
    ----------
    name
        One of `MEMBERS`.
    data
        All of it.
    """
    if name == "pickle":
        trace = trace_stream(StreamSource(data=data), "torch-package")  # which has persistent ids, too
        report = resolved(trace)
        named = tuple(item for item in report.findings if item.code)  # not those of ids, which are numbers here
        return replace(report, target=name, findings=named, coverage=Coverage())
    reports: list[ScanReport] = []
    start = 0
    while 0 <= start < len(data):
        if len(reports) >= _MOST_STREAMS:
            reports.append(missed_report(name, _FORMAT, 0, f"more than {_MOST_STREAMS:,} pickles"))
            break
        trace = trace_stream(StreamSource(data=data[start : start + _WINDOW]), "pickle")
        if trace.cut_off and len(data) - start > _WINDOW:
            trace = trace_stream(StreamSource(data=data[start:]), "pickle")
        report = replace(resolved(trace, f"pickle at byte {start:,}"), target=name)
        reports.append(report)
        if trace.copy is None:
            break
        start += trace.copy.length
        if len(reports) > 1:  # the first says how many follow
            start = _behind_numbers(name, report, data, start)
    if start < 0:
        reports.append(missed_report(name, _FORMAT, 0, "numbers that cannot be passed over"))
    return merged_reports(name, _FORMAT, reports, len(data)) if reports else missed_report(name, _FORMAT, 0, "it is empty")


def _behind_numbers(name: str, report: ScanReport, data: bytes, start: int) -> int:
    """Find the end of the numbers that follow a pickle; -1 where that is not known."""
    if name == "tensors":
        if start + 4 > len(data):
            return -1
        dimensions = struct.unpack_from("<i", data, start)[0]
        return start + 16 + 16 * dimensions if 0 <= dimensions <= _MOST_DIMENSIONS else -1
    kinds = [use.name.name.removesuffix("Storage") for use in report.globals if use.name.name.endswith("Storage")]
    if not kinds:
        return start  # the views, which come last
    if len(kinds) > 1 or kinds[0] not in _WIDTHS or start + 8 > len(data):
        return -1
    count = struct.unpack_from("<q", data, start)[0]
    return start + 8 + count * _WIDTHS[kinds[0]] if count >= 0 else -1
