"""What the history says of a time as a whole: how many loads, how often a person was asked, about what, and how long they took to decide.

The database counts; only loads that somebody was asked about are read one by one.
"""

from __future__ import annotations

import contextlib
import statistics
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.history.legible import FAULTS, as_number, member, parsed, text_of
from jupyter_modelguard.types import Judgement, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

__all__ = ["Asked", "Statistics", "statistics_since"]

_PERSONS = ("card", "database", "prompt", "sidebar")  # transports by which a person answers
_OPEN = frozenset({Judgement.UNKNOWN.value, Judgement.INSPECT.value, Judgement.DANGEROUS.value})
_UNKNOWN_GLOBAL = "pickle-unknown-global"
_PER = 50  # loads that cards are counted for


@dataclass(frozen=True, slots=True)
class Asked:
    """How often a person was asked about something, and how often they allowed it."""

    what: str  # a rule's id, or a function
    asked: int
    allowed: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """Loads of some time.

    Attributes
    ----------
    since
        Seconds since the epoch; 0 for all that is known.
    loads
        All of them, the silent ones too.
    born, trusted
        Loads that passed because this user's own kernel had saved the file, or because it was trusted.
    cards
        Loads that a person was asked about, on whatever way.
    allowed, denied
        What they said; the rest was given up.
    refused
        Loads that were kept blocked because nobody could be asked.
    seconds_to_decide
        Median over what was decided; None if nothing was.
    rules, functions
        What was asked about, the most frequent first.
    """

    since: float = 0.0
    loads: int = 0
    born: int = 0
    trusted: int = 0
    cards: int = 0
    allowed: int = 0
    denied: int = 0
    refused: int = 0
    seconds_to_decide: float | None = None
    rules: tuple[Asked, ...] = ()
    functions: tuple[Asked, ...] = ()

    @property
    def cards_per_fifty(self) -> float:
        """Cards in fifty loads."""
        return _PER * self.cards / self.loads if self.loads else 0.0


def statistics_since(connection: Connection, since: float) -> Statistics:
    """Count what was loaded since a time, in seconds since the epoch."""
    from sqlalchemy import func, select

    from jupyter_modelguard.history.tables import approvals, loads, mine

    own, of_mine = mine(loads, connection), mine(approvals, connection)
    ended = loads.c.outcome.not_in([Outcome.UNGUARDED.value, Outcome.WAITING.value])
    transport = member(loads.c.decision, "transport", connection)
    counted = select(transport, func.sum(loads.c.count)).where(own, loads.c.at >= since, ended).group_by(transport)
    by_transport: dict[str | None, int] = {row[0]: int(row[1]) for row in connection.execute(counted)}
    put_up = select(approvals.c.state, func.count()).where(of_mine, approvals.c.asked >= since).group_by(approvals.c.state)
    by_state: dict[str, int] = {row[0]: row[1] for row in connection.execute(put_up)}
    decided = (of_mine, approvals.c.asked >= since, approvals.c.state.in_(["allowed", "denied"]))
    waits = select(text_of(approvals.c.decision, connection), approvals.c.asked).where(*decided)
    seconds = []
    for decision, asked in connection.execute(waits):
        with contextlib.suppress(*FAULTS):
            seconds.append(as_number(parsed(decision)["at"]) - asked)
    seconds = [wait for wait in seconds if wait >= 0]
    answered = select(loads.c.outcome, text_of(loads.c.report, connection)).where(
        own, loads.c.at >= since, transport.in_(_PERSONS)
    )
    rules, functions = _asked_about((row[0], row[1]) for row in connection.execute(answered))
    return Statistics(
        since,
        sum(by_transport.values()),
        by_transport.get("born", 0),
        by_transport.get("trust", 0),
        sum(by_state.values()),
        by_state.get("allowed", 0),
        by_state.get("denied", 0),
        by_transport.get("headless", 0),
        statistics.median(seconds) if seconds else None,
        rules,
        functions,
    )


def _asked_about(rows: Iterable[tuple[str, Any]]) -> tuple[tuple[Asked, ...], tuple[Asked, ...]]:
    rules: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    functions: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    for outcome, report in rows:
        with contextlib.suppress(*FAULTS):
            _count(outcome, parsed(report), rules, functions)
    return _most_frequent(*rules), _most_frequent(*functions)


def _count(
    outcome: str, report: Any, rules: tuple[Counter[str], Counter[str]], functions: tuple[Counter[str], Counter[str]]
) -> None:
    names = {".".join(use["name"]) for use in report.get("globals", ()) if use.get("judgement") in _OPEN}
    ids = {finding["rule"] for finding in report.get("findings", ()) if finding.get("severity") != "info"}
    if names and not any("global" in rule for rule in ids):
        ids.add(_UNKNOWN_GLOBAL)
    allowed = outcome not in {Outcome.BLOCKED.value, Outcome.ABANDONED.value}
    for (asked, passed), found in ((rules, ids), (functions, names)):
        asked.update(found)
        if allowed:
            passed.update(found)


def _most_frequent(asked: Counter[str], allowed: Counter[str]) -> tuple[Asked, ...]:
    return tuple(Asked(what, number, allowed[what]) for what, number in sorted(asked.items(), key=lambda one: (-one[1], one[0])))
