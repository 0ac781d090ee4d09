"""What became of each load of this process, from where it stood in the user's code to how it ended.

The guard says what happened; the journal knows where user code is, keeps a load that is under way until it ends, and hands the lines to
the store.
"""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

from jupyter_modelguard.types import CallSite, HistoryRecord, LoadRequest, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.history.store import Store
    from jupyter_modelguard.types import Artifact, Decision, RiskLevel, ScanReport

__all__ = ["CellTally", "Journal"]

_LONGEST_ERROR = 500  # characters


class CellTally:
    """Counts silent in-memory loads of one loader, cell by cell, at the price of one call into C.

    Parameters
    ----------
    begin
        Starts a line of the history and returns the function that counts one load on it.
    """

    __slots__ = ("_begin", "bump")

    def __init__(self, begin: Callable[[], Callable[[], int]]) -> None:
        self._begin = begin
        self.bump: Callable[[], int] = self._first

    def next_cell(self) -> None:
        """Let the next load start a line of its own."""
        self.bump = self._first

    def _first(self) -> int:
        self.bump = self._begin()
        return self.bump()


class Journal:
    """Writes the history of one process.

    Parameters
    ----------
    store
        Where the lines go.
    site
        Says where user code stands; asked once a cell.
    """

    def __init__(self, store: Store, site: Callable[[], CallSite] = CallSite) -> None:
        self._store = store
        self._site_of = site
        self._site = site()
        self._lines: dict[int, CallSite] = {}  # of this cell; thousands of loads share a line
        self._tallies: dict[str, CellTally] = {}
        self._under_way: dict[str, tuple[HistoryRecord, float]] = {}

    @property
    def busy(self) -> bool:
        """Whether a permitted load has not ended yet."""
        return bool(self._under_way)

    def begin_cell(self) -> None:
        """Note that user code goes on in another cell."""
        self._site = self._site_of()
        self._lines = {}
        for tally in self._tallies.values():
            tally.next_cell()

    def site(self, line: int | None) -> CallSite:
        """Return where user code stands, at a line of the cell if one is known."""
        if line is None:
            return self._site
        site = self._lines.get(line)
        if site is None:
            site = self._lines[line] = dataclasses.replace(self._site, line=line)
        return site

    def tally(self, loader: str) -> CellTally:
        """Return the counter of a loader's silent in-memory loads."""
        return self._tallies.setdefault(loader, CellTally(lambda: self._store.tally(loader, self._site).bump))

    def note(self, loader: str, source: str, size: int, seconds: float, line: int | None) -> None:
        """Write a silent load of a file: size in bytes, -1 if it is not known, and the seconds it took."""
        self._store.note(loader, source, size, time.time(), self.site(line), seconds)

    def record(  # noqa: PLR0913 one value a field
        self,
        request: LoadRequest,
        outcome: Outcome,
        level: RiskLevel | None = None,
        artifact: Artifact | None = None,
        report: ScanReport | None = None,
        *,
        seconds: float = 0.0,
        error: str = "",
    ) -> HistoryRecord:
        """Make a record with an id of its own; a load that has ended is written, one that waits is not."""
        record = HistoryRecord(
            self._store.next_id(),
            time.time(),
            request,
            outcome,
            level,
            artifact,
            report,
            seconds=seconds,
            error=error[:_LONGEST_ERROR],
        )
        if outcome is not Outcome.WAITING:
            self._store.record(record)
        return record

    def amend(self, record: HistoryRecord, error: str) -> None:
        """Write a line again with what is known by now."""
        self._store.record(dataclasses.replace(record, error=error[:_LONGEST_ERROR]))

    def answers_about(self, place: str) -> tuple[HistoryRecord, ...]:
        """Give what was decided before about the code of a repository (without its commit) or folder, the latest first."""
        return self._store.answers_about(place)

    def blocked_since(self, place: str, entry: str, since: float) -> bool:
        """Say whether anything of a place was kept blocked after it was trusted: see `Store.blocked_since`."""
        return self._store.blocked_since(place, entry, since)

    def begin(self, record: HistoryRecord, decision: Decision, started: float) -> None:
        """Keep a permitted load until it ends; `started` is a reading of `time.perf_counter`."""
        self._under_way[record.id] = dataclasses.replace(record, decision=decision), started

    def deny(self, record: HistoryRecord, decision: Decision, started: float) -> HistoryRecord:
        """Write a load that was kept blocked."""
        seconds = time.perf_counter() - started
        denied = dataclasses.replace(record, decision=decision, outcome=Outcome.BLOCKED, seconds=seconds)
        self._store.record(denied)
        return denied

    def end(self, identity: str, outcome: Outcome, error: str = "") -> HistoryRecord | None:
        """Write how a permitted load ended, and give its record; None if none of that id is under way."""
        known = self._under_way.pop(identity, None)
        if known is None:
            return None
        record, started = known
        seconds = time.perf_counter() - started
        ended = dataclasses.replace(record, outcome=outcome, seconds=seconds, error=error[:_LONGEST_ERROR])
        self._store.record(ended)
        return ended
