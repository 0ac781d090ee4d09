"""The loads of one process that were put up for decision, and the answers that come back from wherever they are given.

Only `Approvals.ask` needs the database at once, and says so when it fails; nothing else here holds a load up. A load that waits keeps a
connection of its own, on which one pragma tells whether anybody has written since, so that looking for an answer costs next to nothing.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.errors import HistoryError
from jupyter_modelguard.history import pending as table
from jupyter_modelguard.history.rows import digits_of, row_of_record
from jupyter_modelguard.history.writer import write_rows

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from jupyter_modelguard.history.database import Database
    from jupyter_modelguard.history.pending import PendingApproval
    from jupyter_modelguard.history.writer import Writer
    from jupyter_modelguard.types import Decision, HistoryRecord

__all__ = ["Approvals"]

_LOG = logging.getLogger(__name__)
_INHERITED: list[object] = []  # a forked child must not close what the parent uses, so it keeps it


class Approvals:
    """What waits for a person.

    Parameters
    ----------
    database
        Where it is kept.
    writer
        Names the session that the loads of this process belong to.
    """

    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._writer = writer
        self._watches: dict[str, tuple[Connection, int]] = {}
        self._swept = False

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
                write_rows(connection, [row_of_record(record, self._writer.session)])
                table.insert(connection, record, self._writer.session, os.getpid(), view, waiting=waiting)
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
            decision = table.decision_of(connection, identity, self._writer.session)
            self._watches[identity] = (connection, version)  # not before it was read: what failed is looked at again
        except SQLAlchemyError:
            _LOG.debug("No answer from the history", exc_info=True)
            return None
        return decision

    def settle(self, identity: str, decision: Decision) -> Decision:
        """End the wait for a load: the decision that counts is this one, or the one that was there first."""
        try:
            with self._database.writing() as connection:
                if not table.decide(connection, identity, decision, self._writer.session):
                    decision = table.decision_of(connection, identity, self._writer.session) or decision
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
        digits = digits_of(id_prefix)
        with self._database.writing() as connection:
            table.abandon_dead(connection)
            matches = {row.id for row in table.pending(connection) if row.id.startswith(digits)}
            if len(matches) > 1:
                raise HistoryError(f"{len(matches)} loads wait whose id begins with {id_prefix}; give more digits.")
            return bool(matches) and table.decide(connection, matches.pop(), decision)

    def claim(self, record: HistoryRecord) -> Decision | None:
        """Use up an approval that came after a load of this same artifact had failed in this session."""
        if not self._swept:  # nothing was ever put up here
            return None
        try:
            with self._database.writing() as connection:
                return table.claim(connection, record, self._writer.session)
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
            table.abandon_dead(connection)
            return table.pending(connection)

    def undecided(self, id_prefix: str) -> PendingApproval:
        """Find a load that waits by the first digits of its id.

        Raises
        ------
        HistoryError
            None waits under this id, several do, or the history cannot be used.
        """
        digits = digits_of(id_prefix)
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
                table.stop_waiting(connection, identity, self._writer.session)
        except HistoryError:
            _LOG.debug("Load %s could not be left open", identity, exc_info=True)

    def abandon(self, session: str) -> int:
        """Give up what still waits in a session; say how many loads that were."""
        try:
            with self._database.writing() as connection:
                return table.abandon(connection, session)
        except HistoryError:
            return 0

    def close(self) -> None:
        """Give up what still waits in this process."""
        if self._watches or self._swept:
            self.abandon(self._writer.session)
        for connection, _ in self._watches.values():
            connection.close()
        self._watches.clear()

    def forget_parent(self) -> None:
        """In a forked child: drop what belongs to the parent without closing it."""
        _INHERITED.append(self._watches)
        self._watches = {}
        self._swept = False

    def _unwatch(self, identity: str) -> None:
        watch = self._watches.pop(identity, None)
        if watch is not None:
            watch[0].close()

    def _sweep(self) -> None:
        """Once a process: mark what waited in kernels that are gone."""
        if not self._swept:
            with self._database.writing() as connection:
                table.abandon_dead(connection)
            self._swept = True
