"""One load with all that the history holds of it: its line, and the question that a person was asked about it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.history.legible import FAULTS, as_text, parsed, texts_of
from jupyter_modelguard.history.rows import decision_of, record_of_row

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from jupyter_modelguard.types import Decision, HistoryRecord

__all__ = ["KnownLoad", "Question", "known_load"]


@dataclass(frozen=True, slots=True)
class Question:
    """What a person was asked about a load."""

    asked: float  # seconds since the epoch
    waiting: bool  # False: the cell has failed, a decision counts for its next run
    state: str  # "pending", "held", "allowed", "denied", "abandoned"
    view: dict[str, Any]  # the card as plain values; empty where it cannot be read
    decision: Decision | None


@dataclass(frozen=True, slots=True)
class KnownLoad:
    """One load."""

    record: HistoryRecord
    question: Question | None  # None: nobody was asked, or the row is gone


def known_load(connection: Connection, session: str, identity: str) -> KnownLoad | None:
    """Find a load by its session and id; None when there is no such line."""
    from sqlalchemy import select

    from jupyter_modelguard.history.tables import approvals, loads, mine

    which = (mine(loads, connection), loads.c.session == session, loads.c.id == identity)
    row = connection.execute(select(*texts_of(loads.c, connection)).where(*which)).mappings().first()
    if row is None:
        return None
    asked = (mine(approvals, connection), approvals.c.session == session, approvals.c.id == identity)
    put_up = connection.execute(select(*texts_of(approvals.c, connection)).where(*asked)).mappings().first()
    question = None
    if put_up is not None:
        decision, view = None, {}
        with contextlib.suppress(*FAULTS):
            view = dict(parsed(put_up["view"]))
        with contextlib.suppress(*FAULTS):
            decision = decision_of(put_up["decision"])
        question = Question(put_up["asked"], bool(put_up["waiting"]), as_text(put_up["state"]), view, decision)
    return KnownLoad(record_of_row(dict(row)), question)
