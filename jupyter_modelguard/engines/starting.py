"""How the process that reads strangers' bytes is started: with no module from the folder of the notebook.

A new process gets the module search path of the one that starts it, and IPython's names the notebook's folder before the installed
libraries. A file in a cloned repository could stand in there for whatever the process imports, the guard included.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["ENVIRONMENT", "starting"]

ENVIRONMENT = {
    "MODELGUARD_CHILDREN": "",  # it never loads what it reads
    "PYTHONSAFEPATH": "1",  # no module of the working directory, not even while the process starts
    "PYTHONFAULTHANDLER": "",  # a crash of it is an answer, not something to print in the notebook
    "LOKY_MAX_MEMORY_LEAK_SIZE": "1e18",  # bytes; it has a limit of its own, and loky would warn in the notebook
    "OPENBLAS_NUM_THREADS": "1",  # each thread of it reserves address space
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
_OWN = str(Path(__file__).resolve().parents[2])  # where this package was imported from is where the process finds it
_QUIET = "ignore:resource_tracker:UserWarning"

_here = threading.local()


@contextlib.contextmanager
def starting() -> Iterator[None]:
    """Let this thread start a process of loky's that imports nothing from the notebook's folder."""
    from loky.backend import spawn

    if not hasattr(spawn.get_preparation_data, "__wrapped__"):
        spawn.get_preparation_data = _without_folder(spawn.get_preparation_data)
    _start_trackers()
    _here.starting = True
    try:
        with _even_a_daemon():
            yield
    finally:
        _here.starting = False


def _without_folder(whole: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Leave the notebook's folder out of the path that this thread's process is given; other threads' are as they were."""

    def prepared(*arguments: Any, **named: Any) -> dict[str, Any]:
        data = whole(*arguments, **named)
        if getattr(_here, "starting", False):
            data["sys_path"] = [entry for entry in data["sys_path"] if not _of_the_notebook(entry, data)]
        return data

    prepared.__wrapped__ = whole  # type: ignore[attr-defined]
    return prepared


def _of_the_notebook(entry: str, data: dict[str, Any]) -> bool:
    real = os.path.realpath(entry)
    if real == _OWN:
        return False
    return real == os.path.realpath(data["dir"]) or ("" in sys.path and entry == data["orig_dir"])


def _start_trackers() -> None:
    """Start the processes that take back the locks of killed ones, which inherit this environment and nothing else.

    In a child they would also tell of what they took back: pools kill their processes, which is nothing to tell anybody.
    """
    import multiprocessing
    from multiprocessing import resource_tracker

    from loky.backend.resource_tracker import ensure_running

    changes = {"PYTHONSAFEPATH": "1"}
    if multiprocessing.parent_process() is not None:
        changes["PYTHONWARNINGS"] = ",".join(filter(None, (os.environ.get("PYTHONWARNINGS"), _QUIET)))
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        ensure_running()
        resource_tracker.ensure_running()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _even_a_daemon() -> Iterator[None]:
    """Let a daemonic process (a data loader's, a pool's) start one, which ends with whoever started it."""
    import multiprocessing

    settings = multiprocessing.current_process()._config  # type: ignore[attr-defined]  # noqa: SLF001 there is no public way
    daemon = settings.pop("daemon", None)
    try:
        yield
    finally:
        if daemon is not None:
            settings["daemon"] = daemon
