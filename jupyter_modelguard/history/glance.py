"""The latest lines and questions at a glance, and what is different from an earlier one: how a server learns what happened.

Only the end of the history is looked at, so that a glance costs the same however long it is. What changed further back is not told
one by one, only that something did.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.history.legible import FAULTS, as_text, member, parsed, text_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["Difference", "Glance", "SeenLoad", "SeenQuestion", "difference", "glance"]

_LOADS, _QUESTIONS = 200, 100  # how far back a glance goes


@dataclass(frozen=True, slots=True)
class SeenLoad:
    """A line as a glance sees it."""

    id: str
    session: str
    at: float  # seconds since the epoch
    loader: str
    source: str
    name: str
    notebook: str | None
    level: str | None
    outcome: str
    count: int
    by: str | None
    transport: str | None


@dataclass(frozen=True, slots=True)
class SeenQuestion:
    """A question as a glance sees it."""

    id: str
    session: str
    asked: float  # seconds since the epoch
    waiting: bool
    state: str  # "pending", "held", "allowed", "denied", "abandoned"
    by: str | None
    notebook: str | None
    level: str | None


@dataclass(frozen=True, slots=True)
class Glance:
    """The end of the history, by the numbers of its rows."""

    loads: dict[int, SeenLoad]
    questions: dict[int, SeenQuestion]
    written: int = 0  # lines after the last one of the glance before


@dataclass(frozen=True, slots=True)
class Difference:
    """What happened between two glances.

    Attributes
    ----------
    recorded, deleted
        Lines that are new or changed, and lines that are gone, the oldest first.
    more
        New lines that are too many to be among `recorded`.
    questions
        Those that are new or changed.
    """

    recorded: tuple[SeenLoad, ...]
    deleted: tuple[SeenLoad, ...]
    more: int
    questions: tuple[SeenQuestion, ...]


NOTHING = Glance({}, {})
"""What there is before anything was written."""


def glance(connection: Connection, earlier: Glance = NOTHING) -> Glance:
    """Look at the end of the history."""
    from sqlalchemy import func, select

    from jupyter_modelguard.history.tables import approvals, loads, mine

    name, decided = member(loads.c.artifact, "name", connection), text_of(loads.c.decision, connection)
    plain = ("number", "id", "session", "at", "loader", "source", "notebook", "level", "outcome", "count")
    query = select(*(loads.c[column] for column in plain), name.label("name"), decided.label("decision")).where(
        mine(loads, connection)
    )
    latest = connection.execute(query.order_by(loads.c.number.desc()).limit(_LOADS)).mappings()
    seen = {}
    for row in latest:
        decision = _decision(row["decision"])
        kept = {column: row[column] for column in plain if column != "number"}
        source = as_text(row["source"])
        named = as_text(row["name"] or source.replace("\\", "/").rpartition("/")[2] or source)
        seen[row["number"]] = SeenLoad(**kept, name=named, by=decision.get("by"), transport=decision.get("transport"))
    after = max(earlier.loads, default=0)
    written = select(func.count()).select_from(loads).where(mine(loads, connection), loads.c.number > after)
    asked = (
        select(
            approvals.c.number,
            *(approvals.c[column] for column in ("id", "session", "asked", "waiting", "state")),
            text_of(approvals.c.decision, connection).label("decision"),
            loads.c.notebook,
            loads.c.level,
        )
        .select_from(
            approvals.outerjoin(
                loads,
                (loads.c.id == approvals.c.id) & (loads.c.session == approvals.c.session) & mine(loads, connection),
            )
        )
        .where(mine(approvals, connection))
    )
    questions = {}
    for row in connection.execute(asked.order_by(approvals.c.number.desc()).limit(_QUESTIONS)).mappings():
        kept = {column: row[column] for column in ("id", "session", "asked", "waiting", "state", "notebook", "level")}
        questions[row["number"]] = SeenQuestion(**kept, by=_decision(row["decision"]).get("by"))
    return Glance(seen, questions, connection.execute(written).scalar_one())


def _decision(text: object) -> dict[str, Any]:
    with contextlib.suppress(*FAULTS):
        return {name: as_text(value) for name, value in dict(parsed(text)).items() if name in {"by", "transport"}}
    return {}


def difference(earlier: Glance, now: Glance) -> Difference:
    """Compare two glances."""
    recorded = [number for number, load in sorted(now.loads.items()) if earlier.loads.get(number) != load]
    first_seen = min(earlier.loads, default=0)
    recorded = [number for number in recorded if number >= first_seen]  # a deletion uncovers older ones
    reach = min(now.loads, default=0) if len(now.loads) == _LOADS else 0
    deleted = [load for number, load in sorted(earlier.loads.items()) if number not in now.loads and number >= reach]
    news = sum(number not in earlier.loads for number in recorded)
    questions = [asked for number, asked in sorted(now.questions.items()) if earlier.questions.get(number) != asked]
    told = tuple(now.loads[number] for number in recorded)
    return Difference(told, tuple(deleted), max(0, now.written - news), tuple(questions))
