"""A buffer that costs the loading thread an append, and a thread that empties it twice a second at most.

The thread starts with the first line and imports SQLAlchemy there, so that neither `%load_ext` nor the first load waits for it.
What cannot be written is kept and tried again; beyond `_MOST` lines the oldest go, with one warning.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import secrets
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from jupyter_modelguard.errors import HistoryError
from jupyter_modelguard.history.retention import delete_before
from jupyter_modelguard.history.rows import record_of_note, row_of_record
from jupyter_modelguard.types import CallSite, HistoryRecord, LoadRequest, Outcome, RiskLevel

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.history.database import Database
    from jupyter_modelguard.history.rows import Note

__all__ = ["Tally", "Writer"]

_LOG = logging.getLogger(__name__)
_BATCH = 0.5  # seconds between writes while lines keep coming, and before the first one, which imports SQLAlchemy
_SOON = 0.02  # seconds that lines are gathered after a quiet time: somebody may look at the panel
_IDLE = 5.0  # seconds between looks at counters that nobody announced
_SILENCE = 30.0  # seconds that a database which says nothing may take for all of them
_ENDING = 6.0  # seconds that a process which ends tries again where others are at it; Jupyter kills a kernel after five
_MOST = 100_000  # lines kept in memory while the database is in trouble


class Tally:
    """Silent in-memory loads of one loader in one cell, counted without a lock.

    `bump` is the `__next__` of an `itertools.count`: one call into C that no other thread can interrupt, about 30 ns. Reading
    advances the counter too, so that the reads are subtracted.
    """

    def __init__(self, identity: str, loader: str, site: CallSite) -> None:
        self.identity = identity
        self.loader = loader
        self.site = site
        self.at = time.time()
        self.written = 0
        counter = itertools.count()
        self.bump: Callable[[], int] = counter.__next__
        self._reads = 0

    def read(self) -> int:
        """How often `bump` was called; one thread at a time may ask."""
        loads = self.bump() - self._reads
        self._reads += 1
        return loads

    def record(self, count: int) -> HistoryRecord:
        """Make the line that stands for so many loads."""
        return HistoryRecord(
            id=self.identity,
            at=self.at,
            request=LoadRequest(self.loader, self.loader, "<bytes>", self.site),
            outcome=Outcome.LOADED,
            level=RiskLevel.DATA_ONLY,
            count=count,
        )


class Writer:
    """Lines on their way to the database.

    Parameters
    ----------
    database
        Where they go.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.session = secrets.token_hex(8)
        self.buffer: deque[HistoryRecord | Note] = deque()
        self.roused = False
        self.began = False  # whether the history knows of this session
        self.keep_for = 0.0  # seconds; what is older is deleted once, and nothing for 0
        self._first, self._ids = secrets.randbits(32), itertools.count()
        self._kept: list[HistoryRecord | tuple[str, Note]] = []  # taken from the buffer, not yet written
        self._tallies: dict[tuple[str, str | None, str | None, int | None], Tally] = {}
        self._start_afresh()

    def _start_afresh(self) -> None:
        self._lock = threading.Lock()  # of everything the thread also touches, but for the buffer
        self._work = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._lost = False

    def next_id(self) -> str:
        """Eight hexadecimal digits that this session uses once, spread so that a few of them tell two lines apart."""
        return f"{(self._first + next(self._ids) * 0x9E3779B1) & 0xFFFFFFFF:08x}"

    def tally(self, loader: str, site: CallSite) -> Tally:
        """Find or begin the counter for a loader in the cell of a call site."""
        key = (loader, site.notebook, site.cell_id, site.execution_count)
        with self._lock:
            found = self._tallies.get(key)
            if found is None:
                found = self._tallies[key] = Tally(self.next_id(), loader, site)
        self.rouse()
        return found

    def rouse(self) -> None:
        """Have the buffer emptied within half a second or so."""
        self.roused = True
        if self._thread is None:
            self._start()
        self._work.set()

    def flush(self) -> bool:
        """Write what there is now; False when the database cannot take it."""
        with self._lock:
            self.roused = False  # before the buffer is read: a line that comes later rouses again
            self._gather()
            return self._write()

    def unwritten(self) -> tuple[HistoryRecord, ...]:
        """Lines that only memory holds, oldest first."""
        with self._lock:
            self._gather()
            lines = [line if isinstance(line, HistoryRecord) else record_of_note(*line) for line in self._kept]
            for tally in self._tallies.values():
                count = tally.read()
                if count != tally.written:
                    lines.append(tally.record(count))
        return tuple(lines)

    def close(self) -> None:
        """Write the rest and end the thread; a database that others keep busy is tried for some seconds more."""
        self._closing.set()
        self._work.set()
        if self._thread is not None:
            self._thread.join(timeout=2 * _BATCH)
            self._thread = None
        deadline = time.monotonic() + _ENDING
        while not self.flush() and self._database.stir() and time.monotonic() < deadline:
            time.sleep(_SOON)

    def forget_parent(self) -> None:
        """In a forked child: the parent writes its own lines, and its thread does not exist here."""
        self.buffer.clear()
        self._kept.clear()
        self._tallies.clear()
        self.roused = False
        self.began = False
        self.session = secrets.token_hex(8)
        self._start_afresh()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._run, name="modelguard-history", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        last = time.monotonic()
        while not self._closing.is_set():
            self._work.wait(_IDLE if self._tallies or self._kept else None)
            self._work.clear()
            self._closing.wait(max(_SOON, last + _BATCH - time.monotonic()))
            try:
                if self.flush():
                    self._delete_old()
            except Exception:  # noqa: BLE001 a fault of ours must not end the thread
                _LOG.exception("The history could not be written")
            last = time.monotonic()

    def _delete_old(self) -> None:
        seconds, self.keep_for = self.keep_for, 0.0
        if seconds:
            with contextlib.suppress(HistoryError):
                delete_before(self._database, time.time() - seconds)

    def _gather(self) -> None:
        buffer, kept = self.buffer, self._kept
        for _ in range(len(buffer)):
            line = buffer.popleft()
            kept.append((self.next_id(), line) if type(line) is tuple else line)  # type: ignore[arg-type]
        if len(kept) > _MOST:
            del kept[: len(kept) - _MOST]
            if not self._lost:
                self._lost = True
                _LOG.warning("The oldest lines of the history were dropped: it could not be written for too long.")

    def _write(self) -> bool:
        from jupyter_modelguard.history import sessions
        from jupyter_modelguard.history.lines import write_lines

        counts = [(tally, tally.read()) for tally in self._tallies.values()]
        counts = [(tally, count) for tally, count in counts if count != tally.written]
        if not self._kept and not counts:
            return True
        notes: list[tuple[str, Note]] = [line for line in self._kept if type(line) is tuple]
        records = [line for line in self._kept if isinstance(line, HistoryRecord)]
        rows = []
        for record in [*records, *(tally.record(count) for tally, count in counts)]:
            try:
                rows.append(row_of_record(record, self.session))
            except Exception:  # noqa: BLE001 one line that cannot be written must not keep the others
                _LOG.exception("Record %s could not be written", record.id)
        if not notes and not rows:
            self._kept.clear()
            return True
        process = sessions.row_of_process(self.session, notes[0][1][4].notebook if notes else rows[0]["notebook"])
        try:
            with self._database.writing(_SILENCE) as connection:
                sessions.begin(connection, process)
                write_lines(connection, self.session, rows, notes)
        except HistoryError:
            return False
        self._kept.clear()
        for tally, count in counts:
            tally.written = count
        self.began = True
        return True
