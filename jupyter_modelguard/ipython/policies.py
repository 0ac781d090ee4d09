"""Which rules and lock files there are, what each decided, and what they would decide: `%modelguard policy` and `modelguard policy`."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_modelguard.approval.text import as_plain
from jupyter_modelguard.ipython.sheet import Sheet
from jupyter_modelguard.policy.evaluate import evaluate
from jupyter_modelguard.policy.rules import Action
from jupyter_modelguard.types import Artifact, HistoryRecord, LoadRequest, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_modelguard.policy.lock_file import LockEntry
    from jupyter_modelguard.policy.policy import PolicyFile
    from jupyter_modelguard.policy.rulebook import Rulebook
    from jupyter_modelguard.policy.rules import Rule
    from jupyter_modelguard.types import Assessment

__all__ = ["decided_table", "policy_table", "said_of_policy", "would_decide", "would_decide_scan"]

_DECIDERS = ("policy", "lock")


def policy_table(rulebook: Rulebook) -> Sheet:
    """List every rule and every entry of a lock file, where it stands, and whether it counts."""
    today = dt.datetime.now().astimezone().date()
    files, locks = rulebook.policy.files(), rulebook.locks.files()
    locked = any(file.locked for file in files)
    rows = [_rule_row(file, rule, today, locked=locked) for file in files for rule in file.rules]
    rows += [_entry_row(entry, file.powerless, today) for file in locks for entry in file.entries]
    rows += [(f"{file.path}", "", "", "", file.powerless) for file in locks if file.powerless and not file.entries]
    notes = [f"{file.place.path} is locked: no other file allows anything, and the guard stays." for file in files if file.locked]
    if not rows:
        notes.append("No policy and no lock file counts here: what is not proved is asked about.")
    columns = ("where", "does", "about", "why", "counts")
    return Sheet("Policy", columns, tuple(rows), " ".join(notes))


def decided_table(records: Iterable[HistoryRecord]) -> Sheet:
    """List loads that a rule or a lock file decided, and which."""
    rows = tuple(
        (
            f"#{record.id}",
            time.strftime("%m-%d %H:%M", time.localtime(record.at)),
            record.artifact.name if record.artifact is not None else record.request.source,
            "allowed" if record.decision.allow else "blocked",
            record.decision.reason,
        )
        for record in records
        if record.decision is not None and record.decision.transport in _DECIDERS
    )
    return Sheet(
        "Decided by policy", ("id", "when", "what", "outcome", "by"), rows, "" if rows else "No rule decided a load yet.", 2
    )


def would_decide(rulebook: Rulebook, record: HistoryRecord) -> str:
    """Say in one line what would become of a load, and by which rule of which file; bytes that only a load has are not compared."""
    if record.report is not None:
        record = dataclasses.replace(record, level=evaluate(record.report).level)  # what was found, whatever a rule made of it
    rule = rulebook.policy.rule_on(record, lambda: record.artifact.content if record.artifact is not None else "")
    if rule is not None:
        does = {Action.FORBID: "forbidden", Action.ASK: "asked about each time", Action.ALLOW: "allowed"}[rule.action]
        return as_plain(" · ".join(filter(None, (f"{does} by {rule.title} ({rule.place})", rule.reason))), limit=None)
    if record.level is not None and not record.level.asks:
        return "no rule; it loads without a question, on proof"
    return "no rule; a lock file, trust or a person decides"


def would_decide_scan(rulebook: Rulebook, assessment: Assessment) -> str:
    """Say what would become of a load of a scanned file, as far as a scan tells; see `would_decide`."""
    report = dataclasses.replace(  # where its functions come from only the process that loads it can tell
        assessment.report,
        globals=tuple(dataclasses.replace(use, origin=use.origin or "not looked up") for use in assessment.report.globals),
    )
    path = Path(os.path.abspath(report.target))  # noqa: PTH100 links stay as they were said
    try:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        content = ""
    artifact = Artifact(path.name, str(path), report.format, report.digest, report.size, alone=True, content=content)
    request = LoadRequest("", "", str(path))
    record = HistoryRecord("", time.time(), request, Outcome.WAITING, assessment.level, artifact, report)
    return would_decide(rulebook, record)


def said_of_policy(rulebook: Rulebook | None) -> str:
    """Say in one line how many rules and lock files count."""
    if rulebook is None:
        return "none"
    files = rulebook.policy.files()
    problems = [file.problem for file in files if file.problem]
    if problems:
        return problems[0]
    rules = sum(len(file.rules) for file in files)
    locks = [file for file in rulebook.locks.files() if not file.powerless]
    said = [_count(rules, "rule"), *([_count(len(locks), "lock file")] if locks else [])]
    return f"{' and '.join(said)}, see %modelguard policy" if rules or locks else "none"


def _rule_row(file: PolicyFile, rule: Rule, today: dt.date, *, locked: bool) -> tuple[str, ...]:
    counts = "yes"
    if file.problem:
        counts = file.problem
    elif not rule.counts_on(today):
        counts = f"expired on {rule.expires}"
    elif rule.action is Action.ALLOW and file.powerless:
        counts = file.powerless
    elif rule.action is Action.ALLOW and locked and not file.locked:
        counts = "no, the policy of this machine is locked"
    elif rule.expires is not None:
        counts = f"until {rule.expires}"
    return rule.place, rule.action.value, rule.title, rule.reason, counts


def _entry_row(entry: LockEntry, powerless: str, today: dt.date) -> tuple[str, ...]:
    counts = powerless or (f"until {entry.until}" if entry.until else "yes")
    if not powerless and not entry.counts_on(today):
        counts = f"expired on {entry.until}"
    return (
        entry.place,
        "lets pass",
        f"{entry.granted.name} through {entry.granted.loader}",
        f"{entry.granted.by}: {entry.granted.reason}",
        counts,
    )


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"
