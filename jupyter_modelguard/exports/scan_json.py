"""Scan results as JSON, and the exit status that says the same in one number."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jupyter_modelguard.types import RiskLevel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_modelguard.types import Assessment

__all__ = ["exit_status", "scan_json"]

_VERSION = 1  # of this format; a field that is added keeps it, one that changes its meaning raises it


def scan_json(assessments: Iterable[Assessment]) -> str:
    """Write assessments in the format."""
    return json.dumps({"version": _VERSION, "targets": [_target(assessment) for assessment in assessments]}, indent=2)


def exit_status(assessments: Iterable[Assessment]) -> int:
    """Return 1 if something runs code, else 3 if something could not be inspected, else 0."""
    levels = {assessment.level for assessment in assessments}
    if levels & {RiskLevel.RUNS_CODE, RiskLevel.DANGEROUS, RiskLevel.FORBIDDEN}:
        return 1
    return 3 if RiskLevel.UNINSPECTED in levels else 0


def _target(assessment: Assessment) -> dict[str, object]:
    report = assessment.report
    return {
        "target": report.target,
        "format": report.format,
        "risk": assessment.level.value,
        "coverage": {
            "parts": report.coverage.parts,
            "inspected": report.coverage.inspected,
            "missed": list(report.coverage.missed),
        },
        "findings": [
            {
                "rule": finding.rule,
                "severity": finding.severity.value,
                "cwe": finding.cwe,
                "title": finding.title,
                "location": finding.location,
                "code": finding.code,
            }
            for finding in report.findings
        ],
        "globals": [
            {"name": str(use.name), "count": use.count, "judgement": use.judgement.value, "reason": use.reason}
            for use in report.globals
        ],
        "digest": report.digest,
        "seconds": round(report.seconds, 6),
    }
