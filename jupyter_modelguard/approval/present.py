"""From a record and its assessment to what a person reads: every word of the card is chosen here.

Titles, labels, questions and the names of buttons are fixed; they are the same in the notebook, the terminal and the text
conversation. A button says the act ("Run 2 unknown functions once"). Nothing is escaped here: whoever draws the view treats all
of it as a stranger's text.
"""

from __future__ import annotations

import time
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_modelguard.approval.changes import change_rows, compared
from jupyter_modelguard.approval.choices import allowed_words, scope_choices
from jupyter_modelguard.approval.facts import facts, forbidden_facts, repository, rule_facts
from jupyter_modelguard.approval.listings import MOST_ROWS, code_listings, counted, listing_of, noted
from jupyter_modelguard.approval.phases import file_rows, phases, said_of_phases
from jupyter_modelguard.approval.text import LONG
from jupyter_modelguard.approval.transport import STALE
from jupyter_modelguard.approval.view import CallRow, CardView, Fact
from jupyter_modelguard.policy.trust import ONLY_ONCE
from jupyter_modelguard.types import Artifact, Explanation, Judgement, RiskLevel

if TYPE_CHECKING:
    from jupyter_modelguard.policy.trust import Standing
    from jupyter_modelguard.types import Assessment, Decision, GlobalUse, HistoryRecord, LoadRequest, ScanReport

__all__ = ["INSTEAD", "REASONS", "Receipt", "build_view", "checking_view", "plain_text", "plain_view", "receipt", "surprised"]

_NOTHING_MORE = Explanation()

REASONS = ("I made this file", "I know the publisher", "I read the code", "I accept the risk")

INSTEAD = "instead: "
"""How the reason of a decision begins that names the safer way which was taken."""

_MOST_TEXT = 4_000  # characters of one text
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
    record: HistoryRecord,
    assessment: Assessment,
    explanation: Explanation = _NOTHING_MORE,
    standing: Standing = ONLY_ONCE,
) -> CardView:
    """Choose the words for a load that needs a decision.

    Parameters
    ----------
    record
        The load: its id, call, place and artifact.
    assessment
        What was found and what policy makes of it.
    explanation
        What the engine wrote down, to be read under *Show what it does*. A model's own Python files are taken from the artifact.
    standing
        What trust says of the load: what may be chosen beyond once, and how it differs from what was trusted.
    """
    report = assessment.report
    artifact = record.artifact or Artifact(name=PurePath(report.target).name, source=report.target, format=report.format)
    forbidden = assessment.level is RiskLevel.FORBIDDEN
    stated = forbidden_facts(artifact, assessment) if forbidden else facts(artifact, report)
    remote = artifact.format == "python-code"
    title, consequence = _title(artifact, assessment)
    if standing.changed:
        consequence = ", ".join(filter(None, (f"changed since it was {standing.how}", consequence)))
    called = () if forbidden else tuple(_call_row(use, flagged=True) for use in assessment.unknown)
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
        calls=file_rows(artifact.files, report) if remote and not forbidden else called,
        missed=() if forbidden else report.coverage.missed,
        facts=(*(Fact(label, text) for label, text in standing.notes), *stated),
        safer=assessment.safer,
        reasons=REASONS,
        scopes=scope_choices(artifact, assessment.level, _act(artifact, assessment), standing, assessment.safer),
        confirm=_confirm(assessment),
        every_call=tuple(_call_row(use, flagged=use in assessment.unknown) for use in report.globals),
        listings=(
            *(noted(listing_of(*listing), assessment) for listing in explanation.listings),
            *code_listings(artifact.files, report),
        ),
        opcodes=explanation.steps[:MOST_ROWS],
        tree=explanation.calls,
        phases=phases(report) if remote and not forbidden else (),
        remark=_remark(assessment) or (said_of_phases(report) if remote and not forbidden else ""),
        since=f"New since {standing.since}" if standing.changes else "",
        changes=change_rows(standing),
        differences=compared(artifact, standing),
        rule=rule_facts(assessment.rules) if forbidden else (),
        sought=assessment.sought or bool(assessment.safer),
    )


