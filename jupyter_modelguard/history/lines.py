"""Lines of the history on their way into the database, and the link that each write of them appends.

Many rows a statement: SQLite works on them while Python's other threads run, where a row at a time would fight the loading thread for
the interpreter. Eighty rows stay below the 999 parameters that an older SQLite takes.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.history.links import COLUMNS, PLAIN, append, digest, digest_of_values
from jupyter_modelguard.history.rows import text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection, Select

    from jupyter_modelguard.history.rows import Note

__all__ = ["raw_lines", "set_outcome", "stream", "write_lines"]

_AT_ONCE = 80
_STREAMED = 1_000  # lines that are held at once
_WRITTEN = "owner, id, session, at, loader, call, source, size, seconds, notebook, cell_id, execution_count, line"
_CONSTANT = "outcome, level, count, error"
_CONSTANTS = ("loaded", "data_only", 1, "", None, None, None)  # what `COLUMNS` end with for a note


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

    owner = (owner_of(connection),)
    mark = "%s" if connection.dialect.paramstyle == "pyformat" else "?"
    row = f"({', '.join([mark] * 13)}, 'loaded', 'data_only', 1, '')"
    into = f"INSERT INTO loads ({_WRITTEN}, {_CONSTANT}) VALUES "  # noqa: S608 no text of anybody's
    for start in range(0, len(notes), _AT_ONCE):
        part = [_note_values(session, identity, note) for identity, note in notes[start : start + _AT_ONCE]]
        values = tuple(chain.from_iterable(owner + value for value in part))
        connection.exec_driver_sql(f"{into}{', '.join([row] * len(part))} ON CONFLICT DO NOTHING", values)
        for value in part:
            digests[value[0]] = digest(value + _CONSTANTS)


def _note_values(session: str, identity: str, note: Note) -> tuple[Any, ...]:
    """Values of one note, in the order of `COLUMNS`."""
    loader, source, size, at, site, seconds = note
    named = source if source.isascii() and "\0" not in source else text(source)
    place = (site.notebook and text(site.notebook), site.cell_id and text(site.cell_id), site.execution_count, site.line)
    return (identity, session, at, loader, loader, named, size, seconds, *place)
