"""Lines of the history on their way into the database, and the link that each write of them appends.

Many rows a statement: SQLite works on them while Python's other threads run, where a row at a time would fight the loading thread for
the interpreter. Eighty rows stay below the 999 parameters that an older SQLite takes. PostgreSQL takes a list for each column, in a
quarter of the time that it needs for as many rows of parameters.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.history.links import COLUMNS, PLAIN, append, digest, digest_of_values, shared
from jupyter_modelguard.history.rows import text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection, Select

    from jupyter_modelguard.history.rows import Note
    from jupyter_modelguard.types import CallSite

__all__ = ["raw_lines", "set_outcome", "stream", "write_lines"]

_AT_ONCE = 80
_AT_ONCE_IN_LISTS = 2_000
_STREAMED = 1_000  # lines that are held at once
_WRITTEN = "owner, id, session, at, loader, call, source, size, seconds, notebook, cell_id, execution_count, line"
_CONSTANT = "outcome, level, count, error"
_LISTS = "text[] text[] text[] float8[] text[] text[] text[] int8[] float8[] text[] text[] int8[] int8[]"  # of `_WRITTEN`
_CONSTANTS = ("loaded", "data_only", 1, "", None, None, None)  # what `SHARED` ends with for a note


def write_lines(
    connection: Connection, session: str, rows: Sequence[dict[str, Any]], notes: Sequence[tuple[str, Note]] = ()
) -> None:
    """Insert lines, or replace those of the same id: a load that waited gets its outcome so.

    Parameters
    ----------
    connection
        In a transaction.
    session
        Whose lines they are.
    rows
        Values for all columns, from `rows.row_of_record`.
    notes
        Silent loads with their ids; one that is there was written when the word that it was did not come back.
    """
    digests: dict[str, str] = {}
    if notes:
        _insert_notes(connection, session, notes, digests)
    if rows:
        _insert_rows(connection, rows)
        digests.update((row["id"], digest_of_values(row)) for row in rows)
    append(connection, session, {"written": digests})


def set_outcome(connection: Connection, condition: ColumnElement[bool], outcome: str) -> None:
    """Give lines another outcome; the few that a session left open."""
    from jupyter_modelguard.history.tables import loads

    found = raw_lines(connection, condition)
    if not found:
        return
    connection.execute(loads.update().where(loads.c.number.in_([number for number, _ in found])).values(outcome=outcome))
    sessions: dict[str, dict[str, str]] = {}
    for _, line in found:
        sessions.setdefault(line["session"], {})[line["id"]] = digest_of_values({**line, "outcome": outcome})
    for session, digests in sessions.items():
        append(connection, session, {"written": digests})


def raw_lines(connection: Connection, condition: ColumnElement[bool]) -> list[tuple[int, dict[str, Any]]]:
    """Read a few lines of this owner as they are hashed, with their numbers; JSON is text, whatever it is."""
    return [
        (row[0], dict(zip(COLUMNS, row[1:], strict=True))) for row in connection.execute(_hashed(connection).where(condition))
    ]


def stream(connection: Connection) -> Iterator[dict[str, Any]]:
    """Read all lines of this owner as they are hashed, in the order they were written in."""
    for row in connection.execute(_hashed(connection), execution_options={"yield_per": _STREAMED}):
        yield dict(zip(COLUMNS, row[1:], strict=True))


def _hashed(connection: Connection) -> Select[Any]:
    from sqlalchemy import Text, cast, select

    from jupyter_modelguard.history.tables import loads, mine

    columns = [cast(loads.c[name], Text).label(name) if name in PLAIN else loads.c[name] for name in COLUMNS]
    query: Select[Any] = select(loads.c.number, *columns).where(mine(loads, connection)).order_by(loads.c.number)
    return query


def _insert_rows(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    from jupyter_modelguard.history.tables import insert, loads, owner_of

    owner = owner_of(connection)
    statement = insert(loads, connection)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in {"id", "session"}}
    upsert = statement.on_conflict_do_update(index_elements=["owner", "session", "id"], set_=changed)
    connection.execute(upsert, [{"owner": owner, **row} for row in rows])


def _insert_notes(connection: Connection, session: str, notes: Sequence[tuple[str, Note]], digests: dict[str, str]) -> None:
    from jupyter_modelguard.history.tables import owner_of

    owner = owner_of(connection)
    in_lists = connection.dialect.name == "postgresql"
    insert, at_once = (_insert_lists, _AT_ONCE_IN_LISTS) if in_lists else (_insert_values, _AT_ONCE)
    before: tuple[CallSite, str] | None = None
    place: tuple[Any, ...] = ()
    common = b""
    for start in range(0, len(notes), at_once):
        rows: list[tuple[Any, ...]] = []
        for identity, (loader, source, size, at, site, seconds) in notes[start : start + at_once]:
            if before is None or site is not before[0] or loader is not before[1]:  # the loads of a line of code share both
                before = site, loader
                place = _place(site)
                common = shared((session, loader, loader, *place, *_CONSTANTS))
            named = source if source.isascii() and "\0" not in source else text(source)
            rows.append((owner, identity, session, at, loader, loader, named, size, seconds, *place))
            digests[identity] = digest(common, identity, at, named, size, seconds)
        insert(connection, rows)


def _insert_values(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    row = f"({'?, ' * len(rows[0])}'loaded', 'data_only', 1, '')"
    into = f"INSERT INTO loads ({_WRITTEN}, {_CONSTANT}) VALUES "  # noqa: S608 no text of anybody's
    connection.exec_driver_sql(f"{into}{', '.join([row] * len(rows))} ON CONFLICT DO NOTHING", tuple(chain.from_iterable(rows)))


def _insert_lists(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    lists = ", ".join(f"%s::{kind}" for kind in _LISTS.split())
    into = f"INSERT INTO loads ({_WRITTEN}, {_CONSTANT}) "
    connection.exec_driver_sql(
        f"{into}SELECT *, 'loaded', 'data_only', 1, '' FROM unnest({lists}) ON CONFLICT DO NOTHING",  # noqa: S608 nor here
        tuple(map(list, zip(*rows, strict=True))),
    )


def _place(site: CallSite) -> tuple[Any, ...]:
    return (site.notebook and text(site.notebook), site.cell_id and text(site.cell_id), site.execution_count, site.line)