def checking_view(request: LoadRequest) -> CardView:
    """Describe a load while nothing is known of it but its name: there is nothing to decide yet."""
    return CardView(
        id="checking",
        level=RiskLevel.UNINSPECTED,
        title="Checking before loading",
        consequence="",
        chip="",
        object=PurePath(request.source).name or request.source,
        call=request.call,
        place=str(request.site),
        would="",
        calls=(),
        missed=(),
        facts=(),
        safer=(),
        reasons=(),
        scopes=(),
        confirm=(),
        every_call=(),
        listings=(),
        opcodes=(),
    )


def receipt(view: CardView, decision: Decision) -> Receipt:
    """Say in one line what was decided, for the output of the cell and the saved notebook."""
    name = view.object if len(view.object) <= LONG else f"{view.object[: LONG // 2]}…{view.object[-LONG // 4 :]}"
    clock = time.strftime("%H:%M", time.localtime(decision.at or time.time()))
    if decision.allow:
        done = _done(view)
        text = f'{name} {done} · {allowed_words(decision.scope)} by {decision.by}, "{decision.reason}" · {clock} · #{view.id}'
    elif decision.transport == STALE:
        text = f"{name} changed while the card was open · checking it again · #{view.id}"
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


def plain_text(text: str) -> str:
    """Make of a text what can be sent: half a surrogate pair becomes the backslash form, which every face shows for it anyway."""
    kept = text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}… {len(text) - _MOST_TEXT:,} more characters"
    return kept.encode("utf-8", "backslashreplace").decode("utf-8")


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value.value if isinstance(value, RiskLevel) else value


def _title(artifact: Artifact, assessment: Assessment) -> tuple[str, str]:
    if assessment.level is RiskLevel.FORBIDDEN:
        rule, place = (*assessment.rules, "", "")[:2]
        return f"Blocked by policy: {rule or 'a rule'}{f' ({place})' if place else ''}", ""
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
        return f"Python would import {counted(len(artifact.files), 'file')} and {run} top level"
    if assessment.level is RiskLevel.DANGEROUS:
        return "Reading this file would run a command"
    if assessment.level is RiskLevel.UNINSPECTED:
        coverage = assessment.report.coverage
        missed = _unchecked(assessment.report)
        return f"Not checked, {missed} of {counted(max(coverage.parts, missed), 'part')}"
    if not assessment.level.asks:
        return "Every function that it calls is known, and makes data alone"
    return "Python would call, while reading the file"


def _remark(assessment: Assessment) -> str:
    """Say of a file that was checked in part what is known of the rest: nothing."""
    coverage = assessment.report.coverage
    if assessment.level is not RiskLevel.UNINSPECTED or not coverage.inspected or assessment.unknown:
        return ""
    missed = _unchecked(assessment.report)
    return (
        f"Found nothing that runs code in the {counted(coverage.inspected, 'part')} that {_was(coverage.inspected)} checked. "
        f"The other{f' {missed:,}' if missed > 1 else ''} could do anything."
    )


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def _unchecked(report: ScanReport) -> int:
    return max(report.coverage.parts - report.coverage.inspected, len(report.coverage.missed), 1)


def _act(artifact: Artifact, assessment: Assessment) -> str:
    """Name the running button by what it does."""
    if artifact.format == "python-code":
        return f"Import {counted(len(artifact.files), 'file')} once"
    if assessment.level is RiskLevel.DANGEROUS:
        name, *others = _confirm(assessment)
        return " ".join(["Run", name, *([f"and {counted(len(others), 'other')}"] if others else []), "once"])
    if assessment.level is RiskLevel.UNINSPECTED:
        return f"Load {counted(_unchecked(assessment.report), 'unchecked part')} once"
    if assessment.unknown:
        return f"Run {counted(len(assessment.unknown), 'unknown function')} once"
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
