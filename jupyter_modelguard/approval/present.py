"""From a record and its assessment to what a person reads: every word of the card is chosen here.

Titles, labels, questions and the names of buttons are fixed; they are the same in the notebook, the terminal and the text
conversation. A button says the act ("Run 2 unknown functions once"). Nothing is escaped here: whoever draws the view treats all
of it as a stranger's text.
"""

from __future__ import annotations

import time
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from jupyter_modelguard.approval.choices import allowed_words, scope_choices
from jupyter_modelguard.approval.facts import facts, repository
from jupyter_modelguard.approval.text import LONG
from jupyter_modelguard.approval.view import CallRow, CardView, CodeListing, CodeRow, Fact
from jupyter_modelguard.policy.trust import ONLY_ONCE
from jupyter_modelguard.types import Artifact, Judgement, RiskLevel, TraceStep

if TYPE_CHECKING:
    from jupyter_modelguard.policy.trust import Standing
    from jupyter_modelguard.types import Assessment, CodeFile, Decision, GlobalUse, HistoryRecord, ScanReport

__all__ = ["INSTEAD", "REASONS", "Explanation", "Listing", "Receipt", "build_view", "plain_view", "receipt", "surprised"]

Listing: TypeAlias = "tuple[str, str, tuple[tuple[int, str, bool], ...]]"  # heading, source, (number, text, flagged) a line
Explanation: TypeAlias = "tuple[tuple[Listing, ...], tuple[TraceStep, ...]]"

REASONS = ("I made this file", "I know the publisher", "I read the code", "I accept the risk")

INSTEAD = "instead: "
"""How the reason of a decision begins that names the safer way which was taken."""

_MOST_ROWS = 1_000  # lines of a listing, or opcodes, that a card carries
_MOST_TEXT = 4_000  # characters of one text
_LONGEST_ROW = 400  # characters of a line of a listing
_CHIPS = {
    RiskLevel.DATA_ONLY: "Nothing found",
    RiskLevel.NOTE: "Nothing found",
    RiskLevel.RUNS_CODE: "Runs code",
    RiskLevel.UNINSPECTED: "Not inspected",
    RiskLevel.DANGEROUS: "Dangerous",
    RiskLevel.FORBIDDEN: "Forbidden",
}
_JUDGED = {
    Judgement.CLOSED: "nothing found",
    Judgement.INERT: "nothing found",
    Judgement.INSPECT: "unknown",
    Judgement.UNKNOWN: "unknown",
    Judgement.DANGEROUS: "dangerous",
}


class Receipt(NamedTuple):
    """The one line that stays after a decision, and its place in the history."""

    allowed: bool
    text: str  # without the icon and "modelguard", which each face draws in its own way
    id: str


def build_view(
    record: HistoryRecord, assessment: Assessment, explanation: Explanation = ((), ()), standing: Standing = ONLY_ONCE
) -> CardView:
    """Choose the words for a load that needs a decision.

    Parameters
    ----------
    record
        The load: its id, call, place and artifact.
    assessment
        What was found and what policy makes of it.
    explanation
        Listings and opcodes of the engine, to be read under *Show what it does*. A model's own Python files are taken from the
        artifact.
    standing
        What trust says of the load: what may be chosen beyond once, and how it differs from what was trusted.
    """
    report = assessment.report
    artifact = record.artifact or Artifact(name=PurePath(report.target).name, source=report.target, format=report.format)
    remote = artifact.format == "python-code"
    listings, opcodes = explanation
    title, consequence = _title(artifact, assessment)
    if standing.changed:
        consequence = ", ".join(filter(None, ("changed since it was trusted", consequence)))
    flagged = tuple(_call_row(use, flagged=True) for use in assessment.unknown)
    return CardView(
        id=record.id,
        level=assessment.level,
        title=title,
        consequence=consequence,
        chip=_CHIPS[assessment.level],
        object=artifact.name,
        call=record.request.call,
        place=str(record.request.site),
        would=_would(artifact, assessment),
        calls=tuple(_file_row(file, report) for file in artifact.files) if remote else flagged,
        missed=report.coverage.missed,
        facts=(*(Fact(label, text) for label, text in standing.notes), *facts(artifact, report)),
        safer=assessment.safer,
        reasons=REASONS,
        scopes=scope_choices(artifact, assessment.level, _act(artifact, assessment), standing),
        confirm=_confirm(assessment),
        every_call=tuple(_call_row(use, flagged=use in assessment.unknown) for use in report.globals),
        listings=(*(_listing(*listing) for listing in listings), *(_code_listing(file, report) for file in artifact.files)),
        opcodes=opcodes[:_MOST_ROWS],
        sought=assessment.sought,
    )


