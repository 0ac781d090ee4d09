"""Several reports as one: of the members of an archive, or of the files of a folder."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from jupyter_modelguard.types import Coverage, Judgement, ScanReport

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jupyter_modelguard.types import GlobalUse, QualifiedName

__all__ = ["ENGINE", "merged_globals", "merged_reports", "missed_report"]

ENGINE = "file-scan 1"
_ORDER = [Judgement.CLOSED, Judgement.INERT, Judgement.INSPECT, Judgement.UNKNOWN, Judgement.DANGEROUS]


def merged_globals(uses: Iterable[GlobalUse]) -> tuple[GlobalUse, ...]:
    """Keep the worst that is known of each global, in the order in which they come."""
    worst: dict[QualifiedName, GlobalUse] = {}
    for use in uses:
        before = worst.get(use.name)
        if before is None or _ORDER.index(use.judgement) > _ORDER.index(before.judgement):
            worst[use.name] = use
    return tuple(worst.values())


def merged_reports(target: str, format_name: str, reports: Sequence[ScanReport], size: int) -> ScanReport:
    """Make one report of several; what any of them missed is missed in the whole.

    Parameters
    ----------
    target, format_name, size
        Of the whole; the size in bytes.
    reports
        Of the parts, at least one. Findings of another target than the whole say which.
    """
    return ScanReport(
        target,
        format_name,
        digest=hashlib.sha256("".join(report.digest for report in reports).encode()).hexdigest(),
        size=size,
        findings=tuple(
            finding
            if report.target == target
            else replace(finding, location=", ".join(filter(None, (report.target, finding.location))))
            for report in reports
            for finding in report.findings
        ),
        globals=merged_globals(use for report in reports for use in report.globals),
        coverage=Coverage(
            sum(report.coverage.parts for report in reports),
            sum(report.coverage.inspected for report in reports),
            tuple(
                sentence if report.target == target else f"{report.target}: {sentence}"
                for report in reports
                for sentence in report.coverage.missed
            ),
        ),
        seconds=sum(report.seconds for report in reports),
        engines=tuple(dict.fromkeys(engine for report in reports for engine in report.engines)),
    )


def missed_report(path: str, format_name: str, size: int, sentence: str) -> ScanReport:
    """Make the report of something that could not be looked at; `sentence` says why."""
    return ScanReport(path, format_name, size=size, coverage=Coverage(1, 0, (sentence,)), engines=(ENGINE,))
