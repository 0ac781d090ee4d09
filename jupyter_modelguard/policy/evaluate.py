"""What level of risk a report means. Pure: the same report always gives the same level."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_modelguard.types import Assessment, Judgement, RiskLevel, Severity

if TYPE_CHECKING:
    from jupyter_modelguard.types import SaferWay, ScanReport

__all__ = ["BROKEN", "evaluate"]

BROKEN = "pickle-broken-stream"

_RUNS = frozenset({Judgement.UNKNOWN, Judgement.INSPECT})
_WEIGHTY = frozenset({Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL})
_BROKEN = frozenset({BROKEN, "pickle-frame-divergence"})


def evaluate(report: ScanReport, safer: tuple[SaferWay, ...] = ()) -> Assessment:
    """Assess a report.

    Nothing that was missed, broken or left open can end below `RUNS_CODE`: the two silent levels need every global closed or inert,
    every part inspected, and no finding that weighs anything.

    Parameters
    ----------
    report
        What the engines found.
    safer
        Other ways to the same weights that were tried and work; handed on.
    """
    levels: list[tuple[RiskLevel, str]] = [(RiskLevel.DATA_ONLY, "")]
    for finding in report.findings:
        if finding.rule in _BROKEN:
            levels.append((RiskLevel.UNINSPECTED, finding.rule))
        elif finding.severity is Severity.CRITICAL:
            levels.append((RiskLevel.DANGEROUS, finding.rule))
        elif finding.severity in _WEIGHTY:
            levels.append((RiskLevel.RUNS_CODE, finding.rule))
        else:
            levels.append((RiskLevel.NOTE, finding.rule))
    for use in report.globals:
        if use.judgement is Judgement.DANGEROUS:
            levels.append((RiskLevel.DANGEROUS, "pickle-dangerous-global"))
        elif use.judgement in _RUNS:
            levels.append((RiskLevel.RUNS_CODE, "pickle-unknown-global"))
    if report.coverage.missed or report.coverage.inspected < report.coverage.parts:
        levels.append((RiskLevel.UNINSPECTED, "not-inspected"))
    level = max((level for level, _ in levels), key=lambda one: (one.rank, one is RiskLevel.UNINSPECTED))
    rules = dict.fromkeys(rule for _, rule in levels if rule)
    return Assessment(level, report, tuple(rules), safer)