def receipt(view: CardView, decision: Decision) -> Receipt:
    """Say in one line what was decided, for the output of the cell and the saved notebook."""
    name = view.object if len(view.object) <= LONG else f"{view.object[: LONG // 2]}…{view.object[-LONG // 4 :]}"
    clock = time.strftime("%H:%M", time.localtime(decision.at or time.time()))
    if decision.allow:
        done = _done(view)
        text = f'{name} {done} · {allowed_words(decision.scope)} by {decision.by}, "{decision.reason}" · {clock} · #{view.id}'
    elif view.level is RiskLevel.FORBIDDEN:
        rule = view.title.removeprefix("Blocked by policy: ")
        text = f"{name} blocked by policy {rule} · {clock} · #{view.id}"
    else:
        who = ", nobody could be asked" if decision.transport == "headless" else f" by {decision.by}"
        instead = f" · {decision.reason}" if decision.reason.startswith(INSTEAD) else ""
        text = f"{name} kept blocked{who}{instead} · {clock} · #{view.id}"
    return Receipt(decision.allow, text, view.id)


def surprised(name: str, record_id: str, why: str) -> Receipt:
    """Say in one line that a load was ended because it reached for what was not on its card."""
    shown = name if len(name) <= LONG else f"{name[: LONG // 2]}…{name[-LONG // 4 :]}"
    return Receipt(False, f"{shown} was ended: it reached for {why}, which was not on its card · #{record_id}", record_id)  # noqa: FBT003


def plain_view(view: CardView) -> dict[str, Any]:
    """Make of the view what JSON can hold: for the widget and for the row that another process reads."""
    from dataclasses import asdict

    plain: dict[str, Any] = _plain(asdict(view))
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        # Half a surrogate pair cannot be sent; the backslash form is what every face shows for it anyway.
        kept = value if len(value) <= _MOST_TEXT else f"{value[:_MOST_TEXT]}… {len(value) - _MOST_TEXT:,} more characters"
        return kept.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value.value if isinstance(value, RiskLevel) else value


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _title(artifact: Artifact, assessment: Assessment) -> tuple[str, str]:
    if assessment.level is RiskLevel.FORBIDDEN:
        return f"Blocked by policy: {assessment.rules[0] if assessment.rules else 'a rule'}", ""
    if artifact.format == "python-code":
        runs = "it runs a command when imported" if assessment.level is RiskLevel.DANGEROUS else ""
        return f"Stopped before importing code from {'@'.join(filter(None, repository(artifact)))}", runs
    if assessment.level is RiskLevel.DANGEROUS:
        return "Stopped", "this file runs a command when loaded"
    if assessment.level is RiskLevel.UNINSPECTED:
        return "Stopped", "part of this file could not be checked"
    if assessment.level is RiskLevel.RUNS_CODE:
        return "Stopped before loading", "can run code on this machine"
    return "Stopped before loading", "found nothing that runs code"


def _would(artifact: Artifact, assessment: Assessment) -> str:
    if assessment.level is RiskLevel.FORBIDDEN:
        return "The rule"
    if artifact.format == "python-code":
        run = "run its" if len(artifact.files) == 1 else "run their"
        return f"Python would import {_count(len(artifact.files), 'file')} and {run} top level"
    if assessment.level is RiskLevel.DANGEROUS:
        return "Reading this file would run a command"
    if assessment.level is RiskLevel.UNINSPECTED:
        coverage = assessment.report.coverage
        missed = _unchecked(assessment.report)
        return f"Not checked, {missed} of {_count(max(coverage.parts, missed), 'part')}"
    return "Python would call, while reading the file"


