"""The history in a PostgreSQL database, which several people of a hub share: each sees, decides and deletes only what is theirs.

A connection is made for each write and each look, and kept only while a load waits or somebody watches, so that kernels in which nothing
happens hold none. Writers of one person take turns by an advisory lock. Nothing waits longer than two seconds for another one's lock, nor
much longer for a server that says nothing. The address may hold a password, so that neither it nor anything a driver makes of it gets
into a message.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from jupyter_modelguard.config import hub_user
from jupyter_modelguard.history.backend import Trouble
from jupyter_modelguard.history.rows import text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

__all__ = ["Postgresql"]

_SCHEMES = frozenset({"postgres", "postgresql", "postgresql+psycopg"})
_WRONG = "MODELGUARD_DATABASE_URL must be like postgresql+psycopg://user@host/name"
_SECRETS = frozenset({"password", "passfile", "sslpassword"})
_CONNECTING = 2  # seconds
_SETTINGS = "SET lock_timeout = '2s'; SET statement_timeout = '30s'; SET idle_in_transaction_session_timeout = '60s'"
_TABLES = 0x6D6F64656C  # the advisory lock under which tables change
_BUSY = frozenset({"55P03", "40001", "40P01"})  # lock not available, and what is to be tried again
_MISTAKES = ("22", "23", "42")  # classes of errors in what was asked: data, constraints, syntax and access
_ACCESS = "42501"  # insufficient privilege


class Postgresql:
    """The database at an address.

    Parameters
    ----------
    url
        `postgresql+psycopg://user:password@host:port/name`.
    """

    name = "postgresql"

    def __init__(self, url: str) -> None:
        self._url = url
        self.owner = text(hub_user())
        known = _known(url)
        self._wrong = known is None
        self.shown, address, self._hidden = known or ("in MODELGUARD_DATABASE_URL", "", frozenset({url}))
        self.place = hashlib.sha256(address.encode("utf-8", "backslashreplace")).hexdigest()[:16]

    def engine(self) -> Engine:
        """See `Backend`.

        Raises
        ------
        ImportError
            There is no driver; the message says how to get it.
        ValueError
            The address is none.
        """
        from sqlalchemy import create_engine, event, make_url
        from sqlalchemy.exc import SQLAlchemyError
        from sqlalchemy.pool import NullPool

        try:
            url = make_url(self._url)
            known = url.drivername in _SCHEMES and not self._wrong
        except (SQLAlchemyError, ValueError):
            known = False
        if not known:
            raise ValueError(_WRONG)
        try:
            import psycopg  # noqa: F401 so that what is missing is said in our words
        except ImportError:
            raise ImportError('its driver is not installed: pip install "jupyter-modelguard[postgresql]"') from None
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            isolation_level="AUTOCOMMIT",  # transactions are begun by name, see `begin`
            poolclass=NullPool,
            connect_args={
                "connect_timeout": _CONNECTING,
                "application_name": "modelguard",
                "prepare_threshold": None,  # what pools connections between here and there may not keep statements
            },
            execution_options={"owner": self.owner},
            hide_parameters=True,
        )

        @event.listens_for(engine, "connect")
        def set_up(connection: Any, _record: object) -> None:
            connection.execute(_SETTINGS)
            connection.commit()

        return engine

    def prepare(self, connection: Connection) -> None:
        """See `Backend`."""

    def version(self, connection: Connection) -> int:
        """See `Backend`."""
        if connection.exec_driver_sql("SELECT to_regclass('modelguard_version')").scalar_one() is None:
            return 0
        return int(connection.exec_driver_sql("SELECT max(version) FROM modelguard_version").scalar_one() or 0)

    def stamp(self, connection: Connection, version: int) -> None:
        """See `Backend`."""
        connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS modelguard_version (version INTEGER NOT NULL)")
        connection.exec_driver_sql("INSERT INTO modelguard_version VALUES (%s)", (version,))

    def back_up(self, version: int) -> None:
        """See `Backend`; whoever runs a server keeps copies of it, and a step is one transaction."""

    def begin(self, connection: Connection) -> None:
        """See `Backend`; each person has a lock, which the end of the transaction gives back."""
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtextextended('modelguard ' || %s, 0))", (self.owner,))

    def begin_for_all(self, connection: Connection) -> None:
        """See `Backend`."""
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_TABLES:d})")

    def begin_to_read(self, connection: Connection) -> None:
        """See `Backend`."""
        connection.exec_driver_sql("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def wipe(self) -> None:
        """See `Backend`; there are no such files, and the server clears its own."""

    def state(self, connection: Connection) -> object:
        """See `Backend`; three look-ups in indexes: the last link, and what is undecided."""
        row = connection.exec_driver_sql(
            "SELECT (SELECT max(number) FROM links WHERE owner = %s), count(*), count(*) FILTER (WHERE waiting), max(number) "
            "FROM approvals WHERE owner = %s AND state = 'pending'",
            (self.owner, self.owner),
        ).one()
        return tuple(row)

    def trouble(self, error: BaseException) -> Trouble:
        """See `Backend`."""
        if isinstance(error, OSError):
            return Trouble.UNUSABLE
        original = getattr(error, "orig", None)
        if original is None:
            return Trouble.STATEMENT
        state = getattr(original, "sqlstate", None) or ""
        if state in _BUSY:
            return Trouble.BUSY
        return Trouble.STATEMENT if state.startswith(_MISTAKES) and state != _ACCESS else Trouble.UNUSABLE

    def said(self, error: BaseException) -> str:
        """See `Backend`."""
        said = str(getattr(error, "orig", error)).strip().partition("\n")[0]
        for secret in self._hidden:
            said = said.replace(secret, "***")
        return said

    def replace(self) -> None:
        """See `Backend`; a server mends its own files."""

    @contextlib.contextmanager
    def bounded(self, connection: Connection, seconds: float) -> Iterator[None]:
        """See `Backend`; the connection is cut, and whoever waits on it finds its end."""
        own = os.dup(connection.connection.dbapi_connection.fileno())  # type: ignore[union-attr] # psycopg's
        timer = threading.Timer(seconds, _cut_off, (own,))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
            os.close(own)


def _known(url: str) -> tuple[str, str, frozenset[str]] | None:
    """Tell how an address is shown, what of it is no secret, and what is; None when it is not one that can be told apart."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        query = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return None
    if parts.scheme not in _SCHEMES or "@" in f"{parts.path}{parts.query}{parts.fragment}":
        return None  # a password that is not written as it must be would be taken for something else
    who = f"{unquote(parts.username)}@" if parts.username else ""
    shown = f"postgresql://{who}{parts.hostname or ''}{port}{parts.path}"
    others = urlencode(sorted((name, value) for name, value in query if name not in _SECRETS))
    secrets = [value for name, value in query if name in _SECRETS]
    if parts.password:
        secrets += [parts.password, unquote(parts.password)]
    return shown, f"{shown}?{others}", frozenset(secret for secret in secrets if secret)


def _cut_off(descriptor: int) -> None:
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as connection:
        connection.shutdown(socket.SHUT_RDWR)
