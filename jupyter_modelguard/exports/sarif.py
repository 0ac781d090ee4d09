"""Findings as SARIF 2.1.0, which code hosts, editors and dashboards read.

A file is a target, each finding a result, and what could not be inspected is a result too: a reader that only counts results must not
take it for clean. The format: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html.
"""

from __future__ import annotations

import hashlib
import json
import re
from importlib.metadata import version
from pathlib import PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from jupyter_modelguard.policy.findings import finding_rules
from jupyter_modelguard.policy.taxonomy import sentence_of
from jupyter_modelguard.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jupyter_modelguard.types import Finding, ScanReport

__all__ = ["sarif"]

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_MISSED: Final = "not-inspected"
_CODE: Final = "python-code"
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
_BYTE = re.compile(r"byte (?P<byte>\d{1,3}(?:,?\d{3})*)")  # of the file itself; of a part, its name stands before
_LINE = re.compile(r"(?P<part>.*):(?P<line>[1-9]\d{0,8})")


def sarif(reports: Iterable[ScanReport], errors: Mapping[str, str] | None = None) -> str:
    """Write reports as one run of this tool; `errors` says why a target could not be scanned at all."""
    rules: dict[str, dict[str, Any]] = {}
    results: list[dict[str, Any]] = []
    missed = False
    for report in reports:
        for finding in report.findings:
            rules.setdefault(finding.rule, _rule(finding.rule, finding))
            results.append(_result(report, finding))
        for sentence in report.coverage.missed:
            missed = True
            rules.setdefault(_MISSED, _rule(_MISSED))
            results.append(
                {
                    "ruleId": _MISSED,
                    "level": "warning",
                    "message": {"text": sentence},
                    "locations": [_location(report.target, "")],
                    "partialFingerprints": _fingerprint(_MISSED, report.target, "", sentence),
                }
            )
    places = {name: index for index, name in enumerate(rules)}
    for result in results:
        result["ruleIndex"] = places[result["ruleId"]]
    driver = {"name": "modelguard", "version": version("jupyter-modelguard"), "rules": list(rules.values())}
    invocation: dict[str, Any] = {"executionSuccessful": not missed and not errors}
    if errors:
        told = [{"level": "error", "message": {"text": sentence}} for sentence in errors.values()]
        invocation["toolExecutionNotifications"] = told
    run = {"tool": {"driver": driver}, "invocations": [invocation], "results": results}
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(name: str, finding: Finding | None = None) -> dict[str, Any]:
    """Describe a rule by its row in the table; one that has none there by what was found."""
    row = finding_rules().get(name)
    cwe, severity = (row.cwe, row.severity) if row is not None else (finding and finding.cwe, finding and finding.severity)
    severity = severity or Severity.MEDIUM
    tags = ["security", *([f"external/cwe/cwe-{cwe}"] if cwe is not None else [])]
    atlas, taxonomy = (row.atlas, row.taxonomy) if row is not None else ("", "")
    tags += [f"atlas/{atlas}"] if atlas else []
    help_text = " ".join(filter(None, (row.help if row is not None else "", sentence_of(taxonomy))))
    made: dict[str, Any] = {
        "id": name,
        "shortDescription": {"text": row.about if row is not None else name.replace("-", " ").capitalize() + "."},
        "defaultConfiguration": {"level": _LEVELS[severity]},
        "properties": {"tags": tags, "security-severity": _SCORES[severity]},
    }
    return made | ({"help": {"text": help_text}} if help_text else {})


def _result(report: ScanReport, finding: Finding) -> dict[str, Any]:
    known = {
        "cwe": finding.cwe,
        "atlas": finding.atlas,
        "taxonomy": finding.taxonomy,
        "code": finding.code,
        "phase": finding.phase.value if finding.phase is not None else "",
        "digest": report.digest,
    }
    return {
        "ruleId": finding.rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.title},
        "locations": [_location(report.target, finding.location, code=report.format == _CODE)],
        "partialFingerprints": _fingerprint(finding.rule, report.target, finding.location, finding.title),
        "properties": {"severity": finding.severity.value} | {name: value for name, value in known.items() if value},
    }


def _fingerprint(*parts: str) -> dict[str, str]:
    """Know a result again in the next scan: by what is said of which part, not by where the file lies or what else it holds."""
    rule, target, *rest = parts
    known = "\0".join((rule, PurePath(target).name, *rest)).encode("utf-8", "surrogatepass")
    return {"modelguard/v1": hashlib.sha256(known).hexdigest()}


def _location(target: str, said: str, *, code: bool = False) -> dict[str, Any]:
    """Say where: in which file, at a line of it where that is told, and in which part; of code, the part is the file."""
    line = _LINE.fullmatch(said)
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(_below(target, line["part"]) if code and line else target)}}
    location: dict[str, Any] = {"physicalLocation": physical}
    byte = _BYTE.fullmatch(said)
    if line is not None:
        physical["region"] = {"startLine": int(line["line"])}
    elif byte is not None:
        physical["region"] = {"byteOffset": int(byte["byte"].replace(",", "")), "byteLength": 1}
    if said:
        location["logicalLocations"] = [{"name": line["part"] if line is not None else said, "fullyQualifiedName": said}]
    return location


def _below(folder: str, name: str) -> str:
    """Name a file of a folder or repository; the folder itself where the name leads elsewhere, or where it is that file."""
    parts = PurePosixPath(name).parts
    if (
        not parts
        or name.startswith("/")
        or ".." in parts
        or PurePath(name).is_absolute()
        or folder.endswith(f"/{name}")
        or folder == name
    ):
        return folder
    return f"{folder.rstrip('/')}/{name}"


def _uri(target: str) -> str:
    """Make an address of a name, also of one whose bytes are no text."""
    if target.startswith("hf:"):
        return quote(target, safe="/:@", errors="surrogateescape")
    path = PurePath(_NO_BYTES.sub(lambda found: f"\\u{ord(found[0]):04x}", target))
    return path.as_uri() if path.is_absolute() else quote(path.as_posix(), errors="surrogateescape")
