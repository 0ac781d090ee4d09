"""Who is unpickling: the user's own code, a library's traffic or caches, or some other library.

Outside every scope the floor asks this before it judges a global. Processes talk to each other in pickles and libraries keep private
caches; those must never notice the guard, while user code is held by whatever name it calls a loader. User code is every cell, the
script, and every module that lies outside the standard library and site-packages.
"""

from __future__ import annotations

import enum
import functools
import sys
import tomllib
from importlib import resources
from typing import TYPE_CHECKING

from jupyter_modelguard.artifacts.trusted_paths import is_library_code

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

__all__ = ["Caller", "attribute", "be_strict", "is_runner", "is_traffic", "know_own_threads", "user_line"]

_MACHINERY = frozenset({"pickle", "_compat_pickle", "copyreg", "dill", "cloudpickle", "contextlib", "functools", "wrapt"})
_OURS = "jupyter_modelguard"


class Caller(enum.Enum):
    """Whose unpickling it is."""

    USER = "user"
    TRAFFIC = "traffic"
    LIBRARY = "library"


def _read(kind: str) -> frozenset[str]:
    text = resources.files("jupyter_modelguard.hooks").joinpath("traffic.toml").read_text("utf-8")
    return frozenset(row["module"] for row in tomllib.loads(text)[kind])


_TRAFFIC = _read("traffic")
_RUNNERS = _read("runner")
_strict = [False]
_is_own_thread: list[Callable[[], bool]] = [lambda: False]


def be_strict(strict: bool) -> None:  # noqa: FBT001 one switch
    """Let no module's pickles count as traffic, or count those of `traffic.toml` again."""
    _strict[0] = strict
    _attribute_module.cache_clear()


def know_own_threads(is_own_thread: Callable[[], bool]) -> None:
    """Tell on which threads the guard's own processes answer: what arrives there is traffic in strict mode too."""
    _is_own_thread[0] = is_own_thread


def is_traffic(module: str) -> bool:
    """Return whether the pickles of this module are traffic or a private cache (`traffic.toml`)."""
    return not _strict[0] and _covers(_TRAFFIC, module)


def is_runner(module: str) -> bool:
    """Return whether this module runs what others hand it, a bare `pickle.loads` too: what it does is theirs (`traffic.toml`)."""
    return _covers(_RUNNERS, module)


def _covers(rows: frozenset[str], module: str) -> bool:
    while module:
        if module in rows:
            return True
        module = module.rpartition(".")[0]
    return False


def attribute(frame: FrameType | None) -> tuple[Caller, str]:
    """Say whose unpickling it is, from the frame that called the unpickler outwards.

    A loader that somebody handed to a pool, an event loop or the like is the user's, if no other library stands behind it.

    Returns
    -------
    tuple
        The kind of caller and its module's name.
    """
    if _strict[0] and _is_own_thread[0]():
        return Caller.TRAFFIC, _OURS
    while frame is not None:
        module = frame.f_globals.get("__name__")
        if type(module) is not str or module == "__main__":
            return Caller.USER, "__main__"
        caller = _attribute_module(module, frame.f_code.co_filename)
        if caller is not None:
            return caller, module
        frame = frame.f_back
    return Caller.USER, "a thread"


@functools.lru_cache(4096)
def _attribute_module(module: str, filename: str) -> Caller | None:
    """Say whose a module's code is; None for what only stands between a caller and the unpickler."""
    top = module.partition(".")[0]
    if not is_library_code(filename) and not _made_by_a_library(module, filename):
        return Caller.USER
    if is_traffic(module):
        return Caller.TRAFFIC
    if top in _MACHINERY or top == _OURS or is_runner(module):
        return None
    return Caller.LIBRARY


def _made_by_a_library(module: str, filename: str) -> bool:
    """Return whether code without a file (`<string>`, `<attrs generated …>`) was made by the library module that it runs in."""
    if not filename.startswith("<"):
        return False
    path = getattr(sys.modules.get(module), "__file__", None)
    return type(path) is str and is_library_code(path)


def user_line(frame: FrameType | None) -> int | None:
    """Return the line of the nearest frame of a notebook cell or script, for the card and the history."""
    while frame is not None:
        if frame.f_globals.get("__name__") == "__main__":
            return frame.f_lineno
        frame = frame.f_back
    return None
