"""Lines of the history found again by what somebody typed of their id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_modelguard.history.legible import texts_of
from jupyter_modelguard.history.rows import record_of_row

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from jupyter_modelguard.types import HistoryRecord

__all__ = ["beginning_with"]

_TOO_MANY = 50  # lines of one beginning, of which one is meant


def beginning_with(connection: Connection, digits: str) -> list[HistoryRecord]:
    """Lines whose id begins with these digits, the first ones written first."""
    from sqlalchemy import select

    from jupyter_modelguard.history.tables import loads, mine

    these = (mine(loads, connection), loads.c.id >= digits, loads.c.id < f"{digits}g")
    query = select(*texts_of(loads.c, connection))
    rows = connection.execute(query.where(*these).order_by(loads.c.number).limit(_TOO_MANY))
    return [record_of_row(dict(row)) for row in rows.mappings()]
