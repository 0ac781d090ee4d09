"""Lines of the history found again: the latest, and those whose id begins with what somebody typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_modelguard.history.rows import record_of_row

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from jupyter_modelguard.types import HistoryRecord, Outcome

__all__ = ["beginning_with", "latest"]

_TOO_MANY = 50  # lines of one beginning, of which one is meant


def beginning_with(connection: Connection, digits: str) -> list[HistoryRecord]:
    """Lines whose id begins with these digits, the first ones written first."""
    from jupyter_modelguard.history.tables import loads, mine

    these = (mine(loads, connection), loads.c.id >= digits, loads.c.id < f"{digits}g")
    rows = connection.execute(loads.select().where(*these).order_by(loads.c.number).limit(_TOO_MANY))
    return [record_of_row(dict(row)) for row in rows.mappings()]


def latest(
    connection: Connection, limit: int, notebook: str | None, outcome: Outcome | None, since: float
) -> tuple[HistoryRecord, ...]:
    """At most so many lines of a notebook, of an outcome, from a time on; the latest first."""
    from jupyter_modelguard.history.tables import loads, mine

    query = loads.select().where(mine(loads, connection)).order_by(loads.c.at.desc(), loads.c.number.desc()).limit(limit)
    if notebook is not None:
        query = query.where(loads.c.notebook == notebook)
    if outcome is not None:
        query = query.where(loads.c.outcome == outcome.value)
    if since:
        query = query.where(loads.c.at >= since)
    return tuple(record_of_row(dict(row)) for row in connection.execute(query).mappings())
