"""The history as the rest of the package sees it: note a load, put one up for decision, look back.

Nothing here may change whether a load goes on. Lines are buffered and written by a thread; a database that is locked, full,
read-only or damaged costs one warning, and lines then stay in memory until it works again. Only `ask` needs the file at once,
and says so when it fails.
"""

from __future__ import annotations

import atexit
import logging
import os
import re
import weakref
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.errors import HistoryError
from jupyter_modelguard.history import pending as approvals_table
from jupyter_modelguard.history.database import Database
from jupyter_modelguard.history.rows import record_of_row, row_of_record
from jupyter_modelguard.history.writer import Tally, Writer, write_rows

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from jupyter_modelguard.history.pending import PendingApproval
    from jupyter_modelguard.types import CallSite, Decision, HistoryRecord, Outcome

__all__ = ["Store", "Tally"]

_LOG = logging.getLogger(__name__)
_FILE = "history.sqlite"
_STORES: weakref.WeakSet[Store] = weakref.WeakSet()


class Store:
    """The history in one folder, for one process.

    Building one touches no file. Use `next_id` for the id of a record.

    Parameters
    ----------
    home
        Folder of the history, from `jupyter_modelguard.config.home`.
    """

    def __init__(self, home: Path) -> None:
        self.path = home / _FILE
        self._database = Database(self.path)
        self._writer = Writer(self._database)
        self._watches: dict[str, tuple[Connection, int]] = {}
        self._swept = False
        self._pid = os.getpid()
        self._buffer = self._writer.buffer
        _STORES.add(self)

    @property
    def session(self) -> str:
        """Name of this process's part of the history."""
        return self._writer.session

    @property
    def usable(self) -> bool:
        """Whether the database took what it was last given."""
        return not self._database.resting

    def next_id(self) -> str:
        """Make the id of a record: eight hexadecimal digits."""
        return self._writer.next_id()

    def record(self, record: HistoryRecord) -> None:
        """Keep a record; one with the id of an earlier record of this session replaces it."""
        self._buffer.append(record)
        if not self._writer.roused:
            self._writer.rouse()

    def note(self, loader: str, source: str, size: int, at: float, site: CallSite, seconds: float) -> None:  # noqa: PLR0913, PLR0917 as cheap as can be
        """Keep a silent load of a file: size in bytes, `at` in seconds since the epoch, and the seconds it took."""
        self._buffer.append((loader, source, size, at, site, seconds))
        if not self._writer.roused:
            self._writer.rouse()

    def tally(self, loader: str, site: CallSite) -> Tally:
        """Begin to count silent in-memory loads of one loader in one cell; call `bump()` on what it returns for each load."""
        return self._writer.tally(loader, site)

    def flush(self) -> bool:
        """Write what is buffered now; False when the database cannot take it."""
        return self._writer.flush()

    def close(self) -> None:
        """Write the rest, give up what still waits, and let go of the file."""
        if os.getpid() != self._pid:
            return
        self._writer.close()
        if self._watches or self._swept:
            self.abandon(self.session)
        for connection, _ in self._watches.values():
            connection.close()
        self._watches.clear()
        self._database.close()

    def ask(self, record: HistoryRecord, view: dict[str, Any], *, waiting: bool = True) -> bool:
        """Put a load up for decision, written before this returns.

        Parameters
        ----------
        record
            The load; it is recorded too.
        view
            What a person is to be shown, as plain values.
        waiting
            False when the load is not held but has failed, and a decision would count for its next run.

        Returns
        -------
        bool
            False when the database cannot be used; nobody can then answer there.
        """
        try:
            self._sweep()
            with self._database.writing() as connection:
                write_rows(connection, [row_of_record(record, self.session)])
                approvals_table.insert(connection, record, self.session, os.getpid(), view, waiting=waiting)
            if waiting:
                self._watches[record.id] = (self._database.watch(), -1)
        except HistoryError:
            return False
        return True

    def answer(self, identity: str) -> Decision | None:
        """Look whether somebody decided about a load that `ask` put up; cheap enough to call many times a second."""
        watch = self._watches.get(identity)
        if watch is None:
            return None
        connection, seen = watch
        from sqlalchemy.exc import SQLAlchemyError

        try:
            version = connection.exec_driver_sql("PRAGMA data_version").scalar_one()
            if version == seen:
                return None
            self._watches[identity] = (connection, version)
            return approvals_table.decision_of(connection, identity, self.session)
        except SQLAlchemyError:
            _LOG.debug("No answer from the history", exc_info=True)
            return None

    def settle(self, identity: str, decision: Decision) -> Decision:
        """End the wait for a load: the decision that counts is this one, or the one that was there first."""
        try:
            with self._database.writing() as connection:
                if not approvals_table.decide(connection, identity, decision, self.session):
                    decision = approvals_table.decision_of(connection, identity, self.session) or decision
        except HistoryError:
            _LOG.debug("The decision about %s could not be written", identity, exc_info=True)
        self._unwatch(identity)
        return decision

    def decide(self, id_prefix: str, decision: Decision) -> bool:
        """Decide about an undecided load by the first digits of its id; False when somebody was first.

        Raises
        ------
        HistoryError
            No undecided load has this id, several have, or the history cannot be used.
        """
        digits = _digits(id_prefix)
        with self._database.writing() as connection:
            approvals_table.abandon_dead(connection)
            matches = {row.id for row in approvals_table.pending(connection) if row.id.startswith(digits)}
            if len(matches) > 1:
                raise HistoryError(f"{len(matches)} loads wait whose id begins with {id_prefix}; give more digits.")
            return bool(matches) and approvals_table.decide(connection, matches.pop(), decision)

    def claim(self, record: HistoryRecord) -> Decision | None:
        """Use up an approval that came after a load of this same artifact had failed in this session."""
        if not self._swept:  # nothing was ever put up here
            return None
        try:
            with self._database.writing() as connection:
                return approvals_table.claim(connection, record, self.session)
        except HistoryError:
            return None

    def pending(self) -> tuple[PendingApproval, ...]:
        """Undecided loads of processes that are still there, oldest first.

        Raises
        ------
        HistoryError
            The history cannot be used.
        """
        with self._database.writing() as connection:
            approvals_table.abandon_dead(connection)
            return approvals_table.pending(connection)

    def undecided(self, id_prefix: str) -> PendingApproval:
        """Find a load that waits by the first digits of its id.

        Raises
        ------
        HistoryError
            None waits under this id, several do, or the history cannot be used.
        """
        digits = _digits(id_prefix)
        matches = [waiting for waiting in self.pending() if waiting.id.startswith(digits)]
        if not matches:
            raise HistoryError(f"No load #{digits} waits for a decision.")
        if len(matches) > 1:
            raise HistoryError(f"{len(matches)} loads wait whose id begins with #{digits}; give more digits.")
        return matches[0]

    def stop_waiting(self, identity: str) -> None:
        """Say of a load that was put up that its cell has failed: a decision now counts for its next run."""
        self._unwatch(identity)
        try:
            with self._database.writing() as connection:
                approvals_table.stop_waiting(connection, identity, self.session)
        except HistoryError:
            _LOG.debug("Load %s could not be left open", identity, exc_info=True)

    def abandon(self, session: str) -> int:
        """Give up what still waits in a session; say how many loads that were."""
        try:
            with self._database.writing() as connection:
                return approvals_table.abandon(connection, session)
        except HistoryError:
            return 0

    def history(
        self, limit: int = 50, *, notebook: str | None = None, outcome: Outcome | None = None
    ) -> tuple[HistoryRecord, ...]:
        """Look back, the latest first; what could not be written yet is among it.

        Parameters
        ----------
        limit
            How many lines at most.
        notebook, outcome
            Only loads of this notebook, or that ended so.
        """
        if self.flush():
            kept: tuple[HistoryRecord, ...] = ()
        else:
            kept = self._writer.unwritten()
        matching = [
            record
            for record in reversed(kept)
            if (notebook is None or record.request.site.notebook == notebook) and (outcome is None or record.outcome is outcome)
        ]
        try:
            found = self._select(limit, notebook, outcome)
        except HistoryError:
            found = ()
        return (*matching, *found)[:limit]

    def find(self, id_prefix: str) -> HistoryRecord:
        """Find a record by the first digits of its id, with or without the number sign.

        Raises
        ------
        HistoryError
            There is none, there are several, or what was given is no id.
        """
        digits = _digits(id_prefix)
        matches = {record.id: record for record in self._matching(digits)}
        if not self.flush():
            matches.update({record.id: record for record in self._writer.unwritten() if record.id.startswith(digits)})
        if not matches:
            raise HistoryError(f"The history has no load #{digits}. %modelguard history lists the latest.")
        if len(matches) > 1:
            raise HistoryError(f"{len(matches)} loads begin with #{digits}; give more digits.")
        return next(iter(matches.values()))

    def _matching(self, digits: str) -> list[HistoryRecord]:
        from jupyter_modelguard.history.tables import loads

        self.flush()
        try:
            with self._database.reading() as connection:
                rows = connection.execute(
                    loads.select().where(loads.c.id >= digits, loads.c.id < f"{digits}g").order_by(loads.c.number).limit(50)
                )
                return [record_of_row(dict(row)) for row in rows.mappings()]
        except HistoryError:
            return []

    def _select(self, limit: int, notebook: str | None, outcome: Outcome | None) -> tuple[HistoryRecord, ...]:
        from jupyter_modelguard.history.tables import loads

        query = loads.select().order_by(loads.c.at.desc(), loads.c.number.desc()).limit(limit)
        if notebook is not None:
            query = query.where(loads.c.notebook == notebook)
        if outcome is not None:
            query = query.where(loads.c.outcome == outcome.value)
        with self._database.reading() as connection:
            return tuple(record_of_row(dict(row)) for row in connection.execute(query).mappings())

    def _unwatch(self, identity: str) -> None:
        watch = self._watches.pop(identity, None)
        if watch is not None:
            watch[0].close()

    def _sweep(self) -> None:
        """Once a process: mark what waited in kernels that are gone."""
        if not self._swept:
            with self._database.writing() as connection:
                approvals_table.abandon_dead(connection)
            self._swept = True

    def _forget_parent(self) -> None:
        self._database.forget_parent()
        self._writer.forget_parent()
        _INHERITED.append(self._watches)
        self._watches = {}
        self._swept = False
        self._pid = os.getpid()


_INHERITED: list[object] = []  # a forked child must not close what the parent uses, so it keeps it


def _digits(id_prefix: str) -> str:
    digits = id_prefix.strip().removeprefix("#").lower()
    if not re.fullmatch(r"[0-9a-f]{1,8}", digits):
        raise HistoryError("An id is up to eight digits from 0 to f, such as 7f3a.")
    return digits


def _close_all() -> None:
    for store in list(_STORES):
        try:
            store.close()
        except Exception:  # noqa: BLE001 the interpreter is ending
            _LOG.debug("The history was not closed", exc_info=True)


def _after_fork() -> None:
    for store in list(_STORES):
        store._forget_parent()  # noqa: SLF001 the module's own


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
