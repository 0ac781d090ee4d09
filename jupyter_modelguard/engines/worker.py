"""The process that reads strangers' bytes, so that the kernel never does.

One worker, started with the first task and kept warm, limited in memory and in time for each task. When it dies, hangs or runs out of
memory the task's answer is "not inspected", and the next task gets a fresh one. It never sees the user's `__main__` and never imports
from the working directory.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import threading
import time
import weakref
from concurrent.futures import TimeoutError as TaskTimeoutError
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.engines import worker_tasks
from jupyter_modelguard.engines.byte_ranges import complete
from jupyter_modelguard.engines.merging import missed_report
from jupyter_modelguard.engines.starting import environment, notebook_folders, starting
from jupyter_modelguard.engines.verdict import StreamTrace, failed
from jupyter_modelguard.types import Explanation, ScanReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from jupyter_modelguard.artifacts.source import StreamSource
    from jupyter_modelguard.types import CodeFile

__all__ = ["Worker"]

_MEMORY = 4 << 30  # bytes of address space beyond what the worker starts with
_SECONDS = 60.0
_SECONDS_TO_IMPORT = 20.0  # engines of other packages
_PATIENCE = 0.3  # seconds before somebody who waits is told so
_PATIENCE_AT_FIRST = 2.0  # where the process has to be started, which is nothing that a file is to blame for
_BEAT = 0.1  # seconds between words to somebody who waits

_log = logging.getLogger(__name__)


class Worker:
    """Runs scans in a limited process of its own.

    Parameters
    ----------
    seconds
        What one task may take before the process is killed.
    memory
        Bytes of address space that the process may take beyond what it starts with.
    """

    def __init__(self, seconds: float = _SECONDS, memory: int = _MEMORY) -> None:
        self._seconds = seconds
        self._memory = memory
        self._lock = threading.Lock()
        self._pool: Any = None
        self._owner = 0
        self._waiting = threading.local()
        self._brought: str | None = None  # why no engine of another package can be had, once that is known
        atexit.register(self.close)
        _workers.add(self)

    def trace(self, source: StreamSource, dialect: str) -> StreamTrace:
        """Trace a stream, see `jupyter_modelguard.engines.trace.trace_stream`. What stops the process was not inspected."""
        answer = self._run(worker_tasks.traced, source, dialect)
        return answer if isinstance(answer, StreamTrace) else failed(source, dialect, answer)

    def explain(self, trace: StreamTrace, dialect: str) -> Explanation:
        """Write down what a traced stream does; nothing where that takes too much."""
        answer = self._run(worker_tasks.explained, trace, dialect)
        return answer if isinstance(answer, Explanation) else Explanation()

    def scan(self, path: str, *, seconds: float | None = None, opinions: bool = False) -> ScanReport:
        """Scan a file, see `jupyter_modelguard.engines.scanner.scan_file`. What stops the process was not inspected.

        Parameters
        ----------
        path
            Of a regular file.
        seconds
            What it may take; as long as any task by default.
        opinions
            Whether other scanners are asked, too. If one of them takes the process with it, the file is scanned again without.

        Raises
        ------
        OSError
            If the scan failed and the file is not there any more.
        """
        answer = self._run(worker_tasks.scanned, path, notebook_folders(), opinions, not self.engines_left_out(), seconds=seconds)
        if isinstance(answer, ScanReport):
            return answer
        if opinions:
            from jupyter_modelguard.engines.second_opinions import without_answer

            return without_answer(self.scan(path, seconds=seconds), answer)
        size = Path(path).stat().st_size
        return complete(missed_report(path, "unknown", size, answer), size)

    def scan_code(self, origin: str, files: tuple[CodeFile, ...], *, beside: Sequence[str] = ()) -> ScanReport:
        """Read code files, see `jupyter_modelguard.engines.code.scan_code`. What stops the process was not inspected.

        What lies beside the code of a local folder is listed there. Modules that the code names are looked for in the folders that this
        process imports from, and the limited one does not.
        """
        answer = self._run(worker_tasks.scanned_code, origin, files, tuple(beside), notebook_folders())
        if isinstance(answer, ScanReport):
            return answer
        from jupyter_modelguard.engines.code import unread_code

        return unread_code(origin, files, answer)

    def engines_left_out(self) -> str:
        """Say why no engine of another package can be had: importing one of them stopped the process, or never ended."""
        if self._brought is None:
            answer = self._run(worker_tasks.broken, seconds=min(_SECONDS_TO_IMPORT, self._seconds))
            self._brought = answer if isinstance(answer, str) else ""
            if self._brought:
                _log.warning("the engines of other packages cannot be had: %s", self._brought)
        return self._brought

    def broken_engines(self) -> dict[str, str]:
        """Name the engines of other packages that cannot be had, and why; they are imported in the process, not here."""
        why = self.engines_left_out()
        found = why or self._run(worker_tasks.broken)
        return found if isinstance(found, dict) else {"engines of other packages": found}

    def attempt(self, task: Callable[..., Any], *arguments: Any, seconds: float | None = None) -> Any:
        """Run a task there, within so many seconds; give its value, or the sentence that says why there is none.

        A `ScanError` that it raises is its own sentence.
        """
        allowed = None if seconds is None else min(seconds, self._seconds)
        return self._run(worker_tasks.attempted, task, arguments, seconds=allowed)

    def answers_here(self) -> bool:
        """Return whether this is the thread on which the process's answers arrive."""
        return threading.current_thread() is getattr(self._pool, "_executor_manager_thread", None)

    @contextlib.contextmanager
    def telling(self, beat: Callable[[float], bool] | None) -> Iterator[None]:
        """Have `beat` called, on this thread, while a task of it takes long: with the seconds it took, and False ends the task."""
        self._waiting.beat = beat
        try:
            yield
        finally:
            self._waiting.beat = None

    def stop(self) -> None:
        """End the process in the midst of what another thread waits for; that thread is told so at once."""
        self._discard()

    def close(self) -> None:
        """End the process; the next task would start another."""
        with self._lock:
            self._discard(wait=True)  # else Python may end before the pool gave its locks back, and says so

    def _run(self, task: Callable[..., Any], *arguments: Any, seconds: float | None = None) -> Any:
        """Give the task's value, or the sentence that says why there is none. Tasks of several threads take turns."""
        allowed = self._seconds if seconds is None else seconds
        with self._lock:
            started = time.monotonic()
            patience = _PATIENCE if self._pool is not None else _PATIENCE_AT_FIRST
            start = contextlib.nullcontext() if self._pool is not None else starting()
            try:
                with start:
                    future = self._ready().submit(task, *arguments)
                if (beat := getattr(self._waiting, "beat", None)) is not None and not _told(future, started, patience, beat):
                    self._discard()
                    return "the check was stopped"
                return future.result(timeout=max(0.0, started + allowed - time.monotonic()))
            except TaskTimeoutError:
                self._discard()
                return f"it took longer than {allowed:g} seconds to read"
            except MemoryError:
                self._discard()
                return "it takes more memory to read than a scan may have"
            except (Exception, SystemExit) as error:  # noqa: BLE001 whatever went wrong there, nothing was inspected
                self._discard()
                _log.debug("the scan process failed", exc_info=True)
                return f"the process that reads it stopped ({type(error).__name__})"
            except BaseException:
                self._discard()  # interrupted while waiting: whatever runs there is not wanted any more
                raise

    def _ready(self) -> Any:
        if self._pool is None:
            import multiprocessing

            from loky import ProcessPoolExecutor

            self._owner = os.getpid()
            self._pool = ProcessPoolExecutor(
                max_workers=1, initializer=worker_tasks.limit, initargs=(self._owner, self._memory), env=environment()
            )
            if multiprocessing.parent_process() is not None:
                from multiprocessing.util import Finalize

                # A child runs no atexit functions, but waits at its end for every process that it started.
                Finalize(None, self.close, exitpriority=100)
        return self._pool

    def _discard(self, *, wait: bool = False) -> None:
        pool, self._pool = self._pool, None
        if pool is not None and self._owner == os.getpid():
            with contextlib.suppress(Exception):
                pool.shutdown(wait=wait, kill_workers=True)


_workers: weakref.WeakSet[Worker] = weakref.WeakSet()


def _after_fork() -> None:
    """Start anew in a forked child: it must neither talk to its parent's process nor wait for a lock of its parent's threads."""
    for worker in _workers:
        worker._lock = threading.Lock()  # noqa: SLF001
        worker._pool = None  # noqa: SLF001


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _told(future: Any, started: float, patience: float, beat: Callable[[float], bool]) -> bool:
    """Wait for a task and say that it takes long; False when it is to be stopped."""
    pause = patience
    while True:
        try:
            future.result(timeout=pause)
        except TaskTimeoutError:
            if not future.done() and not beat(time.monotonic() - started):
                return False
            if time.monotonic() - started > _SECONDS:
                return True  # the limit is the caller's to say
            pause = _BEAT
        else:
            return True
