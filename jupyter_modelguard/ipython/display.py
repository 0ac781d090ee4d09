"""What the magics and the command line show, as sheets: the history, one load, the state of the guard."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from jupyter_modelguard.ipython.sheet import Sheet
from jupyter_modelguard.types import Outcome, Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jupyter_modelguard.policy.trust_entry import TrustEntry
    from jupyter_modelguard.types import HistoryRecord, RiskLevel

__all__ = ["history_table", "record_table", "status_table", "trust_table"]

_WORDS = {
    "data_only": "Nothing found",
    "note": "Nothing found, with a note",
    "runs_code": "Runs code",
    "uninspected": "Not inspected",
    "dangerous": "Dangerous",
    "forbidden": "Forbidden",
}
_OUTCOMES = {
    Outcome.LOADED: "loaded",
    Outcome.ALLOWED: "allowed",
    Outcome.BLOCKED: "kept blocked",
    Outcome.FAILED: "failed",
    Outcome.WAITING: "waiting",
    Outcome.ABANDONED: "not decided",
    Outcome.UNGUARDED: "unguarded load",
}


def history_table(records: Sequence[HistoryRecord], *, filtered: bool = False) -> Sheet:
    """List loads, the latest first as they come; `filtered` says that there may be others."""
    rows = tuple(
        (
            f"#{record.id}",
            time.strftime("%m-%d %H:%M", time.localtime(record.at)),
            _name(record),
            " · ".join(filter(None, (record.request.loader, str(record.request.site), _times(record.count)))),
            _level(record.level),
            _outcome(record),
        )
        for record in records
    )
    none = "No load matches." if filtered else "Nothing was loaded yet. Each load leaves a line here."
    note = "" if rows else none
    return Sheet("Loads", ("id", "when", "what", "loaded by", "found", "outcome"), rows, note, whole=2)


def record_table(record: HistoryRecord) -> Sheet:
    """Show all that is known of one load."""
    rows = [
        ("what", _name(record)),
        ("source", record.request.source),
        ("call", record.request.call),
        ("where", " ".join(filter(None, (str(record.request.site), record.request.site.notebook)))),
        ("when", time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.at))),
        ("found", _level(record.level)),
        ("outcome", _outcome(record)),
        ("took", f"{record.seconds:.3f} s"),
    ]
    if record.artifact is not None:
        rows += [
            ("format", record.artifact.format),
            ("size", f"{record.artifact.size:,} bytes"),
            ("sha256", record.artifact.digest),
        ]
    report = record.report
    if report is not None:
        rows += [("checked", f"{report.coverage.inspected} of {report.coverage.parts} parts")]
        rows += [("not checked", missed) for missed in report.coverage.missed]
        rows += [(f"calls ×{use.count}", f"{use.name} · {use.judgement.value} · {use.reason}") for use in report.globals]
        rows += [(finding.severity.value, f"{finding.title} · {finding.location}".rstrip(" ·")) for finding in report.findings]
    rows += [("error", record.error)]
    shown = tuple(row for row in rows if row[1])
    note = f"To allow it once: %modelguard allow {record.id}" if record.outcome is Outcome.BLOCKED else ""
    return Sheet(f"Load #{record.id}", ("", ""), shown, note, whole=1)


def status_table(facts: Iterable[tuple[str, str]]) -> Sheet:
    """Show the state of the guard in this kernel."""
    return Sheet("modelguard", ("", ""), tuple(facts), whole=1)


def trust_table(entries: Iterable[TrustEntry]) -> Sheet:
    """List what loads without a question because somebody said so, or because it was saved here."""
    from jupyter_modelguard.approval.listings import counted

    rows = tuple(
        (
            f"#{entry.id}",
            _day(entry.at),
            f"{entry.name} at this commit" if entry.scope is Scope.COMMIT else entry.name,
            counted(len(entry.files), "file") if entry.files else counted(len(entry.functions), "function"),
            entry.loader,
            entry.reason if entry.reason == "born here" else f'{entry.by}, "{entry.reason}"',
            entry.source,
        )
        for entry in entries
    )
    note = (
        "To take it back: %modelguard forget ID, or modelguard forget ID"
        if rows
        else "Nothing is trusted for longer than one load."
    )
    return Sheet("Trusted on this machine", ("id", "since", "what", "runs", "loaded by", "who", "from"), rows, note, whole=2)


def _times(count: int) -> str:
    return f"{count:,} times" if count > 1 else ""


def _name(record: HistoryRecord) -> str:
    return record.artifact.name if record.artifact is not None else record.request.source


def _level(level: RiskLevel | None) -> str:
    return "not looked at" if level is None else _WORDS[level.value]


def _outcome(record: HistoryRecord) -> str:
    said = _OUTCOMES[record.outcome]
    decision = record.decision
    if decision is None or record.outcome not in {Outcome.ALLOWED, Outcome.BLOCKED}:
        return said
    if decision.transport == "headless":
        return f"{said}, nobody could be asked"
    reason = f', "{decision.reason}"' if decision.allow and decision.reason else ""
    if decision.transport == "born":
        return f"{said}, born here on {_day(decision.at)}"
    when = f", trusted since {_day(decision.at)}" if decision.transport == "trust" else ""
    return f"{said} by {decision.by}{reason}{when}"


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
