"""One load with all that the history holds of it: its line, and the question that a person was asked about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.history.codec import from_plain
from jupyter_modelguard.history.rows import record_of_row
from jupyter_modelguard.types import Decision, HistoryRecord

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["KnownLoad", "Question", "known_load"]


@dataclass(frozen=True, slots=True)
class Question:
    """What a person was asked about a load."""

    asked: float  # seconds since the epoch
    waiting: bool  # False: the cell has failed, a decision counts for its next run
    state: str  # "pending", "held", "allowed", "denied", "abandoned"
    view: dict[str, Any]  # the card as plain values
    decision: Decision | None


@dataclass(frozen=True, slots=True)
class KnownLoad:
    """One load."""

    record: HistoryRecord
    question: Question | None  # None: nobody was asked, or the row is gone


def known_load(connection: Connection, session: str, identity: str) -> KnownLoad | None:
    """Find a load by its session and id; None when there is no such line."""
    from jupyter_modelguard.history.tables import approvals, loads, mine

    which = (mine(loads, connection), loads.c.session == session, loads.c.id == identity)
    row = connection.execute(loads.select().where(*which)).mappings().first()
    if row is None:
        return None
    asked = (mine(approvals, connection), approvals.c.session == session, approvals.c.id == identity)
    put_up = connection.execute(approvals.select().where(*asked)).mappings().first()
    question = None
    if put_up is not None:
        decision = from_plain(Decision, put_up["decision"]) if put_up["decision"] else None
        question = Question(put_up["asked"], put_up["waiting"], put_up["state"], put_up["view"], decision)
    return KnownLoad(record_of_row(dict(row)), question)
