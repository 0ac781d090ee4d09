"""The database of the history, opened so that several kernels and a server can share it, and given up politely when it cannot be used.

Whatever goes wrong surfaces as a `HistoryError` after one warning, and the database is then left alone for a while: a load never waits
twice for the same trouble. A person's question, or somebody who waits for an answer, is let through after a moment, one at a time; when
they find it well and it was not writing that failed, everybody goes on.

A damaged file is moved aside and a fresh one begun. A forked child opens its own connections. What is particular to a kind of database is
the business of its `Backend`.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from typing import TYPE_CHECKING

from jupyter_modelguard.errors import HistoryError
from jupyter_modelguard.history.backend import Trouble

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

    from jupyter_modelguard.history.backend import Backend

__all__ = ["Database"]

_LOG = logging.getLogger(__name__)
_PATIENCE = 2.0  # seconds that opening is tried again while somebody else is at it
_SILENCE = 4.0  # seconds that a database may say nothing at all
_REST = 30.0  # seconds that lines which memory holds leave a troubled database alone
_MOMENT = 1.0  # seconds that somebody who asks or waits does
_PARENTS: list[Engine] = []  # engines inherited through fork: never used, and never closed under the parent's feet


class Database:
    """A database that is opened on first need.

    Parameters
    ----------
    backend
        What it is and where.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._engine: Engine | None = None
        self._opening = threading.RLock()
        self._rests_until = 0.0
        self._asked_again_from = 0.0
        self._trying = threading.Lock()  # held by whoever looks whether a database that rests can be used again
        self._was_busy = False
        self._was_written = False  # when the trouble came
        self._warned = False

    @property
    def resting(self) -> bool:
        """Whether the database was in trouble a moment ago and is left alone."""
        return time.monotonic() < self._rests_until

    def stir(self) -> bool:
        """Have a database tried once more that only was too busy: this process ends, and what it holds would be lost."""
        if self._was_busy:
            self._rests_until = 0.0
        return self._was_busy

    @contextlib.contextmanager
    def reading(self, silence: float = _SILENCE) -> Iterator[Connection]:
        """Connect for reading.

        Parameters
        ----------
        silence
            Seconds that all of it may take where the database may not answer at all.

        Raises
        ------
        HistoryError
            The database cannot be used now.
        """
        with self._used(soon=True), self._connected(silence) as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self, silence: float = _SILENCE, *, soon: bool = False) -> Iterator[Connection]:
        """Connect for one transaction that takes the write lock at once, so that what it reads stays true until it writes.

        Parameters
        ----------
        silence
            As for `reading`.
        soon
            Whether a person asks for it, or it is tried where nobody waits for it: it is let through a moment after trouble.

        Raises
        ------
        HistoryError
            The database cannot be used now; nothing was written.
        """
        with self._used(soon=soon, writes=True), self._connected(silence, writes=True) as connection:
            self.backend.begin(connection)
            try:
                yield connection
            except BaseException:
                with contextlib.suppress(Exception):  # a full disk has already rolled back
                    connection.exec_driver_sql("ROLLBACK")
                raise
            connection.exec_driver_sql("COMMIT")

    def connect(self) -> Connection:
        """Open a connection that its caller keeps and closes.

        Raises
        ------
        HistoryError
            The database cannot be used now.
        """
        from sqlalchemy.exc import SQLAlchemyError

        with self._used(soon=True):
            try:
                return self._open().connect()
            except SQLAlchemyError as error:
                raise self._trouble(error) from None

    @contextlib.contextmanager
    def _used(self, *, soon: bool, writes: bool = False) -> Iterator[None]:
        """Let somebody through unless the database rests, and end its rest when they got through."""
        if not self.resting:
            yield
            return
        if not soon or time.monotonic() < self._asked_again_from or not self._trying.acquire(blocking=False):
            raise HistoryError(f"The history {self.backend.shown} cannot be used at the moment.")
        try:
            yield
            if writes or not self._was_written:
                self._rests_until = 0.0
        finally:
            self._trying.release()

    @contextlib.contextmanager
    def _connected(self, silence: float, *, writes: bool = False) -> Iterator[Connection]:
        from sqlalchemy.exc import SQLAlchemyError

        try:
            with self._open().connect() as connection, self.backend.bounded(connection, silence):
                yield connection
        except SQLAlchemyError as error:
            raise self._trouble(error, writes=writes) from None

    def failed(self, error: BaseException) -> HistoryError:
        """Take note of what went wrong on a connection that was kept."""
        return self._trouble(error)

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
        self._trying = threading.Lock()

    def _open(self) -> Engine:
        with self._opening:
            if self._engine is None:
                self._engine = self._prepared()
            return self._engine

    def _prepared(self) -> Engine:
        from jupyter_modelguard.history.migrations import LaterVersionError, bring_up

        deadline = time.monotonic() + _PATIENCE
        while True:
            engine = None
            try:
                engine = self.backend.engine()
                with engine.connect() as connection:
                    self.backend.prepare(connection)
                    bring_up(connection, self.backend)
            except Exception as error:
                if engine is not None:
                    engine.dispose()
                if isinstance(error, (LaterVersionError, ImportError, ValueError, OSError)):
                    raise self._rest(self.backend.said(error)) from None
                trouble = self.backend.trouble(error)
                if trouble is Trouble.DAMAGED:
                    self.backend.replace()
                # changing to write-ahead logging does not wait for a lock by itself
                elif trouble is not Trouble.BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return engine

    def _trouble(self, error: BaseException, *, writes: bool = False) -> HistoryError:
        trouble, said = self.backend.trouble(error), self.backend.said(error)
        if trouble is Trouble.DAMAGED:
            with self._opening:
                self.close()
                self.backend.replace()
        elif trouble is not Trouble.STATEMENT:
            self._was_busy, self._was_written = trouble is Trouble.BUSY, writes and self._engine is not None
            return self._rest(said)
        else:
            _LOG.debug("The history refused a statement: %s", said)
        return HistoryError(f"The history {self.backend.shown} cannot be used: {said}")

    def _rest(self, why: str) -> HistoryError:
        self._rests_until = time.monotonic() + _REST
        self._asked_again_from = time.monotonic() + _MOMENT
        if not self._warned:
            self._warned = True
            _LOG.warning(
                "The history %s cannot be used (%s); records stay in memory. Decisions are not affected.", self.backend.shown, why
            )
        return HistoryError(f"The history {self.backend.shown} cannot be used: {why}")
