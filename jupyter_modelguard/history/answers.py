"""What was decided about the code of one place before, whatever commit it was at: what a question about its next version begins with."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.history.legible import FAULTS, as_number, is_object, member, text_of, texts_of
from jupyter_modelguard.history.rows import decision_of, record_of_row
from jupyter_modelguard.types import Outcome, RiskLevel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from jupyter_modelguard.types import HistoryRecord

__all__ = ["MOST", "about", "answers_about", "blocked_since"]

MOST: Final = 8
"""Earlier answers that are looked at; each may hold a megabyte of code."""

_LONGEST_WAIT: Final = 86_400.0
"""Seconds that a card may have been open: a line has the time at which its load began, not that of the answer."""

_LOOKED_AT: Final = 2_000  # lines, the latest, so that no history is too long to be asked
_CODE: Final = "python-code"
_ASKED: Final = tuple(level.value for level in RiskLevel if level.asks)


def answers_about(connection: Connection, place: str) -> tuple[HistoryRecord, ...]:
    """Find decisions about code of a repository or folder, the latest first.

    Parameters
    ----------
    connection
        To the history.
    place
        A repository without its commit, "hf:org/name", or an absolute path.
    """
    from sqlalchemy import Text, or_, select, type_coerce

    from jupyter_modelguard.history.tables import loads, mine

    columns = loads.c
    source = type_coerce(member(columns.artifact, "source", connection), Text)
    asked = (mine(loads, connection), columns.level.in_(_ASKED), columns.decision.is_not(None), columns.artifact.is_not(None))
    latest = select(columns.number, source.label("place")).where(*asked).order_by(columns.at.desc(), columns.number.desc())
    recent = latest.limit(_LOOKED_AT).subquery()
    there = or_(recent.c.place == place, recent.c.place.startswith(f"{place}@", autoescape=True))
    query = (
        select(*texts_of(columns, connection))
        .join(recent, recent.c.number == columns.number)
        .where(mine(loads, connection), there)
    )
    rows = connection.execute(query.order_by(columns.at.desc(), columns.number.desc()).limit(MOST)).mappings()
    return about(place, (record_of_row(dict(row)) for row in rows))


def blocked_since(connection: Connection, place: str, since: float) -> bool:
    """Say whether anything from a repository or folder was kept blocked after a time, however many answers came in between.

    Lines that cannot be read count too: nobody knows of them that they were not about this place.
    """
    from sqlalchemy import Text, and_, or_, select, type_coerce

    from jupyter_modelguard.history.tables import loads, mine

    columns = loads.c
    source = type_coerce(member(columns.artifact, "source", connection), Text).label("place")
    known = and_(is_object(columns.artifact, connection), source.is_not(None)).label("known")
    rows = connection.execute(
        select(source, known, columns.at, text_of(columns.decision, connection).label("decision")).where(
            mine(loads, connection),
            columns.outcome == Outcome.BLOCKED.value,
            columns.artifact.is_not(None),  # a line without one is of no code
            columns.at >= since - _LONGEST_WAIT,
            or_(source == place, source.startswith(f"{place}@", autoescape=True), ~known),
        )
    )
    return any(
        _decided(row.decision, row.at) >= since and (not row.known or row.place == place or row.place.startswith(f"{place}@"))
        for row in rows
    )


def _decided(decision: object, at: object) -> float:
    """Say when a load was kept blocked; where that cannot be read, it may have been at any time."""
    try:
        return max(decision_of(decision).at, as_number(at))
    except FAULTS:
        return math.inf


def about(place: str, records: Iterable[HistoryRecord]) -> tuple[HistoryRecord, ...]:
    """Keep of some records those that were decided about code of a place; databases compare names without regard to case."""
    return tuple(
        record
        for record in records
        if record.decision is not None
        and record.artifact is not None
        and record.artifact.format == _CODE
        and (record.artifact.source == place or record.artifact.source.startswith(f"{place}@"))
    )
