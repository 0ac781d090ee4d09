"""What was seen but not held: globals that a library resolved for itself, outside every guarded load.

One line a library and cell, and one count a name. The line is begun with the first name and completed when the cell ends, so that counting
costs the library an entry in a dictionary.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from jupyter_modelguard.types import LoadRequest, Outcome

if TYPE_CHECKING:
    from jupyter_modelguard.history.journal import Journal
    from jupyter_modelguard.types import HistoryRecord

__all__ = ["Unguarded"]


class Unguarded:
    """Counts what libraries resolve for themselves.

    Parameters
    ----------
    journal
        Where the lines go.

    Attributes
    ----------
    totals
        Since the guard began: how often each `(library module, global)` was seen.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self._cell: dict[tuple[str, str], int] = {}
        self._lines: dict[str, HistoryRecord] = {}
        self.totals: dict[tuple[str, str], int] = {}

    def seen(self, library: str, name: str) -> None:
        """Count one global that a library's module resolved."""
        key = library, name
        self._cell[key] = self._cell.get(key, 0) + 1
        if library not in self._lines:
            self._begin(library, name)

    def next_cell(self) -> None:
        """Complete the lines of the cell that ends; the next one has lines of its own."""
        if not self._cell:
            return
        with self._lock:
            cell, self._cell = self._cell, {}
            lines, self._lines = self._lines, {}
        for key, count in cell.items():
            self.totals[key] = self.totals.get(key, 0) + count
        for library, line in lines.items():
            names = [f"{name} ×{count}" for (of, name), count in cell.items() if of == library]
            self._journal.amend(line, f"resolved {', '.join(names)}")

    def by_library(self) -> dict[str, dict[str, int]]:
        """Return how often each library's module resolved which global, this cell included."""
        found: dict[str, dict[str, int]] = {}
        for counts in (self.totals, dict(self._cell)):
            for (library, name), count in counts.items():
                names = found.setdefault(library, {})
                names[name] = names.get(name, 0) + count
        return found

    def _begin(self, library: str, name: str) -> None:
        with self._lock:
            if library not in self._lines:
                request = LoadRequest(library, "", "<not held>", self._journal.site(None))
                self._lines[library] = self._journal.record(request, Outcome.UNGUARDED, error=f"resolved {name}")
