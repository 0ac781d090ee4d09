"""What a load may not do that passes because it was trusted: reach for anything but the bytes that the trust is bound to.

A function that was agreed to may read a file beside the one in hand, a database or a connection, or have another program do so; what comes
from there was not shown to anybody and can change. Most of it is seen as it happens, by the interpreter's audit events. Libraries that open
a file in native code raise none: those that run code of what they open are stopped as they are called (`stay_within`).
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.artifacts.trusted_paths import is_time_zone, is_trusted
from jupyter_modelguard.hooks.scopes import Suspended, thread_state

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from jupyter_modelguard.hooks.scopes import Scope

__all__ = ["judge_trusted_event", "stay_within"]

_OPENS_FIRST: Final = "joblib.numpy_pickle"  # opens the artifact by itself, and is then handed what was looked at
_IMPORTS: Final = importlib._bootstrap._call_with_frames_removed.__code__  # type: ignore[attr-defined] # runs the code of a module
_IN_MEMORY: Final = ("", ":memory:")


def judge_trusted_event(scope: Scope, event: str, args: tuple[Any, ...]) -> None:
    """Raise what ends the load, and the trust in it, if an event reaches past the bytes in hand."""
    judge = _JUDGES.get(event)
    if judge is not None:
        judge(scope, args)


def stay_within(target: object) -> None:
    """Refuse a loader that runs code of a file, within a trusted load: that file is another one. Files of libraries may be loaded."""
    scope = thread_state.scope
    if scope is None or not scope.alone or thread_state.suspended or not isinstance(target, (str, bytes, os.PathLike)):
        return
    with Suspended():
        path = os.path.abspath(os.fsdecode(target))
        trusted = is_trusted(path)
    if not trusted:
        raise scope.refuse(f"the file {path}")


def _judge_open(scope: Scope, args: tuple[Any, ...]) -> None:
    path, mode, flags = args
    reads = (flags & (os.O_WRONLY | os.O_TRUNC)) == 0 if type(flags) is int else mode in ("r", "rb")
    if not reads or type(path) is int:
        return
    with Suspended():  # looking at a path raises events of its own
        read = os.path.abspath(os.fsdecode(path)) if isinstance(path, (str, bytes)) else ""
        if read == os.devnull or is_trusted(read) or is_time_zone(read):
            return
    if read == scope.artifact and sys._getframe(3).f_globals.get("__name__") == _OPENS_FIRST:
        return
    raise scope.refuse(f"the file {read}")


def _judge_native(scope: Scope, args: tuple[Any, ...]) -> None:
    """Judge a library that is loaded by its path; one that is named alone is the system's."""
    path = os.fsdecode(args[0]) if isinstance(args[0], (str, bytes)) else ""
    if not os.path.dirname(path):
        return
    with Suspended():
        trusted = is_trusted(path)
    if not trusted:
        raise scope.refuse(f"the native library {path}")


def _judge_database(scope: Scope, args: tuple[Any, ...]) -> None:
    if args[0] not in _IN_MEMORY:
        raise scope.refuse(f"the database {args[0]!r:.200}")


def _judge_connection(scope: Scope, args: tuple[Any, ...]) -> None:
    if not _importing():
        raise scope.refuse(f"a connection to {args[1]!r:.200}")


def _judge_program(scope: Scope, args: tuple[Any, ...]) -> None:
    if not _importing():
        raise scope.refuse(f"another program: {args[0]!r:.200}" if args else "another process")


def _importing() -> bool:
    """Whether a library is being imported, which may ask for the machine's kind and for its networks; planted modules never get here."""
    frame: FrameType | None = sys._getframe(3)
    while frame is not None and frame.f_code is not _IMPORTS:
        frame = frame.f_back
    return frame is not None


_JUDGES: Final[dict[str, Callable[[Scope, tuple[Any, ...]], None]]] = {
    "open": _judge_open,
    "ctypes.dlopen": _judge_native,
    "import": lambda scope, args: _judge_native(scope, args[1:]),  # extension modules alone have a file here
    "sqlite3.connect": _judge_database,
    "socket.connect": _judge_connection,
    "socket.bind": _judge_connection,
    "socket.sendto": _judge_connection,
    "subprocess.Popen": _judge_program,
    "os.system": _judge_program,
    "os.exec": _judge_program,
    "os.posix_spawn": _judge_program,
    "os.spawn": lambda scope, args: _judge_program(scope, args[1:]),
    "os.fork": _judge_program,
    "os.forkpty": _judge_program,
}