def _unchecked(report: ScanReport) -> int:
    return max(report.coverage.parts - report.coverage.inspected, len(report.coverage.missed), 1)


def _act(artifact: Artifact, assessment: Assessment) -> str:
    """Name the running button by what it does."""
    if artifact.format == "python-code":
        return f"Import {_count(len(artifact.files), 'file')} once"
    if assessment.level is RiskLevel.DANGEROUS:
        name, *others = _confirm(assessment)
        return " ".join(["Run", name, *([f"and {_count(len(others), 'other')}"] if others else []), "once"])
    if assessment.level is RiskLevel.UNINSPECTED:
        return f"Load {_count(_unchecked(assessment.report), 'unchecked part')} once"
    if assessment.unknown:
        return f"Run {_count(len(assessment.unknown), 'unknown function')} once"
    return "Load this file once"


def _done(view: CardView) -> str:
    """Put the button's act in the past tense: "ran 2 unknown functions"."""
    act = view.scopes[0].button.removesuffix(" once") if view.scopes else ""
    verb, _, rest = act.partition(" ")
    past = {"Run": "ran", "Import": "imported", "Load": "loaded"}.get(verb, "")
    return f"{past} {rest}" if past and rest != "this file" else "was loaded"


def _confirm(assessment: Assessment) -> tuple[str, ...]:
    """Names one of which must be typed before a dangerous file may run; never empty for one."""
    if assessment.level is not RiskLevel.DANGEROUS:
        return ()
    dangerous = [_shown(use) for use in assessment.report.globals if use.judgement is Judgement.DANGEROUS]
    if not dangerous:
        dangerous = [_shown(use) for use in assessment.unknown] or [finding.rule for finding in assessment.report.findings]
    return tuple(dict.fromkeys(dangerous)) or ("run it",)


def _shown(use: GlobalUse) -> str:
    """Give the name that people know: a pickle says posix.system where code says os.system."""
    name = str(use.name)
    return f"os.{use.name.name}" if use.name.module in {"posix", "nt"} else name


def _call_row(use: GlobalUse, *, flagged: bool) -> CallRow:
    return CallRow(_shown(use), use.count, use.reason, use.origin, _JUDGED[use.judgement], flagged)


def _lines_of(report: ScanReport, path: str) -> dict[int, str]:
    """Find the flagged lines of one file, from findings located as "modeling.py:12"."""
    lines: dict[int, str] = {}
    for finding in report.findings:
        file, colon, number = finding.location.rpartition(":")
        if colon and number.isdigit() and file in {path, PurePath(path).name}:
            lines.setdefault(int(number), finding.title)
    return lines


def _file_row(file: CodeFile, report: ScanReport) -> CallRow:
    lines = _lines_of(report, file.path)
    found = [f"{title} (line {number})" for number, title in sorted(lines.items())]
    note = " · ".join([_count(len(file.content.splitlines()), "line"), *found])
    return CallRow(file.path, 1, note, "", "unknown", flagged=True)


def _listing(heading: str, source: str, rows: tuple[tuple[int, str, bool], ...]) -> CodeListing:
    left = len(rows) - _MOST_ROWS
    if left > 0:
        heading = f"{heading} · first {_MOST_ROWS:,} of {len(rows):,} lines"
    return CodeListing(heading, source, tuple(CodeRow(number, _cut(text), flag) for number, text, flag in rows[:_MOST_ROWS]))


def _cut(text: str) -> str:
    left = len(text) - _LONGEST_ROW
    return text if left <= 0 else f"{text[:_LONGEST_ROW]}… {left:,} more characters"


def _code_listing(file: CodeFile, report: ScanReport) -> CodeListing:
    flagged = _lines_of(report, file.path)
    lines = file.content.decode("utf-8", "replace").splitlines()
    heading = f"{len(flagged)} of {_count(len(lines), 'line')} flagged" if flagged else _count(len(lines), "line")
    return _listing(heading, file.path, tuple((number, line, number in flagged) for number, line in enumerate(lines, 1)))
