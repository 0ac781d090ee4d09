"""What a model's own code would do when: as soon as it is imported, while the model is loaded, soon after, or only if it is called.

The engine says when; here its findings are put under these headings. What no engine could place stands under the last one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jupyter_modelguard.approval.listings import counted, flagged_lines, lines_of
from jupyter_modelguard.approval.view import CallRow, PhaseColumn, PhaseRow
from jupyter_modelguard.policy.code_phases import OF_THE_WHOLE, WHEN
from jupyter_modelguard.types import Phase

if TYPE_CHECKING:
    from jupyter_modelguard.types import CodeFile, Finding, ScanReport

__all__ = ["file_rows", "phases", "said_of_phases"]

_HEADINGS: Final = {
    Phase.IMPORT: ("On import", "runs whatever you do next"),
    Phase.LOAD: ("While loading", "inside the call"),
    Phase.SOON: ("Soon after", "when the model is first used or shown"),
    Phase.METHOD: ("Only if you call it", "nothing was found that calls it"),
}
_UNPLACED: Final = ("Also found", "nothing says when it would run")
_MOST_ROWS: Final = 6  # under one heading
_MOST_PLACES: Final = 3
_MOST_FILES: Final = 20


def phases(report: ScanReport) -> tuple[PhaseColumn, ...]:
    """Put what was found under the time at which it would happen; empty where nothing was found.

    Parameters
    ----------
    report
        Of code files.
    """
    found: dict[Phase | None, dict[str, list[str]]] = {}
    for finding in report.findings:
        if finding.rule not in OF_THE_WHOLE:
            places = found.setdefault(finding.phase, {}).setdefault(_text(finding), [])
            if finding.location and finding.location not in places:
                places.append(finding.location)
    if not found:
        return ()
    columns = [_column(*heading, found.get(phase, {})) for phase, heading in _HEADINGS.items()]
    return (*columns, _column(*_UNPLACED, found[None])) if None in found else tuple(columns)


def said_of_phases(report: ScanReport) -> str:
    """Say what it means that nothing was found: little."""
    if any(finding.rule not in OF_THE_WHOLE for finding in report.findings):
        return ""
    return (
        "Found nothing on the list of known capabilities. That is no proof: code can be written so that reading does not show it."
    )


def file_rows(files: tuple[CodeFile, ...], report: ScanReport) -> tuple[CallRow, ...]:
    """List the files that would be imported, those with findings first where they are too many for a card."""
    flagged = flagged_lines(report)
    count = {file.path: len(flagged.get(file.path, ())) for file in files}
    ordered = list(files) if len(files) <= _MOST_FILES else sorted(files, key=lambda file: -count[file.path])
    rows = [_file_row(file, count[file.path]) for file in ordered[:_MOST_FILES]]
    more = len(files) - len(rows)
    return (*rows, CallRow(counted(more, "more file"), 0, "", "", "unknown", flagged=True)) if more else tuple(rows)


def _file_row(file: CodeFile, flagged: int) -> CallRow:
    note = counted(len(lines_of(file.content)), "line")
    return CallRow(file.path, 0, f"{note}, {flagged:,} flagged" if flagged else note, "", "unknown", flagged=True)  # not called


def _column(title: str, note: str, found: dict[str, list[str]]) -> PhaseColumn:
    rows = [PhaseRow(text, _places(places)) for text, places in found.items()]
    return PhaseColumn(title, note, tuple(rows[:_MOST_ROWS]), max(len(rows) - _MOST_ROWS, 0))


def _places(places: list[str]) -> str:
    more = len(places) - _MOST_PLACES
    return f"{', '.join(places[:_MOST_PLACES])}{f' and {more:,} more' if more > 0 else ''}"


def _text(finding: Finding) -> str:
    """Leave out of a finding's sentence what its heading says."""
    return finding.title.replace(f", {WHEN[finding.phase]}", "", 1) if finding.phase is not None else finding.title
