"""The history as the rest of the package sees it: note a load, put one up for decision, look back.

Nothing here may change whether a load goes on. Lines are buffered and written by a thread; a database that is locked, full,
read-only or damaged costs one warning, and lines then stay in memory until it works again. What waits for a person is the business of
`Approvals`, which the store passes on to.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.errors import HistoryError
from jupyter_modelguard.history.approvals import Approvals
from jupyter_modelguard.history.database import Database
from jupyter_modelguard.history.lifetime import follow
from jupyter_modelguard.history.rows import digits_of
from jupyter_modelguard.history.sqlite import Sqlite
from jupyter_modelguard.history.watch import Watch
from jupyter_modelguard.history.writer import Tally, Writer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sqlalchemy import Connection

    from jupyter_modelguard.history.backend import Backend
    from jupyter_modelguard.history.chain import Verification
    from jupyter_modelguard.history.pending import PendingApproval
    from jupyter_modelguard.history.search import Search
    from jupyter_modelguard.history.sessions import Session
    from jupyter_modelguard.history.sqlite import Journaling
    from jupyter_modelguard.history.statistics import Statistics
    from jupyter_modelguard.types import CallSite, Decision, HistoryRecord

__all__ = ["Store", "Tally"]

_FILE = "history.sqlite"
_DAY = 86_400.0  # seconds


class Store:
    """The history in one folder or database, for one process.

    Building one touches no file. Use `next_id` for the id of a record.

    Parameters
    ----------
    home
        Folder of the history, from `jupyter_modelguard.config.home`.
    url
        Of a PostgreSQL database that is used instead, `postgresql+psycopg://user@host/name`; a password in it is never shown.
    journal
        How the file is written: "wal", or "delete" where several machines share the folder; None goes by the file system.

    Attributes
    ----------
    path, shown
        Where the file is, if there is one; and where the history is, for people.
    place
        The same text for every process that means the same history; it tells nothing else.
    kind
        "sqlite" or "postgresql".
    """

    def __init__(self, home: Path, url: str | None = None, *, journal: Journaling | None = None) -> None:
        self.path = home / _FILE
        backend: Backend = Sqlite(self.path, journal)
        if url is not None:
            from jupyter_modelguard.history.postgresql import Postgresql

            backend = Postgresql(url)
        self.shown = backend.shown
        self.place = backend.place
        self.kind = backend.name
        self._database = Database(backend)
        self._writer = Writer(self._database)
        self.approvals = Approvals(self._database, self._writer)
        self._pid = os.getpid()
        self._buffer = self._writer.buffer
        follow(self)

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
        self.approvals.close()
        self._database.close()

    def history(self, limit: int = 50, search: Search | None = None) -> tuple[HistoryRecord, ...]:
        """Look back, the latest first; what could not be written yet is among it.

        Parameters
        ----------
        limit
            How many lines at most.
        search
            Only these loads.
        """
        from jupyter_modelguard.history.search import Search, records

        search = search or Search()
        kept = () if self.flush() else self._writer.unwritten()
        matching = [record for record in reversed(kept) if search.matches(record)]
        found: tuple[HistoryRecord, ...] = ()
        with contextlib.suppress(HistoryError), self._database.reading() as connection:
            found = records(connection, search, limit)
        return (*matching, *found)[:limit]

    def answers_about(self, place: str) -> tuple[HistoryRecord, ...]:
        """Give what was decided before about the code of a repository (without its commit) or folder, the latest first."""
        from jupyter_modelguard.history.answers import MOST, about, answers_about

        kept = () if self.flush() else about(place, reversed(self._writer.unwritten()))
        found: tuple[HistoryRecord, ...] = ()
        with contextlib.suppress(HistoryError), self._database.reading() as connection:
            found = answers_about(connection, place)
        return (*kept, *found)[:MOST]

    def blocked_since(self, place: str, entry: str, since: float) -> bool:
        """Say whether anything of a repository or folder was kept blocked after something of it was trusted.

        Parameters
        ----------
        place
            A repository without its commit, or a folder.
        entry
            Id of the load at which it was trusted.
        since
            When that was, in seconds since the epoch.

        Raises
        ------
        HistoryError
            The history cannot be used now, or does not know that load: it may have begun anew since, and then it tells of nothing.
        """
        from jupyter_modelguard.history.answers import blocked_since

        if not self.flush():
            raise HistoryError(f"The history {self.shown} cannot be used at the moment.")
        self.find(entry)
        with self._database.reading() as connection:
            return blocked_since(connection, place, since)

    def find(self, id_prefix: str) -> HistoryRecord:
        """Find a record by the first digits of its id, with or without the number sign.

        Raises
        ------
        HistoryError
            There is none, there are several, or what was given is no id.
        """
        from jupyter_modelguard.history.looking import beginning_with

        digits = digits_of(id_prefix)
        written, matches = self.flush(), {}
        with contextlib.suppress(HistoryError), self._database.reading() as connection:
            matches = {record.id: record for record in beginning_with(connection, digits)}
        if not written:
            matches.update({record.id: record for record in self._writer.unwritten() if record.id.startswith(digits)})
        if not matches:
            raise HistoryError(f"The history has no load #{digits}. %modelguard history lists the latest.")
        if len(matches) > 1:
            raise HistoryError(f"{len(matches)} loads begin with #{digits}; give more digits.")
        return next(iter(matches.values()))

    def keep_for(self, days: float) -> None:
        """Delete lines that are older than so many days, once and in the background, when the next ones are written; 0 keeps all."""
        self._writer.keep_for = days * _DAY

    def delete_before(self, before: float) -> int:
        """Delete what was loaded before a time, in seconds since the epoch, and give how many lines that were.

        Raises
        ------
        HistoryError
            The history cannot be used now; nothing was deleted.
        """
        from jupyter_modelguard.history.retention import delete_before

        self.flush()
        return delete_before(self._database, before)

    def delete(self, ids: Sequence[tuple[str, str]]) -> int:
        """Delete single lines, each named by session and id, and give how many that were; what still waits stays.

        Raises
        ------
        HistoryError
            The history cannot be used now; nothing was deleted.
        """
        from jupyter_modelguard.history.retention import delete_lines

        self.flush()
        return delete_lines(self._database, ids)

    def verify(self, head: str | None = None) -> Verification:
        """Read the chain of everything that was written, and look whether it holds a link that was its head once.

        Raises
        ------
        HistoryError
            The history cannot be used now.
        """
        from jupyter_modelguard.history.chain import verify

        self.flush()
        return verify(self._database, head)

    def sessions(self) -> tuple[Session, ...]:
        """List the processes that wrote lines or asked something, the latest first.

        Raises
        ------
        HistoryError
            The history cannot be used now.
        """
        from jupyter_modelguard.history.sessions import listed

        with self._database.reading() as connection:
            return listed(connection)

    def watch(self) -> Watch:
        """Begin to look whether anybody has written; the caller closes it."""
        return Watch(self._database)

    def reading(self) -> AbstractContextManager[Connection]:
        """Connect for queries of one's own; ask for `tables.mine` in each of them. Raises HistoryError when that cannot be."""
        return self._database.reading()

    def statistics(self, since: float = 0.0) -> Statistics:
        """Count what was loaded since a time, in seconds since the epoch.

        Raises
        ------
        HistoryError
            The history cannot be used now.
        """
        from jupyter_modelguard.history.statistics import statistics_since

        self.flush()
        with self._database.reading() as connection:
            return statistics_since(connection, since)

    def ask(self, record: HistoryRecord, view: dict[str, Any], *, waiting: bool = True) -> bool:
        """Put a load up for decision: see `Approvals.ask`."""
        return self.approvals.ask(record, view, waiting=waiting)

    def answer(self, identity: str) -> Decision | None:
        """Look whether somebody decided about a load that `ask` put up: see `Approvals.answer`."""
        return self.approvals.answer(identity)

    def settle(self, identity: str, decision: Decision) -> Decision:
        """End the wait for a load: see `Approvals.settle`."""
        return self.approvals.settle(identity, decision)

    def decide(self, id_prefix: str, decision: Decision, session: str | None = None, *, seen: str | None = None) -> bool:
        """Decide about an undecided load by the first digits of its id: see `Approvals.decide`."""
        return self.approvals.decide(id_prefix, decision, session, seen=seen)

    def claim(self, record: HistoryRecord) -> Decision | None:
        """Use up an approval that came after a load of this same artifact had failed: see `Approvals.claim`."""
        return self.approvals.claim(record)

    def pending(self) -> tuple[PendingApproval, ...]:
        """Undecided loads of processes that are still there, oldest first: see `Approvals.pending`."""
        return self.approvals.pending()

    def undecided(self, id_prefix: str) -> PendingApproval:
        """Find a load that waits by the first digits of its id: see `Approvals.undecided`."""
        return self.approvals.undecided(id_prefix)

    def stop_waiting(self, identity: str) -> None:
        """Say of a load that was put up that its cell has failed: see `Approvals.stop_waiting`."""
        self.approvals.stop_waiting(identity)

    def abandon(self, session: str) -> int:
        """Give up what still waits in a session: see `Approvals.abandon`."""
        return self.approvals.abandon(session)

    def forget_parent(self) -> None:
        """In a forked child: drop what belongs to the parent without closing it."""
        self._database.forget_parent()
        self._writer.forget_parent()
        self.approvals.forget_parent()
        self._pid = os.getpid()
