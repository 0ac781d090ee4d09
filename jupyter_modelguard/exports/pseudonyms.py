"""Lines of the history without the names in them: of files, notebooks and persons.

Each name becomes one that means nothing and is the same throughout one export ("file-3.pt", "notebook-1.ipynb", "person-2"), so that
lines about the same file still belong together. The numbers follow the order of the lines: they say nothing about another export. What a
file holds stays: its digests, and the functions and findings in it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from jupyter_modelguard.types import Artifact, Decision, Finding, HistoryRecord, LoadRequest, ScanReport

    _Said = Callable[[str], str]

__all__ = ["without_names"]

_PATH = re.compile(r"""(?<![\w.:/\\])(?:[A-Za-z]:)?(?:[/\\][^\s/\\'"<>|:;,()]+){2,}""")  # an absolute one, of two parts or more
_DEEPEST = 20  # folders of a path that are looked for
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,12}")


def without_names(records: Iterable[HistoryRecord]) -> tuple[HistoryRecord, ...]:
    """Give the same lines with every name replaced."""
    names = _Names()
    return tuple(names.record(record) for record in records)


class _Names:
    def __init__(self) -> None:
        self._given: dict[tuple[str, str], str] = {}
        self._numbers: dict[str, int] = {}

    def record(self, record: HistoryRecord) -> HistoryRecord:
        site = record.request.site
        known = {}
        for path in (
            record.request.source,
            record.report.target if record.report else "",
            *self._artifact_names(record.artifact),
        ):
            known[path] = self._file(path)
            known.update((end, known[path]) for end in _ends(path))
        if site.notebook:
            known[site.notebook] = self._name("notebook", site.notebook)
        if record.decision is not None:
            known[record.decision.by] = self._person(record.decision)
        known.pop("", None)
        words = sorted(known, key=len, reverse=True)
        pattern = re.compile("|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in words)) if words else None

        def said(text: str) -> str:
            found = text if pattern is None else pattern.sub(lambda match: known[match[0]], text)
            return _PATH.sub(lambda match: self._file(match[0]), found)

        return replace(
            record,
            request=self._request(record.request, said),
            artifact=self._artifact(record.artifact) if record.artifact is not None else None,
            report=_report(record.report, self._file(record.report.target), said) if record.report is not None else None,
            decision=self._decision(record.decision, said) if record.decision is not None else None,
            error=said(record.error),
        )

    def _request(self, request: LoadRequest, said: _Said) -> LoadRequest:
        notebook = self._name("notebook", request.site.notebook) if request.site.notebook else request.site.notebook
        site = replace(request.site, notebook=notebook)
        return replace(request, call=said(request.call), source=self._file(request.source), site=site)

    def _artifact(self, artifact: Artifact) -> Artifact:
        files = tuple(replace(file, path=self._file(file.path)) for file in artifact.files)
        return replace(artifact, name=self._file(artifact.source), source=self._file(artifact.source), files=files)

    def _decision(self, decision: Decision, said: _Said) -> Decision:
        return replace(decision, by=self._person(decision), reason=said(decision.reason))

    def _artifact_names(self, artifact: Artifact | None) -> tuple[str, ...]:
        return (artifact.source, artifact.name, *(file.path for file in artifact.files)) if artifact is not None else ()

    def _person(self, decision: Decision) -> str:
        """Name who decided; a rule that did is nobody's name."""
        return decision.by if decision.by == decision.transport else self._name("person", decision.by)

    def _file(self, path: str) -> str:
        return path if not path or path.startswith("<") else self._name("file", path)

    def _name(self, kind: str, real: str) -> str:
        given = self._given.get((kind, real))
        if given is None:
            number = self._numbers[kind] = self._numbers.get(kind, 0) + 1
            suffix = PurePath(real).suffix if kind != "person" else ""
            given = self._given[kind, real] = f"{kind}-{number}{suffix if _SUFFIX.fullmatch(suffix) else ''}"
        return given


def _ends(path: str) -> list[str]:
    """List what else may be said of a path: it without the folders that somebody stood in, down to the last one."""
    parts = path.replace("\\", "/").split("/")[-_DEEPEST:]
    return ["/".join(parts[start:]) for start in range(1, len(parts) - 1)]


def _report(report: ScanReport, target: str, said: _Said) -> ScanReport:
    coverage = replace(report.coverage, missed=tuple(map(said, report.coverage.missed)))
    return replace(report, target=target, coverage=coverage, findings=tuple(_finding(one, said) for one in report.findings))


def _finding(finding: Finding, said: _Said) -> Finding:
    return replace(finding, title=said(finding.title), location=said(finding.location), code=said(finding.code))
