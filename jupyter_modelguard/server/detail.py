"""All that is known of one load, as the sidebar's detail shows it: facts, code to read, and what became of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.approval.view import CardView, CodeListing, Fact
from jupyter_modelguard.history.codec import from_plain
from jupyter_modelguard.history.legible import FAULTS
from jupyter_modelguard.server.wire import TrailStep
from jupyter_modelguard.types import Outcome, RiskLevel, Scope

if TYPE_CHECKING:
    from jupyter_modelguard.history.known_load import KnownLoad
    from jupyter_modelguard.types import Decision, HistoryRecord

__all__ = ["facts_of", "listings_of", "trail_of", "view_of"]

_WAYS: Final = {
    "card": "in the card",
    "sidebar": "in the sidebar",
    "prompt": "at a prompt",
    "database": "in a terminal",
    "headless": "nobody could be asked",
    "policy": "by a policy",
    "trust": "by an earlier decision",
    "born": "it was saved here",
    "lock": "by an accepted lock file",
    "stale": "the file changed while the card was open",
    "none": "no answer could be given",
}
_SCOPES: Final = {Scope.ONCE: "Allowed once", Scope.DIGEST: "Allowed and remembered", Scope.COMMIT: "Allowed for this commit"}
_SELF = "modelguard"
_NO_WORDS = "kept blocked"  # what stands for the reason of a person who gave none
_SHOWN = 8  # digits at each end of a digest
_LEAST = 0.1  # seconds that are worth a word


def view_of(plain: object) -> CardView | None:
    """Rebuild what a person was shown; None where a row holds something else."""
    try:
        return from_plain(CardView, plain)
    except FAULTS:
        return None


def facts_of(load: KnownLoad, view: CardView | None) -> tuple[Fact, ...]:
    """Say what was loaded, from where, and what was checked."""
    record = load.record
    site, artifact, report = record.request.site, record.artifact, record.report
    said = {"Call": record.request.call}
    said["Cell"] = " · ".join(filter(None, (site.notebook, _cell(record))))
    said["From"] = record.request.source
    if artifact is not None:
        digest = artifact.content or artifact.digest
        short = f"{digest[:_SHOWN]}…{digest[-_SHOWN:]}" if digest else ""
        said["File"] = ", ".join(filter(None, (f"sha256 {short}" if short else "", _size(artifact.size))))
    if report is not None:
        missed = max(report.coverage.parts - report.coverage.inspected, len(report.coverage.missed))
        took = f" · {report.seconds:.1f} s" if report.seconds >= _LEAST else ""
        checked = f"{report.coverage.inspected:,} of {report.coverage.parts:,} parts · not checked: {missed or 'nothing'}"
        said["Checked"] = checked + took
        for number, missing in enumerate(report.coverage.missed, 1):
            said[f"Not checked {number}"] = missing
    for fact in view.facts if view is not None else ():
        said[fact.label] = fact.text
    said["Times"] = f"{record.count:,}" if record.count > 1 else ""
    said["Error"] = record.error
    return tuple(Fact(label, text) for label, text in said.items() if text)


def listings_of(view: CardView | None) -> tuple[CodeListing, ...]:
    """Give the code that a person could read before deciding."""
    return (*view.listings, *view.differences) if view is not None else ()


def trail_of(load: KnownLoad) -> tuple[TrailStep, ...]:
    """Tell what became of a load, the earliest first."""
    record, question = load.record, load.question
    decision = record.decision or (question.decision if question is not None else None)
    steps = []
    if question is not None:
        number = len(record.report.findings) if record.report is not None else 0
        found = f", {number:,} finding{'s' * (number != 1)}" if number else ""
        steps.append(TrailStep(f"Stopped{found}", question.asked, _SELF, ""))
    if decision is not None:
        steps.append(TrailStep(_decided(decision), decision.at or record.at, decision.by, _how(decision)))
    if record.outcome is Outcome.LOADED and record.level is RiskLevel.UNINSPECTED:
        steps.append(TrailStep("Loaded; what was found is not known", record.at, _SELF, record.error))
    elif record.outcome is Outcome.LOADED:
        steps.append(TrailStep("Loaded, found nothing that runs code", record.at, _SELF, ""))
    elif record.outcome is Outcome.UNGUARDED:
        steps.append(TrailStep("Seen, not held: a library resolved these for itself", record.at, _SELF, ""))
    elif record.outcome is Outcome.FAILED:
        steps.append(TrailStep("The load failed", _ended(record, decision), record.request.loader, record.error))
    elif record.outcome is Outcome.ABANDONED:
        steps.append(TrailStep("Not decided: the kernel went away", record.at, _SELF, "nothing was loaded"))
    return tuple(steps)


def _decided(decision: Decision) -> str:
    return _SCOPES[decision.scope] if decision.allow else "Kept blocked"


def _how(decision: Decision) -> str:
    way = _WAYS.get(decision.transport, decision.transport)
    said = decision.reason if decision.allow or decision.reason != _NO_WORDS else ""
    return ", ".join(filter(None, (way, f'"{said}"' if said else "")))


def _ended(record: HistoryRecord, decision: Decision | None) -> float:
    return min(max(record.at, decision.at if decision is not None else 0.0) + record.seconds, time.time())


def _cell(record: HistoryRecord) -> str:
    site = record.request.site
    cell = f"In [{site.execution_count}]" if site.execution_count is not None else ""
    return " ".join(filter(None, (cell, f"line {site.line}" if site.line is not None else "")))


def _size(size: int) -> str:
    number = float(size)
    for unit in ("bytes", "KB", "MB"):
        if number < 1024:  # noqa: PLR2004 as file managers count
            return f"{number:,.0f} {unit}" if unit == "bytes" or number >= 10 else f"{number:.1f} {unit}"  # noqa: PLR2004
        number /= 1024
    return f"{number:,.1f} GB"
