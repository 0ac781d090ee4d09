"""Looks at what was saved, as a load of it would be looked at, and remembers what would be asked about.

A save waits for nothing here: it hands over what it wrote and goes on. A thread looks at one file after the other while the user's own code
waits for it: for a moment before the next cell, before a load that would ask, and at the end of the kernel. It imports nothing: that could
meet a library that the user's code has imported by half. Whatever goes wrong means that the file is not remembered.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import logging
import os
import threading
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.hooks.scopes import Suspended
from jupyter_modelguard.policy.trust_folder import check_own
from jupyter_modelguard.stages.deciding import evaluate
from jupyter_modelguard.stages.streams import is_from_the_bytes
from jupyter_modelguard.types import Artifact, LoadRequest, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.artifacts.saved import Saved
    from jupyter_modelguard.engines.trace_cache import TraceCache
    from jupyter_modelguard.history.journal import Journal
    from jupyter_modelguard.stages.born_here import BornHere
    from jupyter_modelguard.stages.own_kernel import OwnKernel

__all__ = ["Saving"]

_LOG = logging.getLogger(__name__)
_MOST = 200  # files that wait
_MOST_BYTES = 1 << 26  # that they keep in memory
_PATIENCE = 10.0  # seconds that a load waits
_AT_THE_END = 3.0  # seconds that the end of the kernel waits
_BETWEEN_CELLS = 0.5  # seconds that the next cell waits; what takes longer is ready for the load that asks for it

# What a look imports; the last reads which version of a library is installed.
_NEEDED = ("jupyter_modelguard.engines.inspection", "jupyter_modelguard.engines.own_code", "email.parser")


class Saving:
    """The saves of one kernel.

    Parameters
    ----------
    traces
        Looks at streams.
    journal
        Makes the records by which a file is known.
    born
        The ledger.
    kernel
        Says whether what is saved is the user's own.
    """

    def __init__(self, traces: TraceCache, journal: Journal, born: BornHere, kernel: OwnKernel) -> None:
        self._traces = traces
        self._journal = journal
        self._born = born
        self._kernel = kernel
        self._waiting: deque[Saved] = deque()
        self._bytes = 0
        self._turn = threading.Condition()
        self._thread: threading.Thread | None = None
        self._busy = False
        self._prepared = False
        self._hurry = 0
        self._closed = False
        self._pid = os.getpid()
        born.catch_up = self.catch_up

    @property
    def remembers(self) -> bool:
        """Whether a save of this moment is worth handing over."""
        return self._kernel.is_own and not self._closed

    def add(self, saved: Saved) -> None:
        """Take what was just saved; it never raises, and returns at once."""
        if not self.remembers:
            saved.close()
            return
        with self._turn:
            self._waiting.append(saved)
            self._bytes += saved.size
            while len(self._waiting) > _MOST or self._bytes > _MOST_BYTES:
                self._drop()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="modelguard-saves", daemon=True)
                _before_the_end(self.close)
                with Suspended():
                    self._thread.start()
            self._turn.notify_all()

    def catch_up(self, seconds: float = _PATIENCE) -> None:
        """Wait until all that was saved before is looked at, for so many seconds at most."""
        if self._thread is None or threading.current_thread() is self._thread or os.getpid() != self._pid:
            return
        if not (self._waiting or self._busy):
            return
        self._prepare()
        deadline = time.monotonic() + seconds
        with self._turn:
            self._hurry += 1
            self._turn.notify_all()
            try:
                self._turn.wait_for(lambda: not (self._waiting or self._busy), deadline - time.monotonic())
            finally:
                self._hurry -= 1

    def begin_cell(self) -> None:
        """Look at what the last cell saved, for a moment."""
        self.catch_up(_BETWEEN_CELLS)

    def close(self) -> None:
        """Look at what waits, and take no more; nothing in a forked child, whose parent does."""
        if os.getpid() != self._pid:
            return
        self.catch_up(_AT_THE_END)
        with self._turn:
            self._closed = True
            while self._waiting:
                self._drop()
            self._turn.notify_all()

    def _prepare(self) -> None:
        """Start the process that looks, on the thread that waits: both import what is needed to look."""
        if self._prepared:
            return
        self._prepared = True
        with Suspended():
            for module in _NEEDED:
                importlib.import_module(module)
            evaluate(self._traces.prepare().report)
        _before_the_end(self.close)

    def _drop(self) -> None:
        saved = self._waiting.popleft()
        self._bytes -= saved.size
        saved.close()

    def _run(self) -> None:
        while (saved := self._next()) is not None:
            try:
                with Suspended():
                    self._look(saved)
            except (ConfigurationError, OSError) as error:
                _LOG.info("What was saved to %s is not remembered: %s", saved.path, error)
            except Exception:  # noqa: BLE001 a fault of ours; the file will be asked about
                _LOG.exception("What was saved to %s could not be looked at", saved.path)
            finally:
                saved.close()
                with self._turn:
                    self._busy = False
                    self._turn.notify_all()

    def _next(self) -> Saved | None:
        with self._turn:
            self._turn.wait_for(lambda: (self._waiting and self._hurry) or self._closed)
            if not self._waiting:
                return None
            self._busy = True
            saved = self._waiting.popleft()
            self._bytes -= saved.size
            return saved

    def _look(self, saved: Saved) -> None:
        from jupyter_modelguard.engines.inspection import inspect_open

        with saved.reach() as reached:
            trace = inspect_open(self._traces.trace(reached, saved.dialect))
            report = dataclasses.replace(trace.report, target=saved.path, size=reached.size)
            assessment = evaluate(report)
            if not assessment.level.asks or trace.error is not None or not is_from_the_bytes(report.format):
                return
            if saved.state is not None:
                check_own(Path(saved.path), saved.state)
            artifact = Artifact(
                os.path.basename(saved.path) or "a saved file",
                saved.path or "<file object>",
                report.format,
                report.digest,
                reached.size,
                alone=True,
            )
            records = tuple(
                self._journal.record(
                    LoadRequest(loader, "", artifact.source), Outcome.WAITING, assessment.level, artifact, report
                )
                for loader in saved.loaders
            )

            def still() -> str:
                content = reached.hold() if saved.data is not None else reached.digest()
                return content if saved.unchanged and self._kernel.is_own else ""

            self._born.keep(records, still, saved.notebook, saved.at)


def _before_the_end(close: Callable[[], None]) -> None:
    """Have something done when the interpreter ends, before the pools of processes that there are by now end too: `atexit` is later."""
    register = getattr(threading, "_register_atexit", None)
    if register is not None:
        with contextlib.suppress(RuntimeError):  # it ends already
            register(close)
