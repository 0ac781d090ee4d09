"""How the tables of an earlier modelguard become today's.

A step is a function over a connection; it runs in the transaction that raises the version, so that a kernel which is killed in it leaves
what was there. Kernels that open an old database at once wait for each other, and the first one migrates. Before the first step of an
existing file a copy of it is kept beside it. Alembic would do this from a folder of scripts, an environment file and a table of its own,
imported in every kernel for a list that has one entry; this list runs in process, under the lock that writers use anyway.

PostgreSQL was not used before version 2, so that step 2 is about SQLite alone.
"""

from __future__ import annotations

import contextlib
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.errors import HistoryError
from jupyter_modelguard.history.links import COLUMNS, append, digest_of_values

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from jupyter_modelguard.history.backend import Backend

__all__ = ["STEPS", "LaterVersionError", "bring_up"]


class LaterVersionError(HistoryError):
    """The tables are those of a later modelguard."""


def bring_up(connection: Connection, backend: Backend) -> None:
    """Make the tables, or make them today's; one look when they are.

    Parameters
    ----------
    connection, backend
        The database.

    Raises
    ------
    LaterVersionError
        A later modelguard wrote it.
    OSError
        No copy could be kept, so nothing was changed.
    """
    from jupyter_modelguard.history.tables import SCHEMA_VERSION, metadata

    copied = False
    while (version := backend.version(connection)) != SCHEMA_VERSION:
        if version > SCHEMA_VERSION:
            raise LaterVersionError(f"it was written by a later modelguard (version {version}); upgrade this one")
        backend.begin_for_all(connection)
        try:
            if backend.version(connection) == version:  # else another kernel has done it while this one waited
                if not version:
                    metadata.create_all(connection)
                    backend.stamp(connection, SCHEMA_VERSION)
                else:
                    if not copied:
                        backend.back_up(SCHEMA_VERSION)
                        copied = True
                    STEPS[version + 1](connection)
                    backend.stamp(connection, version + 1)
        except BaseException:
            with contextlib.suppress(Exception):
                connection.exec_driver_sql("ROLLBACK")
            raise
        connection.exec_driver_sql("COMMIT")


def _owners_and_links(connection: Connection) -> None:
    """Version 2: rows have owners, decisions have seals, and lines have links; those that are there are linked as they are."""
    for statement in _VERSION_2:
        connection.exec_driver_sql(statement)
    rows = connection.exec_driver_sql(f"SELECT {', '.join(COLUMNS)} FROM loads ORDER BY session, number")  # noqa: S608 our own
    lines = (dict(zip(COLUMNS, row, strict=True)) for row in rows)
    for session, written in groupby(lines, itemgetter("session")):
        append(connection, session, {"written": {line["id"]: digest_of_values(line) for line in written}})


STEPS: dict[int, Callable[[Connection], Any]] = {2: _owners_and_links}
"""What raises the tables to a version from the one before it."""

_LINE = (
    "id, session, at, loader, call, source, notebook, cell_id, execution_count, line, outcome, level, size, seconds, count, error, "
    "artifact, report, decision"
)
_QUESTION = "id, session, host, pid, process, asked, waiting, fingerprint, view, state, used, decision"
# The tables of version 2 in words of their own: those of `tables` go on to change.
_VERSION_2 = (
    "ALTER TABLE loads RENAME TO loads_1",
    "ALTER TABLE approvals RENAME TO approvals_1",
    "DROP INDEX IF EXISTS loads_by_time",
    "DROP INDEX IF EXISTS approvals_by_state",
    """CREATE TABLE loads (
        number INTEGER NOT NULL, owner TEXT NOT NULL, id TEXT NOT NULL, session TEXT NOT NULL, at FLOAT NOT NULL,
        loader TEXT NOT NULL, call TEXT NOT NULL, source TEXT NOT NULL, notebook TEXT, cell_id TEXT, execution_count INTEGER,
        line INTEGER, outcome TEXT NOT NULL, level TEXT, size INTEGER NOT NULL, seconds FLOAT NOT NULL, count INTEGER NOT NULL,
        error TEXT NOT NULL, artifact JSON, report JSON, decision JSON,
        PRIMARY KEY (number), UNIQUE (id, session, owner)
    )""",
    f"INSERT INTO loads (number, owner, {_LINE}) SELECT number, '', {_LINE} FROM loads_1 ORDER BY number",  # noqa: S608 our own
    "CREATE INDEX loads_by_time ON loads (owner, at)",
    """CREATE TABLE approvals (
        number INTEGER NOT NULL, owner TEXT NOT NULL, id TEXT NOT NULL, session TEXT NOT NULL, host TEXT NOT NULL,
        pid INTEGER NOT NULL, process TEXT NOT NULL, asked FLOAT NOT NULL, waiting BOOLEAN NOT NULL, fingerprint TEXT NOT NULL,
        view JSON NOT NULL, state TEXT NOT NULL, used BOOLEAN NOT NULL, decision JSON, seal TEXT NOT NULL,
        PRIMARY KEY (number), UNIQUE (session, id, owner)
    )""",
    f"INSERT INTO approvals (number, owner, {_QUESTION}, seal) SELECT number, '', {_QUESTION}, '' FROM approvals_1",  # noqa: S608
    "CREATE INDEX approvals_by_state ON approvals (owner, state)",
    """CREATE TABLE sessions (
        owner TEXT NOT NULL, session TEXT NOT NULL, kernel TEXT, notebook TEXT, host TEXT NOT NULL, pid INTEGER NOT NULL,
        process TEXT NOT NULL, started FLOAT NOT NULL, ended FLOAT, version TEXT NOT NULL,
        PRIMARY KEY (owner, session)
    )""",
    """CREATE TABLE links (
        owner TEXT NOT NULL, number INTEGER NOT NULL, at FLOAT NOT NULL, session TEXT NOT NULL, entries TEXT NOT NULL,
        link TEXT NOT NULL,
        PRIMARY KEY (owner, number)
    )""",
    "DROP TABLE loads_1",
    "DROP TABLE approvals_1",
)
