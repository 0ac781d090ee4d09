"""How the process that reads strangers' bytes is started: with no module from the folder of the notebook.

A new process gets the module search path of the one that starts it, and IPython's names the notebook's folder before the installed
libraries; a script's has its own folder there. A file in a cloned repository could stand in there for whatever the process imports, the
guard included.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.engines.installed import is_installed, namespace_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["environment", "notebook_folders", "starting"]

_ENVIRONMENT = {
    "MODELGUARD_CHILDREN": "",  # it never loads what it reads
    "PYTHONSAFEPATH": "1",  # no module of the working directory, not even while the process starts
    "PYTHONFAULTHANDLER": "",  # a crash of it is an answer, not something to print in the notebook
    "LOKY_MAX_MEMORY_LEAK_SIZE": "1e18",  # bytes; it has a limit of its own, and loky would warn in the notebook
    "OPENBLAS_NUM_THREADS": "1",  # each thread of it reserves address space
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
_OWN = Path(__file__).resolve().parents[2]  # where this package was imported from is where the process finds it
_QUIET = "ignore:resource_tracker:UserWarning"

_here = threading.local()
_changing = threading.Lock()  # two that change the environment at once would each put back what it found, and that is the other's


def environment() -> dict[str, str]:
    """Say what the environment of the process is to be besides this one's."""
    return _ENVIRONMENT | {"PYTHONPATH": _python_path()}


def notebook_folders() -> tuple[str, ...]:
    """Name the folders that this process imports from before the installed libraries, and the worker does not."""
    try:
        here = str(Path.cwd())
    except OSError:
        return ()  # it was removed: nothing can be imported from it
    entries: list[Any] = sys.path  # whatever a program put there
    return _folders_of(here, tuple(entry for entry in entries if isinstance(entry, str)))


@functools.lru_cache(8)
def _folders_of(here: str, entries: tuple[str, ...]) -> tuple[str, ...]:
    folders = (here, *(entry for entry in entries if _of_the_notebook(entry)))
    return tuple(dict.fromkeys(os.path.realpath(folder) for folder in folders))


@contextlib.contextmanager
def starting() -> Iterator[None]:
    """Let this thread start a process of loky's that imports nothing from the notebook's folder."""
    from loky.backend import spawn

    if not hasattr(spawn.get_preparation_data, "__wrapped__"):
        spawn.get_preparation_data = _without_folder(spawn.get_preparation_data)
    with _changing:
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
            data["sys_path"] = [
                entry for entry in data["sys_path"] if isinstance(entry, str) and not _of_the_notebook(entry, data["orig_dir"])
            ]
        return data

    prepared.__wrapped__ = whole  # type: ignore[attr-defined]
    return prepared


def _of_the_notebook(entry: str, first: str | None = None) -> bool:
    """Whether a folder is the one that Python was started in, works in now, or found its script in; never what is installed."""
    real = Path(entry).resolve()
    if real == _OWN or is_installed(str(real / "any.py")):
        return False
    script = (namespace_of("__main__") or {}).get("__file__")
    folders = (Path(), first and Path(first), Path(script).parent if type(script) is str else None)
    return any(real == folder.resolve() for folder in folders if folder)


def _python_path() -> str:
    """Give the variable without what means the working directory, which an empty entry does too: Python reads it before its own path."""
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return os.pathsep.join(entry for entry in entries if Path(entry).is_absolute() and not _of_the_notebook(entry))


def _start_trackers() -> None:
    """Start the processes that take back the locks of killed ones, which inherit this environment and nothing else.

    In a child they would also tell of what they took back: pools kill their processes, which is nothing to tell anybody.
    """
    import multiprocessing
    from multiprocessing import resource_tracker, util

    from loky.backend.resource_tracker import ensure_running

    changes = {"PYTHONSAFEPATH": "1", "PYTHONPATH": _python_path()}
    if multiprocessing.parent_process() is not None:
        changes["PYTHONWARNINGS"] = ",".join(filter(None, (os.environ.get("PYTHONWARNINGS"), _QUIET)))
    before = {name: os.environ.get(name) for name in changes}
    flags = util._args_from_interpreter_flags  # type: ignore[attr-defined]  # noqa: SLF001 there is no public way
    os.environ.update(changes)
    if sys.flags.ignore_environment:  # so do they, and the variables say nothing to them
        util._args_from_interpreter_flags = lambda: [*flags(), "-P"]  # type: ignore[attr-defined]  # noqa: SLF001 as above
    try:
        ensure_running()
        resource_tracker.ensure_running()
    finally:
        util._args_from_interpreter_flags = flags  # type: ignore[attr-defined]  # noqa: SLF001 as above
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


def _after_fork() -> None:
    """Start anew in a forked child: a thread of its parent's may be in the midst of it."""
    global _changing  # noqa: PLW0603 a lock of another process can never be given back
    _changing = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
