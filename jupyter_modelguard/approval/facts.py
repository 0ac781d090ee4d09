"""The facts of a card: as whom a load would run and what it could reach, where the artifact is from, and how much of it was checked.

Where a policy forbids the load, nothing of it will run: there the facts are the rule, and what was found.
"""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from jupyter_modelguard.approval.secrets import secret_files, secret_names
from jupyter_modelguard.approval.view import Fact
from jupyter_modelguard.config import user_name

if TYPE_CHECKING:
    from jupyter_modelguard.types import Artifact, Assessment, ScanReport

__all__ = ["facts", "forbidden_facts", "repository", "rule_facts", "said_size"]

_KIB = 1024
_NAMELESS = {
    "<bytes>": "bytes in memory",
    "<file object>": "an open file object",
    "<text>": "text in memory",
    "<configuration>": "the configuration of the model",
}
_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp"})
_TURNS = dict.fromkeys("\u202a\u202b\u202d\u202e\u2066\u2067\u2068", "turns text around")
_EFFECTS = {"Cc": "moves a terminal's cursor", "Cf": "has no ink", "Zl": "breaks the line", "Zp": "breaks the line"}
_MOST_HIDDEN = 4
_MOST_FOUND = 4
_COMMIT = 7  # digits of a commit that people read


def repository(artifact: Artifact) -> tuple[str, str]:
    """Where a model's own code comes from, and at which commit; the commit is empty for a folder."""
    if not artifact.source.startswith("hf:"):
        return artifact.name, ""
    name, _, commit = artifact.source.removeprefix("hf:").partition("@")
    return name, commit[:_COMMIT]


def facts(artifact: Artifact, report: ScanReport) -> tuple[Fact, ...]:
    """Say what surrounds a load that needs a decision."""
    hidden = _hidden(artifact.name)
    return (
        Fact("It would run as", _run_as()),
        *((Fact("It could read", there),) if artifact.format == "python-code" and (there := secret_files()) else ()),
        *((Fact("The name", hidden),) if hidden else ()),
        Fact("From", _origin(artifact)),
        *[Fact("From elsewhere", one.title) for one in report.findings if one.rule == "remote-code-elsewhere"][:_MOST_FOUND],
        Fact("Checked", _checked(artifact, report)),
    )


def rule_facts(rules: tuple[str, ...]) -> tuple[Fact, ...]:
    """Say by which rule of a policy a load is forbidden: its title, why it is there, and where it is written."""
    title, place, reason = (*rules, "", "", "")[:3]
    file, _, line = place.rpartition(":")
    return (
        Fact("Its name", title or "none"),
        Fact("Reason", reason or "The file gives none."),
        *((Fact("Written in", f"{file}, line {line}"),) if file else ()),
    )


def forbidden_facts(artifact: Artifact, assessment: Assessment) -> tuple[Fact, ...]:
    """Say of a load that is forbidden what was found, without what it could reach: it will not run."""
    report, names = assessment.report, [f"{use.name} ×{use.count:,}" for use in assessment.unknown]
    more = len(names) - _MOST_FOUND
    named = ", ".join([*names[:_MOST_FOUND], *([f"{more:,} more"] if more > 0 else [])])
    found = f"would call {named}" if names else f"{len(artifact.files):,} Python files" if artifact.files else ""
    return (*((Fact("Found", found),) if found else ()), *facts(artifact, report)[1:])


def _hidden(name: str) -> str:
    """Say which characters of a name are not what they seem; each face spells them out."""
    found = [character for character in name if unicodedata.category(character) in _UNSEEN]
    kinds = list(dict.fromkeys(found))
    if not found:
        return ""
    said = [
        f"{character} {_TURNS.get(character) or _EFFECTS[unicodedata.category(character)]}" for character in kinds[:_MOST_HIDDEN]
    ]
    if len(kinds) > _MOST_HIDDEN:
        said.append(f"{len(kinds) - _MOST_HIDDEN} more kinds")
    count = f"{len(found):,} hidden character{'s' * (len(found) != 1)}"
    return f"has {count}: {', '.join(said)}. {'They are' if len(found) > 1 else 'It is'} shown, never applied."


def _run_as() -> str:
    """Who a load runs as and what it could reach; names of secrets, never their values."""
    names = secret_names()
    parts = [f"you ({user_name()}){f', with {names} set' if names else ''}"]
    parts.append("network open")
    if os.access(Path("~").expanduser(), os.W_OK):
        parts.append("home folder writable")
    return " · ".join(parts)


def _origin(artifact: Artifact) -> str:
    if artifact.source.startswith("hf:"):
        name, commit = repository(artifact)
        place = f"hf: {name} @{commit}" if commit else f"hf: {name}"
    elif artifact.source.startswith("<"):
        place = _NAMELESS.get(artifact.source, artifact.source)
    else:
        path = PurePath(artifact.source)
        folder = artifact.format == "python-code" and not Path(path).is_file()  # an archive may hold code too
        place = f"local folder {path}" if folder else f"local file in {path.parent}"
    return f"{place} · {said_size(artifact.size)}" if artifact.size else place


def _checked(artifact: Artifact, report: ScanReport) -> str:
    coverage = report.coverage
    if artifact.format == "python-code":
        unit, parts, inspected = "Python file", max(coverage.parts, len(artifact.files)), coverage.inspected
    else:
        unit = "part" if coverage.missed or report.engines == ("named 1",) else "pickle stream"
        parts, inspected = coverage.parts, coverage.inspected
    missed = max(parts - inspected, len(coverage.missed))
    said = [f"{inspected} of {parts:,} {unit if parts == 1 else f'{unit}s'}", f"not checked: {missed or 'nothing'}"]
    if report.seconds >= 0.1:  # noqa: PLR2004 shorter is not worth a word
        said.append(f"{report.seconds:.1f} s")
    return " · ".join(said)


def said_size(size: int) -> str:
    """Say how large something is."""
    number = float(size)
    for unit in ("bytes", "KB", "MB", "GB"):
        if number < _KIB or unit == "GB":
            break
        number /= _KIB
    return f"{size:,} bytes" if unit == "bytes" else f"{number:.1f} {unit}" if number < 10 else f"{number:.0f} {unit}"  # noqa: PLR2004
