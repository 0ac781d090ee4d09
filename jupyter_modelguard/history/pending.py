"""Loads that wait for a person, kept where another process can answer them.

The row is written before the wait begins, so it survives the kernel. It is bound to the kernel's session and process: when
either is gone nobody listens any more, and the row is marked abandoned. The first decision wins, whoever makes it.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.history.codec import from_plain, to_plain
from jupyter_modelguard.history.process import host_name, process_mark
from jupyter_modelguard.types import Decision, HistoryRecord, Outcome

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = [
    "PendingApproval",
    "abandon",
    "abandon_dead",
    "claim",
    "decide",
    "decision_of",
    "fingerprint",
    "insert",
    "pending",
    "stop_waiting",
]


@dataclass(frozen=True, slots=True)
class PendingApproval:
    """A load that somebody may decide about."""

    id: str
    session: str
    asked: float  # seconds since the epoch
    waiting: bool  # False: the cell has already failed, a decision counts for its next run
    view: dict[str, Any]  # the card as plain values


def fingerprint(record: HistoryRecord) -> str:
    """Name what an approval of a load is good for: these bytes, through this loader, with exactly these globals and files.

    Empty when the artifact could not be read; such an approval is good for nothing but the waiting call.
    """
    if record.artifact is None or not record.artifact.digest:
        return ""
    names = sorted(f"{use.name} {use.origin}" for use in record.report.globals) if record.report else []
    files = sorted(f"{file.path} {file.digest}" for file in record.artifact.files)
    mark = [record.request.loader, record.artifact.format, record.artifact.digest, record.artifact.content]
    content = "\0".join([*mark, *names, "", *files])
    return hashlib.sha256(content.encode("utf-8", "backslashreplace")).hexdigest()


def insert(connection: Connection, record: HistoryRecord, session: str, pid: int, view: dict[str, Any], *, waiting: bool) -> None:  # noqa: PLR0913 keywords at the one call
    """Write the row that a person can answer."""
    from jupyter_modelguard.history.tables import approvals

    connection.execute(
        approvals.insert().values(
            id=record.id,
            session=session,
            host=host_name(),
            pid=pid,
            process=process_mark(pid) or "",  # an empty one matches nothing and is never swept where marks are unknown
            asked=time.time(),
            waiting=waiting,
            fingerprint=fingerprint(record),
            view=view,
            state="pending",
            used=False,
        )
    )


def pending(connection: Connection) -> tuple[PendingApproval, ...]:
    """Undecided loads, oldest first."""
    from jupyter_modelguard.history.tables import approvals

    columns = approvals.c
    rows = connection.execute(approvals.select().where(columns.state == "pending").order_by(columns.asked)).mappings()
    return tuple(PendingApproval(row["id"], row["session"], row["asked"], row["waiting"], row["view"]) for row in rows)


def decide(connection: Connection, identity: str, decision: Decision, session: str | None = None) -> bool:
    """Decide an undecided load; False when somebody was first.

    With a session, the decision comes from the kernel that waits and takes effect there: the row is used up.
    """
    from jupyter_modelguard.history.tables import approvals

    columns = approvals.c
    which = [columns.id == identity, columns.state == "pending"]
    if session is not None:
        which.append(columns.session == session)
    changed = connection.execute(
        approvals.update()
        .where(*which)
        .values(state="allowed" if decision.allow else "denied", decision=to_plain(decision), used=session is not None)
    )
    return changed.rowcount > 0


def decision_of(connection: Connection, identity: str, session: str) -> Decision | None:
    """Find the decision that was made about a load; None while nobody has."""
    from sqlalchemy import select

    from jupyter_modelguard.history.tables import approvals

    columns = approvals.c
    plain = connection.execute(select(columns.decision).where(columns.id == identity, columns.session == session)).scalar()
    return from_plain(Decision, plain) if plain else None


def stop_waiting(connection: Connection, identity: str, session: str) -> None:
    """Mark a load as failed but still open to a decision."""
    from jupyter_modelguard.history.tables import approvals

    columns = approvals.c
    connection.execute(approvals.update().where(columns.id == identity, columns.session == session).values(waiting=False))


def claim(connection: Connection, record: HistoryRecord, session: str) -> Decision | None:
    """Use up an approval of exactly this artifact that came after its load had failed; None when there is none."""
    from sqlalchemy import select

    from jupyter_modelguard.history.tables import approvals

    mark, columns = fingerprint(record), approvals.c
    if not mark:
        return None
    row = connection.execute(
        select(columns.number, columns.decision).where(
            columns.session == session,
            columns.fingerprint == mark,
            columns.state == "allowed",
            columns.waiting.is_(False),
            columns.used.is_(False),
        )
    ).first()
    if row is None:
        return None
    connection.execute(approvals.update().where(columns.number == row.number).values(used=True))
    return from_plain(Decision, row.decision)


def abandon(connection: Connection, session: str) -> int:
    """Mark the undecided loads of a session; say how many there were."""
    from jupyter_modelguard.history.tables import approvals, loads

    columns = approvals.c
    undecided = (columns.session == session, columns.state == "pending")
    changed = connection.execute(approvals.update().where(*undecided).values(state="abandoned"))
    connection.execute(
        loads.update()
        .where(loads.c.session == session, loads.c.outcome == Outcome.WAITING.value)
        .values(outcome=Outcome.ABANDONED.value)
    )
    return changed.rowcount


def abandon_dead(connection: Connection) -> int:
    """Mark the undecided loads of processes of this machine that are gone; say how many there were."""
    from sqlalchemy import select

    from jupyter_modelguard.history.tables import approvals

    columns = approvals.c
    waiting = select(columns.session, columns.pid, columns.process).where(columns.state == "pending", columns.host == host_name())
    total = 0
    for session, pid, process in connection.execute(waiting.distinct()).all():
        mark = process_mark(pid)
        if mark is not None and mark != process:
            total += abandon(connection, session)
    return total
