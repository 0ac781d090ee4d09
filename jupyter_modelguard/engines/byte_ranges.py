"""Account for every byte of a file: it was inspected, it is data, or it was missed and the report says so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.types import ByteRange

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_modelguard.artifacts.copy import StreamCopy
    from jupyter_modelguard.types import ScanReport

__all__ = ["DATA", "INSPECTED", "MISSED", "complete", "joined", "of_copy", "united"]

INSPECTED: Final = "inspected"
DATA: Final = "data"
MISSED: Final = "missed"
_MOST: Final = 200  # ranges that a report lists; neighbours are joined until they fit
_RANK: Final = {
    MISSED: 0,
    INSPECTED: 1,
    DATA: 2,
}  # of what engines say of the same byte: what any of them looked into was inspected


def joined(ranges: Iterable[ByteRange]) -> tuple[ByteRange, ...]:
    """Put ranges in order, each byte in one of them: where they overlap, the more careful word counts."""
    edges: list[tuple[int, int, str]] = []
    for start, end, kind in ranges:
        if start < end:
            edges += [(start, 1, kind), (end, -1, kind)]
    edges.sort()
    found: list[ByteRange] = []
    open_ones = dict.fromkeys(_RANK, 0)
    before = 0
    for place, step, kind in edges:
        now = next((name for name in _RANK if open_ones[name]), "")
        if now and place > before:
            if found and found[-1].kind == now and found[-1].end == before:
                found[-1] = found[-1]._replace(end=place)
            else:
                found.append(ByteRange(before, place, now))
        open_ones[kind] += step
        before = place
    return tuple(found)


def united(reports: Iterable[ScanReport], size: int) -> tuple[ByteRange, ...]:
    """Put together what several engines say of the same bytes; one that names no ranges and missed nothing vouches for all."""
    found: list[ByteRange] = []
    for report in reports:
        found += report.coverage.ranges or (() if report.coverage.missed else (ByteRange(0, size, INSPECTED),))
    return joined(one._replace(end=min(one.end, size)) for one in found)


def complete(report: ScanReport, size: int) -> ScanReport:
    """Say in a file's report what belongs to nothing that was understood.

    Parameters
    ----------
    report
        Of the whole file. One that names no ranges vouches for every byte, unless it missed something.
    size
        Of the file, in bytes.
    """
    coverage = report.coverage
    named = coverage.ranges or (ByteRange(0, size, INSPECTED if coverage.inspected else MISSED),)
    known = joined(one._replace(end=min(one.end, size)) for one in named)
    gaps = []
    before = 0
    for one in (*known, ByteRange(size, size, "")):
        if one.start > before:
            gaps.append(ByteRange(before, one.start, MISSED))
        before = one.end
    sentences = tuple(f"bytes {gap.start:,} to {gap.end:,} belong to nothing that was understood" for gap in gaps[:3])
    if len(gaps) > len(sentences):
        sentences += (f"{len(gaps) - len(sentences):,} more such gaps",)
    ranges = _fewer(joined((*known, *gaps)))
    missed = coverage.missed + sentences
    parts = max(coverage.parts, coverage.inspected + len(missed))
    return replace(report, coverage=replace(coverage, parts=parts, missed=missed, ranges=ranges))


def of_copy(copy: StreamCopy, start: int = 0) -> tuple[ByteRange, ...]:
    """Account for one pickle: its opcodes were inspected, and the payloads between them are data."""
    found = []
    before = 0
    for offset, data in copy.segments:
        found += [
            ByteRange(start + before, start + offset, DATA),
            ByteRange(start + offset, start + offset + len(data), INSPECTED),
        ]
        before = offset + len(data)
    return joined((*found, ByteRange(start + before, start + copy.length, DATA)))


def _fewer(ranges: tuple[ByteRange, ...]) -> tuple[ByteRange, ...]:
    """Join ranges from the shortest on until a report can list them: opcodes and the small payloads between them were inspected."""
    if len(ranges) <= _MOST:
        return ranges
    kept = sorted((one for one in ranges if one.kind != INSPECTED), key=lambda one: (one.kind == MISSED, one.end - one.start))
    kept = kept[-(_MOST // 2) :]
    return joined((*kept, *_between(kept, ranges[0].start, ranges[-1].end)))


def _between(kept: list[ByteRange], start: int, end: int) -> list[ByteRange]:
    found = []
    for one in (*sorted(kept), ByteRange(end, end, "")):
        found.append(ByteRange(start, one.start, INSPECTED))
        start = one.end
    return found
