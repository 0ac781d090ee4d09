"""The tables of the history, and the one place that says which version they are.

`loads` has a line for every load; silent in-memory loads of one cell share a line and are counted. `approvals` has a row for every load
that a person was asked about, written before the wait begins, so that another process can answer it. `sessions` says which process
wrote them, and `links` what was written when, see `chain`. Several people may share the tables of a PostgreSQL database: `owner` is who
a row belongs to, and every statement asks for its own; a file belongs to one person, who needs no name there.

This module imports SQLAlchemy; import it only where a database is about to be used. A change here is a step in `migrations`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, Index, Integer, MetaData, Table, Text, UniqueConstraint

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection
    from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert
    from sqlalchemy.dialects.sqlite import Insert as SqliteInsert

__all__ = ["SCHEMA_VERSION", "approvals", "insert", "links", "loads", "metadata", "mine", "owner_of", "sessions"]

SCHEMA_VERSION = 2

metadata = MetaData()
_LARGE = BigInteger().with_variant(Integer, "sqlite")  # SQLite's integers are as large as they need to be

loads = Table(
    "loads",
    metadata,
    Column("number", _LARGE, primary_key=True, autoincrement=True),
    Column("owner", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("session", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("loader", Text, nullable=False),
    Column("call", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("notebook", Text),
    Column("cell_id", Text),
    Column("execution_count", _LARGE),
    Column("line", _LARGE),
    Column("outcome", Text, nullable=False),
    Column("level", Text),
    Column("size", _LARGE, nullable=False, default=0),
    Column("seconds", Float, nullable=False, default=0.0),
    Column("count", _LARGE, nullable=False, default=1),
    Column("error", Text, nullable=False, default=""),
    Column("artifact", JSON(none_as_null=True)),
    Column("report", JSON(none_as_null=True)),
    Column("decision", JSON(none_as_null=True)),
    UniqueConstraint("id", "session", "owner"),  # in this order it also serves the look-up by the first digits of an id
)
Index("loads_by_time", loads.c.owner, loads.c.at)

approvals = Table(
    "approvals",
    metadata,
    Column("number", _LARGE, primary_key=True, autoincrement=True),
    Column("owner", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("session", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", _LARGE, nullable=False),
    Column("process", Text, nullable=False),  # what tells this process from a later one with the same pid
    Column("asked", Float, nullable=False),
    Column("waiting", Boolean, nullable=False),  # False: the load has raised; a decision counts for its next run
    Column("fingerprint", Text, nullable=False),
    Column("view", JSON, nullable=False),
    Column("state", Text, nullable=False),  # pending, held, allowed, denied, abandoned
    Column("used", Boolean, nullable=False, default=False),
    Column("decision", JSON(none_as_null=True)),
    Column("seal", Text, nullable=False, default=""),  # of a decision that another process made, see `sealed`
    UniqueConstraint("session", "id", "owner"),
)
Index("approvals_by_state", approvals.c.owner, approvals.c.state)

sessions = Table(
    "sessions",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("session", Text, primary_key=True),
    Column("kernel", Text),  # Jupyter's id of it
    Column("notebook", Text),
    Column("host", Text, nullable=False),
    Column("pid", _LARGE, nullable=False),
    Column("process", Text, nullable=False),
    Column("started", Float, nullable=False),
    Column("ended", Float),
    Column("version", Text, nullable=False),  # of modelguard
)

links = Table(
    "links",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("number", _LARGE, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("session", Text, nullable=False),
    Column("entries", Text, nullable=False),  # JSON as it was hashed
    Column("link", Text, nullable=False),
)


def owner_of(connection: Connection) -> str:
    """Whose rows a connection is for."""
    return str(connection.get_execution_options()["owner"])


def mine(table: Table, connection: Connection) -> ColumnElement[bool]:
    """Say in a statement that only rows of this connection's owner are meant."""
    condition: ColumnElement[bool] = table.c.owner == owner_of(connection)
    return condition


def insert(table: Table, connection: Connection) -> SqliteInsert | PostgresqlInsert:
    """Begin an insertion that can say what to do about a row that is there, in the words of this database."""
    made: Any = import_module(f"sqlalchemy.dialects.{connection.dialect.name}").insert
    statement: SqliteInsert | PostgresqlInsert = made(table)
    return statement
