"""Loads that wait for a person, kept where another process can answer them.

The row is written before the wait begins, so it survives the kernel. It is bound to the kernel's session and process: when
either is gone nobody listens any more, and the row is marked abandoned. The first decision wins, whoever makes it; the one that lets a
load go on must bear a seal, see `sealed`.

States are "pending", "allowed", "denied", "abandoned", and "held" where only the prompt of the waiting kernel itself can answer.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.errors import HistoryError
from jupyter_modelguard.history.legible import CANNOT_BE_READ, FAULTS, as_number, as_text, parsed, text_of
from jupyter_modelguard.history.process import host_name, process_mark
from jupyter_modelguard.history.rows import decision_of as read_decision
from jupyter_modelguard.history.rows import plain_decision
from jupyter_modelguard.history.shown import digest_of_card
from jupyter_modelguard.types import HistoryRecord, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import ColumnElement, Connection, RowMapping

    from jupyter_modelguard.types import Decision

__all__ = [
    "PendingApproval",
    "abandon",
    "abandon_dead",
    "claimable",
    "decide",
    "decision_of",
    "fingerprint",
    "insert",
    "only_here",
    "pending",
    "reopen",
    "single",
    "stop_waiting",
    "use",
]


_LOG = logging.getLogger(__name__)
_OPEN = ("pending", "held")
_TOLD: set[tuple[str, str]] = set()  # questions that cannot be read, and were logged


@dataclass(frozen=True, slots=True)
class PendingApproval:
    """A load that somebody may decide about."""

    id: str
    session: str
    asked: float  # seconds since the epoch
    waiting: bool  # False: the cell has already failed, a decision counts for its next run
    view: dict[str, Any]  # the card as plain values
    fingerprint: str = ""
    notebook: str | None = None
    cell_id: str | None = None
    execution_count: int | None = None
    line: int | None = None
    source: str = ""
    level: str | None = None

    @property
    def seen(self) -> str:
        """What an answer to this very card brings back, see `shown`."""
        return digest_of_card(self.view)


def fingerprint(record: HistoryRecord) -> str:
    """Name what an approval of a load is good for: these code-bearing bytes, through this loader, with exactly these globals and files.

    Empty when the artifact could not be read; such an approval is good for nothing but the waiting call.
    """
    if record.artifact is None or not record.artifact.digest:
        return ""
    names = sorted(f"{use.name} {use.origin}" for use in record.report.globals) if record.report else []
    files = sorted(f"{file.path} {file.digest}" for file in record.artifact.files)
    content = "\0".join([record.request.loader, record.artifact.format, record.artifact.digest, *names, "", *files])
    return hashlib.sha256(content.encode("utf-8", "backslashreplace")).hexdigest()


def insert(connection: Connection, record: HistoryRecord, session: str, pid: int, view: dict[str, Any], *, waiting: bool) -> None:  # noqa: PLR0913 keywords at the one call
    """Write the row that a person can answer."""
    from jupyter_modelguard.history.tables import approvals, owner_of

    connection.execute(
        approvals.insert().values(
            owner=owner_of(connection),
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
    from sqlalchemy import and_, select

    from jupyter_modelguard.history.tables import approvals, loads, mine

    columns = approvals.c
    same = and_(loads.c.owner == columns.owner, loads.c.session == columns.session, loads.c.id == columns.id)
    view = text_of(columns.view, connection).label("view")
    asked = (columns.id, columns.session, columns.asked, columns.waiting, view, columns.fingerprint)
    line = (loads.c.notebook, loads.c.cell_id, loads.c.execution_count, loads.c.line, loads.c.source, loads.c.level)
    query = select(*asked, *line).select_from(approvals.outerjoin(loads, same))
    rows = connection.execute(query.where(mine(approvals, connection), columns.state == "pending").order_by(columns.asked))
    return tuple(one for row in rows.mappings() if (one := _legible(row)) is not None)


def single(rows: Iterable[PendingApproval], digits: str) -> PendingApproval | None:
    """Find the one whose id begins with these digits; raises HistoryError when several do."""
    matches = [row for row in rows if row.id.startswith(digits)]
    if len(matches) > 1:
        raise HistoryError(f"{len(matches)} loads wait whose id begins with #{digits}; give more digits.")
    return matches[0] if matches else None


def decide(  # noqa: PLR0913 keywords at the calls
    connection: Connection, identity: str, session: str, decision: Decision, *, seal: str = "", used: bool = False
) -> bool:
    """Decide an undecided load; False when somebody was first.

    `used` says that the decision comes from the kernel that waits and takes effect there.
    """
    from jupyter_modelguard.history.tables import approvals

    changed = connection.execute(
        approvals.update()
        .where(*_this(connection, identity, session), approvals.c.state.in_(_OPEN if used else _OPEN[:1]))
        .values(
            state="allowed" if decision.allow else "denied",
            decision=plain_decision(decision),
            seal=seal,
            used=used,
        )
    )
    return changed.rowcount > 0


def decision_of(connection: Connection, identity: str, session: str) -> tuple[Decision, str] | None:
    """Find the decision that was made about a load, with its seal; None while nobody has. Raises ValueError where it is none."""
    from sqlalchemy import select

    from jupyter_modelguard.history.tables import approvals

    columns = approvals.c
    query = select(text_of(columns.decision, connection).label("decision"), columns.seal)
    row = connection.execute(query.where(*_this(connection, identity, session))).first()
    if row is None or row.decision is None:
        return None
    try:
        return read_decision(row.decision), as_text(row.seal)
    except FAULTS as error:
        raise ValueError(f"the decision {CANNOT_BE_READ}") from error


def reopen(connection: Connection, identity: str, session: str) -> None:
    """Take back what somebody wrote as a decision that is none."""
    from sqlalchemy import null

    from jupyter_modelguard.history.tables import approvals

    afresh = approvals.update().where(*_this(connection, identity, session))
    connection.execute(afresh.values(state="pending", decision=null(), seal="", used=False))


def only_here(connection: Connection, identity: str, session: str) -> None:
    """Take an undecided load back from everybody but the kernel that waits."""
    from jupyter_modelguard.history.tables import approvals

    undecided = (*_this(connection, identity, session), approvals.c.state == "pending")
    connection.execute(approvals.update().where(*undecided).values(state="held"))


def stop_waiting(connection: Connection, identity: str, session: str) -> None:
    """Mark a load as failed but still open to a decision, from elsewhere too."""
    from jupyter_modelguard.history.tables import approvals

    this = _this(connection, identity, session)
    connection.execute(approvals.update().where(*this).values(waiting=False))
    connection.execute(approvals.update().where(*this, approvals.c.state == "held").values(state="pending"))


def claimable(connection: Connection, mark: str, session: str) -> tuple[tuple[str, Decision, str], ...]:
    """Approvals of an artifact with this fingerprint that came after its load had failed, as id, decision and seal."""
    from sqlalchemy import select

    from jupyter_modelguard.history.tables import approvals, mine

    columns = approvals.c
    found = connection.execute(
        select(columns.id, text_of(columns.decision, connection).label("decision"), columns.seal).where(
            mine(approvals, connection),
            columns.session == session,
            columns.fingerprint == mark,
            columns.state == "allowed",
            columns.waiting.is_(False),
            columns.used.is_(False),
        )
    )
    given = []
    for row in found:
        with contextlib.suppress(*FAULTS):
            given.append((row.id, read_decision(row.decision), as_text(row.seal)))
    return tuple(given)


def use(connection: Connection, identity: str, session: str) -> None:
    """Note that an approval has been used up."""
    from jupyter_modelguard.history.tables import approvals

    connection.execute(approvals.update().where(*_this(connection, identity, session)).values(used=True))


def abandon(connection: Connection, session: str) -> int:
    """Mark the undecided loads of a session; say how many there were."""
    from sqlalchemy import and_

    from jupyter_modelguard.history.lines import set_outcome
    from jupyter_modelguard.history.tables import approvals, loads, mine

    undecided = (mine(approvals, connection), approvals.c.session == session, approvals.c.state.in_(_OPEN))
    changed = connection.execute(approvals.update().where(*undecided).values(state="abandoned"))
    waiting = and_(loads.c.session == session, loads.c.outcome == Outcome.WAITING.value)
    set_outcome(connection, waiting, Outcome.ABANDONED.value)
    return changed.rowcount


def abandon_dead(connection: Connection) -> int:
    """Mark the undecided loads of processes of this machine that are gone; say how many there were."""
    from sqlalchemy import select

    from jupyter_modelguard.history.tables import approvals, mine

    columns = approvals.c
    which = (mine(approvals, connection), columns.state.in_(_OPEN), columns.host == host_name())
    waiting = select(columns.session, columns.pid, columns.process).where(*which)
    total = 0
    for session, pid, process in connection.execute(waiting.distinct()).all():
        mark = process_mark(pid)
        if mark is not None and mark != process:
            total += abandon(connection, session)
    return total


def _this(connection: Connection, identity: str, session: str) -> tuple[ColumnElement[bool], ...]:
    from jupyter_modelguard.history.tables import approvals, mine

    return (mine(approvals, connection), approvals.c.session == session, approvals.c.id == identity)


def _legible(row: RowMapping) -> PendingApproval | None:
    """Read a question; None where somebody wrote something there that is none, which is logged once."""
    try:
        view = parsed(row["view"])
        if not isinstance(view, dict):
            raise TypeError
        digest_of_card(view)  # it may be nested deeper than can be written
        texts: dict[str, Any] = {name: as_text(row[name]) for name in ("id", "session", "fingerprint")}
        asked = as_number(row["asked"])
    except FAULTS:
        which = as_text(row["session"]), as_text(row["id"])
        if which not in _TOLD:
            _TOLD.add(which)
            _LOG.warning(
                "The question about load #%s %s in the history; it can be answered where it was asked.", row["id"], CANNOT_BE_READ
            )
        return None
    line: dict[str, Any] = {name: row[name] for name in ("notebook", "cell_id", "execution_count", "line", "level")}
    return PendingApproval(
        **texts, asked=asked, waiting=bool(row["waiting"]), view=view, source=as_text(row["source"] or ""), **line
    )
