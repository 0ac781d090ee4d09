"""Who is unpickling: the user's own code, a library's traffic or caches, or some other library.

Outside every scope the floor asks this before it judges a global. Processes talk to each other in pickles and libraries keep private
caches; those must never notice the guard, while user code is held by whatever name it calls a loader.
"""

from __future__ import annotations

import enum
import tomllib
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["Caller", "attribute", "is_traffic", "user_line"]

_MACHINERY = frozenset({"pickle", "_compat_pickle", "copyreg", "dill", "cloudpickle", "contextlib", "functools", "wrapt"})
_OURS = "jupyter_modelguard"


class Caller(enum.Enum):
    """Whose unpickling it is."""

    USER = "user"
    TRAFFIC = "traffic"
    LIBRARY = "library"


def _read_traffic() -> frozenset[str]:
    text = resources.files("jupyter_modelguard.hooks").joinpath("traffic.toml").read_text("utf-8")
    return frozenset(row["module"] for row in tomllib.loads(text)["traffic"])


_TRAFFIC = _read_traffic()


def is_traffic(module: str) -> bool:
    """Return whether the pickles of this module are traffic or a private cache (`traffic.toml`)."""
    while module:
        if module in _TRAFFIC:
            return True
        module = module.rpartition(".")[0]
    return False


def attribute(frame: FrameType | None) -> tuple[Caller, str]:
    """Say whose unpickling it is, from the frame that called the unpickler outwards.

    Returns
    -------
    tuple
        The kind of caller and its module's name.
    """
    while frame is not None:
        module = frame.f_globals.get("__name__")
        if type(module) is not str or module == "__main__":
            return Caller.USER, "__main__"
        top = module.partition(".")[0]
        if top not in _MACHINERY and top != _OURS:
            return (Caller.TRAFFIC if is_traffic(module) else Caller.LIBRARY), module
        frame = frame.f_back
    return Caller.LIBRARY, ""


def user_line(frame: FrameType | None) -> int | None:
    """Return the line of the nearest frame of a notebook cell or script, for the card and the history."""
    while frame is not None:
        if frame.f_globals.get("__name__") == "__main__":
            return frame.f_lineno
        frame = frame.f_back
    return None
