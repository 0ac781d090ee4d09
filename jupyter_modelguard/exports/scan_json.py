"""Scan results as JSON, and the exit status that says the same in one number."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.policy.findings import finding_rules
from jupyter_modelguard.policy.taxonomy import issue_of, sentence_of
from jupyter_modelguard.types import RiskLevel

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jupyter_modelguard.types import Assessment, Finding

__all__ = ["exit_status", "scan_json"]

_VERSION = 1  # of this format; a field that is added keeps it, one that changes its meaning raises it


def scan_json(
    assessments: Iterable[Assessment],
    files: Mapping[str, Sequence[Assessment]] | None = None,
    errors: Mapping[str, str] | None = None,
) -> str:
    """Write assessments in the format.

    Parameters
    ----------
    assessments
        Of the targets.
    files
        Of the files below a target that is a repository, by its name.
    errors
        Why a target could not be scanned at all, by what was asked for.
    """
    targets = []
    for assessment in assessments:
        below = (files or {}).get(assessment.report.target, ())
        targets.append(_target(assessment) | ({"files": list(map(_target, below))} if below else {}))
    written: dict[str, Any] = {"version": _VERSION, "targets": targets}
    if errors:
        written["errors"] = [{"target": target, "error": sentence} for target, sentence in errors.items()]
    return json.dumps(written, indent=2)


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
        "size": report.size,
        "risk": assessment.level.value,
        "coverage": {
            "parts": report.coverage.parts,
            "inspected": report.coverage.inspected,
            "missed": list(report.coverage.missed),
            "ranges": [{"start": one.start, "end": one.end, "kind": one.kind} for one in report.coverage.ranges],
        },
        "findings": list(map(_finding, report.findings)),
        "globals": [
            {
                "name": str(use.name),
                "count": use.count,
                "judgement": use.judgement.value,
                "reason": use.reason,
                "origin": use.origin,
            }
            for use in report.globals
        ],
        "digest": report.digest,
        "engines": list(report.engines),
        "seconds": round(report.seconds, 6),
    }


def _finding(finding: Finding) -> dict[str, object]:
    rule, issue = finding_rules().get(finding.rule), issue_of(finding.taxonomy)
    told = {"id": issue.id, "name": issue.name, "what_others_did": sentence_of(finding.taxonomy)} if issue is not None else None
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "cwe": finding.cwe,
        "atlas": finding.atlas,
        "taxonomy": told,
        "title": finding.title,
        "location": finding.location,
        "code": finding.code,
        "phase": finding.phase.value if finding.phase is not None else None,
        "help": rule.help if rule is not None else "",
    }
