"""One SQLite file, opened so that several kernels and a server can share it, and given up politely when it cannot be used.

Write-ahead logging, a file only its owner can read, two seconds of patience with a lock. Whatever goes wrong surfaces as a
`HistoryError` after one warning, and the file is then left alone for a while: a load never waits twice for the same trouble. A
damaged file is moved aside and a fresh one begun. A forked child opens its own connections.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
import time
from typing import TYPE_CHECKING

from jupyter_modelguard.errors import HistoryError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine
    from sqlalchemy.exc import SQLAlchemyError

__all__ = ["Database"]

_LOG = logging.getLogger(__name__)
_PATIENCE = 2.0  # seconds to wait for somebody else's lock
_REST = 30.0  # seconds to leave a troubled file alone
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_TROUBLES = frozenset(  # conditions of the file or the disk, not mistakes in a statement
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
        *_DAMAGED,
    }
)
_PARENTS: list[Engine] = []  # engines inherited through fork: never used, and never closed under the parent's feet


class Database:
    """The file at `path`, opened on first need.

    Parameters
    ----------
    path
        Where the file is or will be; its folder must exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine: Engine | None = None
        self._opening = threading.RLock()
        self._rests_until = 0.0
        self._warned = False

    @property
    def resting(self) -> bool:
        """Whether the file was in trouble a moment ago and is left alone."""
        return time.monotonic() < self._rests_until

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Connect for reading.

        Raises
        ------
        HistoryError
            The file cannot be used now.
        """
        from sqlalchemy.exc import SQLAlchemyError

        try:
            with self._open().connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise self._trouble(error) from error

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """Connect for one transaction that takes the write lock at once, so that what it reads stays true until it writes.

        Raises
        ------
        HistoryError
            The file cannot be used now; nothing was written.
        """
        with self.reading() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                with contextlib.suppress(Exception):  # a full disk has already rolled back
                    connection.exec_driver_sql("ROLLBACK")
                raise
            connection.exec_driver_sql("COMMIT")

    def watch(self) -> Connection:
        """Open a connection that its caller keeps and closes; `PRAGMA data_version` on it tells of every other one's commit."""
        from sqlalchemy.exc import SQLAlchemyError

        try:
            return self._open().connect()
        except SQLAlchemyError as error:
            raise self._trouble(error) from error

    def close(self) -> None:
        """Close all connections that are not in use."""
        with self._opening:
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None

    def forget_parent(self) -> None:
        """In a forked child: drop what belongs to the parent without closing it."""
        if self._engine is not None:
            _PARENTS.append(self._engine)
        self._engine = None
        self._opening = threading.RLock()  # the parent's may be held by a thread that does not exist here

    def _open(self) -> Engine:
        if self.resting:
            raise HistoryError(f"The history {self.path} cannot be used at the moment.")
        with self._opening:
            if self._engine is None:
                engine = self._connect()
                deadline = time.monotonic() + _PATIENCE
                while True:
                    try:
                        self._prepare(engine)
                        break
                    except Exception as error:
                        engine.dispose()
                        code = _code(error)
                        if code in _DAMAGED:
                            self._move_aside()
                        # changing to write-ahead logging does not wait for a lock by itself
                        elif code != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                            raise
                        time.sleep(0.02)
                self._engine = engine
            return self._engine

    def _connect(self) -> Engine:
        from sqlalchemy import URL, create_engine, event

        _create(self.path)
        engine = create_engine(
            URL.create("sqlite", database=str(self.path)),
            isolation_level="AUTOCOMMIT",  # transactions are begun by name, see writing()
            max_overflow=-1,  # each waiting load keeps a connection
            connect_args={"timeout": _PATIENCE, "check_same_thread": False},
        )

        @event.listens_for(engine, "connect")
        def set_up(connection: sqlite3.Connection, _record: object) -> None:
            connection.execute("PRAGMA synchronous=NORMAL")  # whole after kill -9; a power cut may take the last lines

        return engine

    def _prepare(self, engine: Engine) -> None:
        from jupyter_modelguard.history.tables import SCHEMA_VERSION, metadata

        with engine.connect() as connection:
            version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
            if version > SCHEMA_VERSION:
                self._rest(f"it was written by a later modelguard (version {version})")
                raise HistoryError(f"The history {self.path} was written by a later modelguard; upgrade this one.")
            if version == SCHEMA_VERSION:
                return
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            metadata.create_all(connection)  # asks first, so that a second kernel that waited here finds all there
            connection.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION}")
            connection.exec_driver_sql("COMMIT")

    def _trouble(self, error: SQLAlchemyError) -> HistoryError:
        code = _code(error)
        if code in _DAMAGED:
            with self._opening:
                self.close()
                self._move_aside()
        elif code in _TROUBLES:
            self._rest(str(getattr(error, "orig", error)))
        return HistoryError(f"The history {self.path} cannot be used: {getattr(error, 'orig', error)}")

    def _rest(self, why: str) -> None:
        self._rests_until = time.monotonic() + _REST
        if not self._warned:
            self._warned = True
            _LOG.warning(
                "The history %s cannot be used (%s); records stay in memory. Decisions are not affected.", self.path, why
            )

    def _move_aside(self) -> None:
        # another kernel may have moved it already and begun a sound one
        if _sound(self.path):
            return
        aside = self.path.with_name(f"{self.path.stem}.damaged-{time.time_ns()}{self.path.suffix}")
        for ending in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{self.path}{ending}", f"{aside}{ending}")  # noqa: PTH105 names, not paths
        _LOG.warning("The history %s was damaged; it is kept as %s and a fresh one is begun.", self.path, aside.name)
        _create(self.path)


def _create(path: Path) -> None:
    """Make a file that only its owner can read, where there is none yet.

    One that is there is not opened: closing it again would take away the locks that SQLite holds on it for this process, and another
    process would then believe that it is alone with the file.
    """
    with contextlib.suppress(OSError):  # SQLite says better what is wrong
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _code(error: BaseException) -> int | None:
    """SQLite's primary result code, without the extended part."""
    code = getattr(getattr(error, "orig", error), "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else None


def _sound(path: Path) -> bool:
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=_PATIENCE)) as connection:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except sqlite3.DatabaseError as error:
        return _code(error) not in _DAMAGED
