"""Notices what kernels write to the history: a thread that looks twenty times a second, and asks nothing but a counter while all is still.

It never waits for the server's loop, and the loop never waits for it. Where the history cannot be used it looks again after a while.
"""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING

from jupyter_modelguard.errors import ModelGuardError
from jupyter_modelguard.history.glance import NOTHING, Glance, difference, glance

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.history.glance import Difference
    from jupyter_modelguard.history.store import Store
    from jupyter_modelguard.history.watch import Watch
    from jupyter_modelguard.server.place import HistoryPlace

__all__ = ["Watcher"]

_LOG = logging.getLogger(__name__)
_LOOK = 0.05  # seconds between looks
_TROUBLED = 5.0  # seconds to the next look where the last one failed


class Watcher:
    """Tells what changes in a history.

    Parameters
    ----------
    place
        Where the history is; one that begins later is noticed.
    tell
        Takes what changed, on the watcher's thread.
    """

    def __init__(self, place: HistoryPlace, tell: Callable[[Difference], None]) -> None:
        self._place = place
        self._tell = tell
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="modelguard-watch", daemon=True)
        self._watch: Watch | None = None
        self._file: tuple[int, int] | None = None
        self._seen: Glance | None = None

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(timeout=_TROUBLED)

    def _run(self) -> None:
        pause = 0.0
        while not self._ended.wait(pause):
            pause = _LOOK
            try:
                self._look()
            except ModelGuardError as error:
                _LOG.debug("The history cannot be watched now: %s", error)
                pause = _TROUBLED
            except Exception:  # noqa: BLE001 a fault of ours must not end the thread
                _LOG.exception("The history could not be watched")
                pause = _TROUBLED
            if pause == _TROUBLED:
                self._let_go()
        self._let_go()

    def _look(self) -> None:
        store = self._place.open()
        if store is None:
            if self._seen is None:
                self._seen = NOTHING  # whatever comes now is told
            return
        if not self._changed(store):
            return
        with store.reading() as connection:
            now = glance(connection, self._seen or NOTHING)
        earlier, self._seen = self._seen, now
        if earlier is not None:
            self._tell(difference(earlier, now))

    def _changed(self, store: Store) -> bool:
        file = _identity(store)
        if file != self._file:  # a damaged file was put aside, and another one begun
            self._let_go()
            self._file = file
        if self._watch is None:
            self._watch = store.watch()
        return self._watch.changed()

    def _let_go(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.close()


def _identity(store: Store) -> tuple[int, int] | None:
    try:
        state = os.stat(store.path)  # noqa: PTH116 twenty times a second
    except OSError:
        return None
    return state.st_dev, state.st_ino
