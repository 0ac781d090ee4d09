"""What could not be done while the database was in trouble, done as soon as it can be, by a thread of its own.

Whoever waits for a person goes on to wait for nothing else: a database that hangs makes this thread hang, and no other. It begins with the
first thing that has to be done again and ends with the last one.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from jupyter_modelguard.errors import HistoryError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Again"]

_LOG = logging.getLogger(__name__)
_SOON = 1.0  # seconds between tries while somebody waits
_LATER = 10.0  # seconds, while nobody does


class Again:
    """Things to be tried until they raise no `HistoryError`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[str, tuple[Callable[[], None], bool]] = {}
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def do(self, name: str, job: Callable[[], None], *, waited_for: bool = True) -> None:
        """Have something done in a moment, in place of what has the same name."""
        with self._lock:
            self._jobs[name] = job, waited_for
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._run, name="modelguard-again", daemon=True)
                self._thread.start()

    def drop(self, name: str) -> bool:
        """Leave something undone, unless it is just being done; False where there was nothing."""
        with self._lock:
            return self._jobs.pop(name, None) is not None

    def close(self) -> None:
        """End the thread, whatever is left to do."""
        self._closing.set()

    def _run(self) -> None:
        while not self._closing.wait(_SOON if self._waited_for() else _LATER):
            for name, (job, waited_for) in list(self._jobs.items()):
                try:
                    job()
                except HistoryError:
                    continue
                except Exception:  # noqa: BLE001 a fault of ours must not end the thread
                    _LOG.exception("Something could not be done again")
                with self._lock:
                    if self._jobs.get(name) == (job, waited_for):
                        del self._jobs[name]
            with self._lock:
                if not self._jobs:
                    self._thread = None
                    return

    def _waited_for(self) -> bool:
        with self._lock:
            return any(waited_for for _, waited_for in self._jobs.values())
