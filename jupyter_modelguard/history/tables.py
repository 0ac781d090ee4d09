"""The tables of the history, and the one place that says which version they are.

`loads` has a line for every load; silent in-memory loads of one cell share a line and are counted. `approvals` has a row for
every load that a person was asked about, written before the wait begins, so that another process can answer it.

This module imports SQLAlchemy; import it only where a database is about to be used.
"""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Float, Index, Integer, MetaData, Table, Text, UniqueConstraint

__all__ = ["SCHEMA_VERSION", "approvals", "loads", "metadata"]

SCHEMA_VERSION = 1  # kept in PRAGMA user_version

metadata = MetaData()

loads = Table(
    "loads",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False),
    Column("session", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("loader", Text, nullable=False),
    Column("call", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("notebook", Text),
    Column("cell_id", Text),
    Column("execution_count", Integer),
    Column("line", Integer),
    Column("outcome", Text, nullable=False),
    Column("level", Text),
    Column("size", Integer, nullable=False, default=0),
    Column("seconds", Float, nullable=False, default=0.0),
    Column("count", Integer, nullable=False, default=1),
    Column("error", Text, nullable=False, default=""),
    Column("artifact", JSON(none_as_null=True)),
    Column("report", JSON(none_as_null=True)),
    Column("decision", JSON(none_as_null=True)),
    UniqueConstraint("id", "session"),  # in this order it also serves the look-up by the first digits of an id
)
Index("loads_by_time", loads.c.at)

approvals = Table(
    "approvals",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False),
    Column("session", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("process", Text, nullable=False),  # what tells this process from a later one with the same pid
    Column("asked", Float, nullable=False),
    Column("waiting", Boolean, nullable=False),  # False: the load has raised; a decision counts for its next run
    Column("fingerprint", Text, nullable=False),
    Column("view", JSON, nullable=False),
    Column("state", Text, nullable=False),  # pending, allowed, denied, abandoned
    Column("used", Boolean, nullable=False, default=False),
    Column("decision", JSON(none_as_null=True)),
    UniqueConstraint("session", "id"),
)
Index("approvals_by_state", approvals.c.state)
