"""Findings as SARIF 2.1.0, which code hosts, editors and dashboards read.

A file is a target, each finding a result, and what could not be inspected is a result too: a reader that only counts results must not
take it for clean. The format: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html.
"""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from jupyter_modelguard.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_modelguard.types import Finding, ScanReport

__all__ = ["sarif"]

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_MISSED: Final = "not-inspected"
_LEVELS: Final = {
    Severity.INFO: "note",
    Severity.LOW: "note",
    Severity.MEDIUM: "warning",
    Severity.HIGH: "error",
    Severity.CRITICAL: "error",
}
_SCORES: Final = {  # out of 10, as code hosts rank results by; the middle of CVSS's range of that name
    Severity.INFO: "0.0",
    Severity.LOW: "2.0",
    Severity.MEDIUM: "5.5",
    Severity.HIGH: "8.0",
    Severity.CRITICAL: "9.5",
}
_NO_BYTES = re.compile("[\ud800-\udc7f\udd00-\udfff]")  # halves of surrogate pairs that stand for no byte of a file's name
_LINE = re.compile(r"(?P<part>.*):(?P<line>[1-9]\d{0,8})")


def sarif(reports: Iterable[ScanReport]) -> str:
    """Write reports as one run of this tool."""
    rules: dict[str, dict[str, Any]] = {}
    results: list[dict[str, Any]] = []
    missed = False
    for report in reports:
        for finding in report.findings:
            rules.setdefault(finding.rule, _rule(finding))
            results.append(_result(report, finding))
        for sentence in report.coverage.missed:
            missed = True
            rules.setdefault(_MISSED, {"id": _MISSED, "shortDescription": {"text": "A part that could not be inspected."}})
            results.append(
                {
                    "ruleId": _MISSED,
                    "level": "warning",
                    "message": {"text": sentence},
                    "locations": [_location(report.target, "")],
                }
            )
    places = {name: index for index, name in enumerate(rules)}
    for result in results:
        result["ruleIndex"] = places[result["ruleId"]]
    driver = {"name": "modelguard", "version": version("jupyter-modelguard"), "rules": list(rules.values())}
    run = {"tool": {"driver": driver}, "invocations": [{"executionSuccessful": not missed}], "results": results}
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(finding: Finding) -> dict[str, Any]:
    tags = ["security", *([f"external/cwe/cwe-{finding.cwe}"] if finding.cwe is not None else [])]
    return {
        "id": finding.rule,
        "shortDescription": {"text": finding.rule.replace("-", " ").capitalize() + "."},
        "defaultConfiguration": {"level": _LEVELS[finding.severity]},
        "properties": {"tags": tags, "security-severity": _SCORES[finding.severity]},
    }


def _result(report: ScanReport, finding: Finding) -> dict[str, Any]:
    known = {
        "cwe": finding.cwe,
        "atlas": finding.atlas,
        "taxonomy": finding.taxonomy,
        "code": finding.code,
        "digest": report.digest,
    }
    return {
        "ruleId": finding.rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.title},
        "locations": [_location(report.target, finding.location)],
        "properties": {"severity": finding.severity.value} | {name: value for name, value in known.items() if value},
    }


def _location(target: str, said: str) -> dict[str, Any]:
    """Say where: in which file, at a line of it where that is told, and in which part."""
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(target)}}
    location: dict[str, Any] = {"physicalLocation": physical}
    line = _LINE.fullmatch(said)
    if line is not None:
        physical["region"] = {"startLine": int(line["line"])}
    if said:
        location["logicalLocations"] = [{"name": line["part"] if line is not None else said, "fullyQualifiedName": said}]
    return location


def _uri(target: str) -> str:
    """Make an address of a name, also of one whose bytes are no text."""
    path = PurePath(_NO_BYTES.sub(lambda found: f"\\u{ord(found[0]):04x}", target))
    return path.as_uri() if path.is_absolute() else quote(path.as_posix(), errors="surrogateescape")
