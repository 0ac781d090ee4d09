"""Lines of the history that are old enough to go, and go for good: what is deleted stays neither in the file nor in its log.

A link says how many lines went, and names those whose own link stays; links none of whose lines is left go too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_modelguard.types import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection

    from jupyter_modelguard.history.database import Database

__all__ = ["delete_before", "delete_lines"]

_PENDING = "pending"
_SILENCE = 60.0  # seconds; a year of lines goes at once
_AT_ONCE = 300  # ids in a statement


def delete_before(database: Database, before: float) -> int:
    """Delete loads, and questions that were answered, from before a time; what still waits stays.

    Parameters
    ----------
    database
        Where they are.
    before
        Seconds since the epoch.

    Returns
    -------
    int
        How many lines of loads went.

    Raises
    ------
    HistoryError
        The history cannot be used now; nothing was deleted.
    """
    from jupyter_modelguard.history.tables import approvals, loads, mine

    with database.writing(_SILENCE) as connection:
        gone = _delete(connection, loads.c.at < before)
        answered = (mine(approvals, connection), approvals.c.asked < before, approvals.c.state != _PENDING)
        connection.execute(approvals.delete().where(*answered))
    if gone:
        database.backend.wipe()
    return gone


def delete_lines(database: Database, ids: Sequence[tuple[str, str]]) -> int:
    """Delete single loads with the questions about them; what still waits stays.

    Parameters
    ----------
    database
        Where they are.
    ids
        Session and id of each.

    Returns
    -------
    int
        How many lines of loads went.

    Raises
    ------
    HistoryError
        The history cannot be used now; nothing was deleted.
    """
    from sqlalchemy import tuple_

    from jupyter_modelguard.history.tables import approvals, loads, mine

    with database.writing(_SILENCE) as connection:
        parts = [ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE)]
        gone = _delete(connection, *(tuple_(loads.c.session, loads.c.id).in_(part) for part in parts))
        for part in parts:
            these = (mine(approvals, connection), tuple_(approvals.c.session, approvals.c.id).in_(part))
            connection.execute(approvals.delete().where(*these, approvals.c.state != _PENDING))
    if gone:
        database.backend.wipe()
    return gone


def _delete(connection: Connection, *conditions: ColumnElement[bool]) -> int:
    from sqlalchemy import exists, select

    from jupyter_modelguard.history.links import append, cut
    from jupyter_modelguard.history.tables import approvals, loads, mine

    asked = (approvals.c.session == loads.c.session, approvals.c.id == loads.c.id, approvals.c.state == _PENDING)
    # a question whose cell has failed can still be answered; without its line nobody would find it again to delete it
    undecided = exists(select(approvals.c.number).where(mine(approvals, connection), *asked))
    number, sessions = 0, dict[str, list[str]]()
    for condition in conditions:
        which = (mine(loads, connection), loads.c.outcome != Outcome.WAITING.value, ~undecided, condition)
        for session, identity in connection.execute(select(loads.c.session, loads.c.id).where(*which)):
            sessions.setdefault(session, []).append(identity)
            number += 1
        connection.execute(loads.delete().where(*which))
    if number:
        entries: dict[str, Any] = {"number": number}
        last = cut(connection)
        if last is not None:
            entries["cut"] = last
        append(connection, "", {"deleted": sessions, **entries})
    return number
