"""What a load may not do that a person approved: more than the card showed.

The card names functions. What they reach for beyond themselves (another program, a connection, native code or a Python file that is no
library's) was not on it, so it ends the load, and is named beside what was agreed to. The next card of the same file says what that was;
an approval of that card covers it. Where the card said that the file runs a command, a command is no surprise.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.artifacts.trusted_paths import is_trusted
from jupyter_modelguard.hooks.scopes import Suspended

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from jupyter_modelguard.hooks.scopes import Scope

__all__ = ["judge_approved_event", "surprise"]

_IMPORTS: Final = importlib._bootstrap._call_with_frames_removed.__code__  # type: ignore[attr-defined] # runs the code of a module


def judge_approved_event(scope: Scope, event: str, args: tuple[Any, ...]) -> None:
    """Raise what ends the load if an event was not on its card."""
    judge = _JUDGES.get(event)
    if judge is not None:
        judge(scope, args)


def surprise(scope: Scope, what: str) -> None:
    """End a load that reaches for something which its card did not show."""
    if scope.refusals:
        raise scope.refusals[0]
    if what not in scope.expects:
        raise scope.refuse(what)


def _judge_program(scope: Scope, args: tuple[Any, ...]) -> None:
    if not _importing():
        surprise(scope, f"another program: {_command(args)}" if args else "another process")


def _judge_connection(scope: Scope, args: tuple[Any, ...]) -> None:
    if not _importing():
        surprise(scope, f"a connection to {args[1]!r:.200}")


def _judge_name(scope: Scope, args: tuple[Any, ...]) -> None:
    """Judge the look-up of a name, which tells whoever answers it what was asked."""
    if not _importing():
        surprise(scope, f"the address of {args[0]!r:.200}")


def _judge_native(scope: Scope, args: tuple[Any, ...]) -> None:
    """Judge a library that is loaded by its path; one that is named alone is the system's."""
    path = os.fsdecode(args[0]) if isinstance(args[0], (str, bytes)) else ""
    if not os.path.dirname(path):
        return
    with Suspended():  # looking at a path raises events of its own
        trusted = is_trusted(path)
    if not trusted:
        surprise(scope, f"the native library {path}")


def _command(args: tuple[Any, ...]) -> str:
    words = args[1] if len(args) > 1 and args[1] is not None else args[0]
    return f"{words!r:.200}"


def _importing() -> bool:
    """Whether a library is being imported, which may ask for the machine's kind and for its networks."""
    frame: FrameType | None = sys._getframe(3)
    while frame is not None and frame.f_code is not _IMPORTS:
        frame = frame.f_back
    return frame is not None


_JUDGES: Final[dict[str, Callable[[Scope, tuple[Any, ...]], None]]] = {
    "ctypes.dlopen": _judge_native,
    "import": lambda scope, args: _judge_native(scope, args[1:]),  # extension modules alone have a file here
    "os.exec": _judge_program,
    "os.fork": _judge_program,
    "os.forkpty": _judge_program,
    "os.posix_spawn": _judge_program,
    "os.spawn": lambda scope, args: _judge_program(scope, args[1:]),
    "os.startfile": _judge_program,
    "os.system": _judge_program,
    "pty.spawn": _judge_program,
    "socket.bind": _judge_connection,
    "socket.connect": _judge_connection,
    "socket.getaddrinfo": _judge_name,
    "socket.gethostbyaddr": _judge_name,
    "socket.gethostbyname": _judge_name,
    "socket.sendto": _judge_connection,
    "subprocess.Popen": _judge_program,
}
