"""Looking through the history: which loads match, a page of them, and how many there are of each kind.

One condition is made of what is looked for, and everything that lists, counts or exports lines uses it. The text is looked for in the
name, the source, the loader, the call and the notebook, whatever its case; its own percent signs and underscores mean themselves.

SQLAlchemy's own language throughout, so that SQLite and PostgreSQL answer alike.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.history.legible import as_number, as_text, is_object, member, text_of, texts_of
from jupyter_modelguard.history.listed import COLUMNS, Row, row_of, row_of_columns
from jupyter_modelguard.history.rows import record_of_row, text
from jupyter_modelguard.types import HistoryRecord, Outcome, RiskLevel

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Select

__all__ = ["NotebookCount", "Notebooks", "Row", "Search", "counts", "records", "row_of", "rows", "total"]

_HELD = (Outcome.BLOCKED.value, Outcome.WAITING.value, Outcome.ABANDONED.value)


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for; the default is everything."""

    text: str = ""
    levels: tuple[RiskLevel, ...] = ()  # one of these; empty: any, and lines without a level too
    outcome: Outcome | None = None
    notebook: str | None = None  # empty: those outside of any
    since: float = 0.0  # seconds since the epoch

    def matches(self, record: HistoryRecord) -> bool:
        """Whether a load that is not written yet is looked for."""
        site, request = record.request.site, record.request
        name = record.artifact.name if record.artifact is not None else ""
        places = (request.source, request.loader, request.call, site.notebook or "", name)
        return (
            any(self.text.casefold() in place.casefold() for place in places)
            and (not self.levels or record.level in self.levels)
            and (self.outcome is None or record.outcome is self.outcome)
            and (self.notebook is None or (site.notebook or "") == self.notebook)
            and record.at >= self.since
        )


@dataclass(frozen=True, slots=True)
class NotebookCount:
    """How many loads of a notebook there are."""

    notebook: str | None
    count: int
    latest: float  # seconds since the epoch


@dataclass(frozen=True, slots=True)
class Notebooks:
    """What the list counts, latest notebook first.

    Attributes
    ----------
    total, all
        Those that match, and those that there are.
    stopped
        Of those that match: blocked, abandoned or waiting.
    levels
        By risk level, as if none were looked for.
    notebooks
        The latest first.
    """

    total: int
    all: int
    stopped: int
    levels: dict[str, int]
    notebooks: tuple[NotebookCount, ...]


def rows(connection: Connection, search: Search, limit: int, offset: int = 0) -> tuple[Row, ...]:
    """List a page of what matches, the latest first, without reports and code."""
    from sqlalchemy import and_, select

    from jupyter_modelguard.history.tables import loads

    columns = loads.c
    plain = [columns[name] for name in COLUMNS]
    name, decision = member(columns.artifact, "name", connection), text_of(columns.decision, connection)
    whole = and_(*(is_object(columns[name], connection) for name in ("artifact", "report", "decision")))
    query = select(*plain, name.label("name"), decision.label("decision"), whole.label("whole"))
    return tuple(row_of_columns(row) for row in connection.execute(_page(connection, query, search, limit, offset)).mappings())


def records(connection: Connection, search: Search, limit: int, offset: int = 0) -> tuple[HistoryRecord, ...]:
    """List a page of what matches with all that is known, the latest first."""
    from sqlalchemy import select

    from jupyter_modelguard.history.tables import loads

    query = _page(connection, select(*texts_of(loads.c, connection)), search, limit, offset)
    return tuple(record_of_row(dict(row)) for row in connection.execute(query).mappings())


def total(connection: Connection, search: Search) -> int:
    """Count what matches."""
    from sqlalchemy import func, select

    from jupyter_modelguard.history.tables import loads

    return int(connection.execute(select(func.count()).select_from(loads).where(*_conditions(connection, search))).scalar_one())


def counts(connection: Connection, search: Search) -> Notebooks:
    """Count what matches by risk level and by notebook, in one pass."""
    from sqlalchemy import func, select

    from jupyter_modelguard.history.tables import loads

    columns = loads.c
    query = (
        select(columns.notebook, columns.level, columns.outcome, func.count(), func.max(columns.at))
        .where(*_conditions(connection, replace(search, levels=())))
        .group_by(columns.notebook, columns.level, columns.outcome)
    )
    wanted = {level.value for level in search.levels}
    matching = stopped = 0
    levels: dict[str, int] = {}
    notebooks: dict[str | None, NotebookCount] = {}
    for notebook, level, outcome, number, latest in connection.execute(query):
        if level is not None:
            levels[as_text(level)] = levels.get(as_text(level), 0) + number
        if wanted and level not in wanted:
            continue
        matching += number
        stopped += number if outcome in _HELD else 0
        named = None if notebook is None else as_text(notebook)
        known = notebooks.get(named, NotebookCount(named, 0, 0.0))
        with contextlib.suppress(ValueError):  # somebody wrote something else than a time there
            known = replace(known, latest=max(known.latest, as_number(latest)))
        notebooks[named] = replace(known, count=known.count + number)
    every = total(connection, Search())
    listed = tuple(sorted(notebooks.values(), key=lambda one: -one.latest))
    return Notebooks(matching, every, stopped, levels, listed)


_SEARCHED = ("source", "loader", "call", "notebook")


def _page(connection: Connection, query: Select[Any], search: Search, limit: int, offset: int) -> Select[Any]:
    from jupyter_modelguard.history.tables import loads

    latest_first = query.where(*_conditions(connection, search)).order_by(loads.c.at.desc(), loads.c.number.desc())
    return latest_first.limit(limit).offset(offset)


def _conditions(connection: Connection, search: Search) -> list[ColumnElement[bool]]:
    from sqlalchemy import Text, or_, type_coerce

    from jupyter_modelguard.history.tables import loads, mine

    columns = loads.c
    found: list[ColumnElement[bool]] = [mine(loads, connection)]
    if search.text:
        # SQLite folds the case of ASCII alone
        forms = (
            {search.text}
            if search.text.isascii()
            else {search.text, search.text.lower(), search.text.upper(), search.text.title()}
        )
        places = [*(columns[name] for name in _SEARCHED), type_coerce(member(columns.artifact, "name", connection), Text)]
        found.append(or_(*(place.icontains(text(form), autoescape=True) for place in places for form in sorted(forms))))
    if search.levels:
        found.append(columns.level.in_([level.value for level in search.levels]))
    if search.outcome is not None:
        found.append(columns.outcome == search.outcome.value)
    if search.notebook is not None:
        found.append(columns.notebook == search.notebook if search.notebook else columns.notebook.is_(None))
    if search.since:
        found.append(columns.at >= search.since)
    return found
