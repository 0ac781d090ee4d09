"""What a thread may do while it loads: the scopes that the floor judges by.

A deserialization scope is one reader over bytes that were obtained already; a call scope is a loader that downloads, caches and
imports. Scopes nest, each thread has its own, and a refusal is sticky: once something was refused, everything else in that scope is
refused too, and the end of the scope raises even if a library swallowed the refusal.
"""

from __future__ import annotations

import enum
import sys
import threading
from typing import TYPE_CHECKING, Any, Self, TypeVar

from jupyter_modelguard.errors import printable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import CodeType, FrameType, TracebackType

    from jupyter_modelguard.errors import ModelLoadBlockedError

__all__ = [
    "LoadHeld",
    "Mode",
    "Scope",
    "Suspended",
    "Unproved",
    "current_scope",
    "for_each_thread",
    "forget_interrupted",
    "thread_state",
]

T = TypeVar("T", bound=threading.local)


class LoadHeld(BaseException):
    """Something was refused for good.

    Not an `Exception`: libraries catch those and fall back to another way of running the same payload.

    Attributes
    ----------
    error
        The public error that the outermost wrapper raises in its place; None if nobody was asked.
    """

    def __init__(self, why: str, error: ModelLoadBlockedError | None = None) -> None:
        super().__init__(printable(why))  # it may name what a file calls
        self.error = error

    def _render_traceback_(self) -> list[str]:
        """Show IPython's users the message alone, where no wrapper turned this into the public error."""
        return [f"{type(self.error or self).__name__}: {self}"]


class Unproved(BaseException):
    """The fast path met a global that is not closed; the wrapper unwinds and looks at the whole stream."""


class Mode(enum.Enum):
    """How a scope was come by, which says what it allows."""

    PROVING = "proving"  # closed globals alone; the first other one unwinds
    PROVED = "proved"  # exactly what the trace found inert; other audit events are refused as well
    APPROVED = "approved"  # exactly the globals a person was shown
    CALL = "call"  # a loader that imports: closed globals, and code files by digest
    OVERRIDE = "override"  # the caller's own `find_class`, run for a load: what that loads in turn is a load of its own


_thread_locals: list[threading.local] = []
_UNDER_WAY = ("jupyter_modelguard.hooks.", "jupyter_modelguard.stages.", "jupyter_modelguard.approval.")


def for_each_thread(state: T) -> T:
    """Have what a thread keeps during a load forgotten by `forget_interrupted`; `state` gives its defaults as class attributes."""
    _thread_locals.append(state)
    return state


def forget_interrupted() -> None:
    """Set this thread back to what it was before its first load, unless one is under way on it.

    A `KeyboardInterrupt` can arrive as a context of ours is being left, which then stays entered: the thread would look away from every
    later load, or refuse them all.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if str(frame.f_globals.get("__name__")).startswith(_UNDER_WAY):
            return
        frame = frame.f_back
    for state in _thread_locals:
        vars(state).clear()


class _ThreadState(threading.local):
    scope: Scope | None = None
    suspended: int = 0


thread_state = for_each_thread(_ThreadState())


def current_scope() -> Scope | None:
    """Return the innermost scope of this thread, or None while scopes are suspended."""
    return None if thread_state.suspended else thread_state.scope


class Scope:
    """One load on one thread.

    Parameters
    ----------
    mode
        What kind of scope this is.
    allowed
        Raw `(module, name)` pairs that may be resolved beyond the closed ones.
    files
        Digest to content of the code files that may be executed (call scopes).
    artifact
        Path of the file being read, which may be opened again.
    label
        The loader, for messages.
    holds_code
        Whether a call scope holds Python files that are not installed libraries'; not where the call runs the person's own classes.
    code
        Of the function that calls the override, for a scope around one.
    """

    __slots__ = (
        "allowed",
        "alone",
        "artifact",
        "bound",
        "code",
        "expects",
        "files",
        "holds_code",
        "installs",
        "label",
        "maps_for_writing",
        "mode",
        "opened",
        "outer",
        "own_code",
        "refusals",
        "warned",
    )

    def __init__(
        self,
        mode: Mode,
        allowed: frozenset[tuple[str, str]] = frozenset(),
        files: Mapping[str, bytes] | None = None,
        artifact: str = "",
        label: str = "",
        *,
        holds_code: bool = True,
        code: CodeType | None = None,
    ) -> None:
        self.code = code
        self.mode = mode
        self.allowed = allowed
        self.files: dict[str, bytes] = dict(files or {})
        self.artifact = artifact
        self.label = label
        self.holds_code = holds_code
        self.bound = False  # whether a person was shown all that it would call: what it does besides is a surprise
        self.own_code = False  # whether what was shown comes from Python files of the person's own, which import others
        self.expects: frozenset[str] = frozenset()  # surprises of an earlier load, which were on this one's card
        self.installs = False  # whether a person agreed to what is being installed now
        self.alone = False  # whether it was agreed to earlier, for its own bytes: files beside them are another matter
        self.maps_for_writing = False  # whether the caller asked for arrays that write back to the artifact
        self.opened: list[str] = []  # files that a call read, in case it runs one of them as code
        self.refusals: list[LoadHeld | Unproved] = []
        self.warned: list[Any] = []  # warnings to be shown when a proved load is over
        self.outer: Scope | None = None

    def refuse(self, why: str) -> LoadHeld:
        """Refuse something for good: return what to raise."""
        return self.hold(LoadHeld(why))

    def hold(self, held: LoadHeld) -> LoadHeld:
        """Mark this scope and every one around it, and return what to raise."""
        scope: Scope | None = self
        while scope is not None:
            scope.refusals.append(held)
            scope = scope.outer
        return held

    def unwind(self, why: str) -> Unproved:
        """Mark this scope alone, and return what to raise so that the wrapper looks closer."""
        unproved = Unproved(why)
        self.refusals.append(unproved)
        return unproved

    def __enter__(self) -> Self:
        self.outer = thread_state.scope
        thread_state.scope = self
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        thread_state.scope = self.outer
        if self.refusals and not isinstance(error, (LoadHeld, Unproved)):
            # A library swallowed the refusal, or turned it into an error of its own.
            raise self.refusals[0] from error


class Suspended:
    """Our own work on this thread (trace, card, store) is nobody's load; reentrant."""

    __slots__ = ()

    def __enter__(self) -> None:
        thread_state.suspended += 1

    def __exit__(self, *_: object) -> None:
        thread_state.suspended -= 1
