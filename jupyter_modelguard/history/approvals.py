"""The loads of one process that were put up for decision, and the answers that come back from wherever they are given.

Only `Approvals.ask` needs the database at once, and says so when it fails; nothing else here holds a load up. A load that waits keeps a
connection of its own, on which one small question tells whether anybody has written since, so that looking for an answer costs next to
nothing. What fails because of the database is done again by another thread once it is back, see `again`.
"""

from __future__ import annotations

import contextlib
import logging
import os
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.errors import AnotherCardError, HistoryError
from jupyter_modelguard.history import pending as table
from jupyter_modelguard.history.again import Again
from jupyter_modelguard.history.rows import digits_of, row_of_record
from jupyter_modelguard.history.watch import Watch

if TYPE_CHECKING:
    from jupyter_modelguard.history.database import Database
    from jupyter_modelguard.history.pending import PendingApproval
    from jupyter_modelguard.history.sealed import Question
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
        self._watches: dict[str, Watch] = {}
        self._questions: dict[str, Question] = {}  # what was put up, as this process knows it and nobody else can change it
        self._swept = False
        self._again = Again()
        self._away = False  # the database, for those who wait

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
            False when the database cannot be used; nobody can answer there until it can.
        """
        try:
            self._put_up(record, view, waiting=waiting)
        except HistoryError:
            if waiting:
                self._again.do(record.id, lambda: self._put_up(record, view, waiting=True, soon=True))
            return False
        return True

    def _put_up(self, record: HistoryRecord, view: dict[str, Any], *, waiting: bool, soon: bool = False) -> None:
        from jupyter_modelguard.history import sessions
        from jupyter_modelguard.history.lines import write_lines
        from jupyter_modelguard.history.sealed import Question

        session = self._writer.session
        self._sweep(soon=soon)
        process, row = sessions.row_of_process(session, record.request.site.notebook), row_of_record(record, session)
        with self._database.writing(soon=soon) as connection:
            sessions.begin(connection, process)
            write_lines(connection, session, [row])
            table.insert(connection, record, session, os.getpid(), view, waiting=waiting)
        self._writer.began = True
        self._questions[record.id] = Question.of(session, record.id, table.fingerprint(record), view)
        if waiting:
            watch = self._watches[record.id] = Watch(self._database)
            with contextlib.suppress(HistoryError):  # it is opened when it is first looked at, then
                watch.open()

    def answer(self, identity: str) -> Decision | None:
        """Look whether somebody decided about a load that `ask` put up; cheap enough to call many times a second."""
        watch = self._watches.get(identity)
        if watch is None or self._away:
            return None
        try:
            if not watch.changed():
                return None
            with self._database.reading() as connection:
                found = table.decision_of(connection, identity, self._writer.session)
            if found is None:
                return None
            if self._questions[identity].sound(*found):
                return found[0]
            with self._database.writing(soon=True) as connection:
                table.reopen(connection, identity, self._writer.session)
        except HistoryError:
            watch.look_again()  # what failed is looked at again
            self._away = True
            self._again.do("", self._look_for_it)
        except (ValueError, TypeError, KeyError):  # what somebody wrote there need not be a decision
            watch.look_again()
        return None

    def settle(self, identity: str, decision: Decision) -> Decision:
        """End the wait for a load: the decision that counts is this one, or the one that was there first."""
        session, later = self._writer.session, self._again.drop(identity)  # it may be put up just now
        try:
            decision = self._settle(identity, decision)
        except HistoryError:
            later = later or identity in self._questions
        except (ValueError, TypeError, KeyError):
            _LOG.debug("The decision about %s could not be written", identity, exc_info=True)
        if later:
            self._again.do(identity, lambda: self._decided(identity, session, decision), waited_for=False)
        self._unwatch(identity)
        self._questions.pop(identity, None)
        return decision

    def _settle(self, identity: str, decision: Decision) -> Decision:
        session = self._writer.session
        with self._database.writing() as connection:
            if not table.decide(connection, identity, session, decision, used=True):
                earlier = table.decision_of(connection, identity, session)
                if earlier is not None and self._questions[identity].sound(*earlier):
                    return earlier[0]
                if earlier is not None:
                    table.reopen(connection, identity, session)
                    table.decide(connection, identity, session, decision, used=True)
        return decision

    def _decided(self, identity: str, session: str, decision: Decision) -> None:
        with self._database.writing(soon=True) as connection:
            table.decide(connection, identity, session, decision, used=True)
        self._unwatch(identity)

    def _look_for_it(self) -> None:
        with self._database.reading() as connection:
            connection.exec_driver_sql("SELECT 1")
        self._away = False

    def decide(self, id_prefix: str, decision: Decision, session: str | None = None, *, seen: str | None = None) -> bool:
        """Decide about an undecided load by the first digits of its id; False when somebody was first.

        Parameters
        ----------
        id_prefix
            As a person typed it.
        decision
            Yes or no; it is sealed.
        session
            The session of the load, where it is known.
        seen
            The `PendingApproval.seen` of the card that the person looked at; None where nobody looked at one.

        Raises
        ------
        AnotherCardError
            The load is to be allowed, and another card waits than the one that was seen.
        HistoryError
            Several undecided loads have this id, the decision cannot be sealed, or the history cannot be used.
        """
        from jupyter_modelguard.history.sealed import Question

        digits = digits_of(id_prefix)
        with self._database.writing(soon=True) as connection:
            table.abandon_dead(connection)
            row = table.single((row for row in table.pending(connection) if session in {None, row.session}), digits)
            if row is None:
                return False
            question = Question.of(row.session, row.id, row.fingerprint, row.view)
            if decision.allow and seen is not None and seen != question.view:
                raise AnotherCardError(f"The card of load #{row.id} was changed while it was looked at.")
            seal = question.seal(decision) if decision.allow else ""
            return table.decide(connection, row.id, row.session, decision, seal=seal)

    def claim(self, record: HistoryRecord) -> Decision | None:
        """Use up an approval that came after a load of this same artifact had failed in this session."""
        mark = table.fingerprint(record)
        if not mark or all(mark != question.fingerprint for question in self._questions.values()):
            return None  # nothing like it was ever put up here
        session = self._writer.session
        try:
            with self._database.writing() as connection:
                for identity, decision, seal in table.claimable(connection, mark, session):
                    question = self._questions.get(identity)
                    if question is not None and question.fingerprint == mark and question.sound(decision, seal):
                        table.use(connection, identity, session)
                        break
                else:
                    return None
        except (HistoryError, ValueError, TypeError, KeyError):
            return None
        del self._questions[identity]  # whatever becomes of the row, it is not good for a second load
        return decision

    def pending(self) -> tuple[PendingApproval, ...]:
        """Undecided loads of processes that are still there, oldest first.

        Raises
        ------
        HistoryError
            The history cannot be used.
        """
        with self._database.writing(soon=True) as connection:
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
        found = table.single(self.pending(), digits)
        if found is None:
            raise HistoryError(f"No load #{digits} waits for a decision.")
        return found

    def only_here(self, identity: str) -> None:
        """Take a load that was put up back from everybody else: this process cannot hear them where it asks now."""
        self._again.drop(identity)
        try:
            self._take_back(identity)
        except HistoryError:
            self._again.do(identity, lambda: self._take_back(identity))

    def _take_back(self, identity: str) -> None:
        with self._database.writing(soon=True) as connection:
            table.only_here(connection, identity, self._writer.session)

    def stop_waiting(self, identity: str) -> None:
        """Say of a load that was put up that its cell has failed: a decision now counts for its next run."""
        self._again.drop(identity)
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
        """Give up what still waits in this process, and note that it ends."""
        if self._writer.began:
            from jupyter_modelguard.history import sessions

            with contextlib.suppress(HistoryError), self._database.writing() as connection:
                table.abandon(connection, self._writer.session)
                sessions.end(connection, self._writer.session)
            self._writer.began = False
        self._again.close()
        for identity in list(self._watches):
            self._unwatch(identity)

    def forget_parent(self) -> None:
        """In a forked child: drop what belongs to the parent without closing it."""
        _INHERITED.append(self._watches)
        self._watches, self._questions = {}, {}
        self._swept = self._away = False
        self._again = Again()

    def _unwatch(self, identity: str) -> None:
        watch = self._watches.pop(identity, None)
        if watch is not None:
            watch.close()

    def _sweep(self, *, soon: bool) -> None:
        """Once a process: mark what waited in kernels that are gone."""
        if not self._swept:
            with self._database.writing(soon=soon) as connection:
                table.abandon_dead(connection)
            self._swept = True
