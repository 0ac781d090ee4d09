"""Threads that a loader starts: what is held on the thread that loads is held on those too.

A load that was proved needs no thread, and on Python 3.11 no audit event tells of one: starting it is refused. What was approved, and a
call that imports, take their scope along to the threads that they start and to what they submit to a pool.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_modelguard.hooks.scopes import Mode, Scope, Suspended, current_scope, thread_state

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["carry_submitted", "guard_thread_start"]


def guard_thread_start(original: Callable[[Any], None]) -> Callable[[Any], None]:
    """Guard `threading.Thread.start`."""

    def start(self: Any) -> None:
        scope = thread_state.scope
        if scope is not None and not thread_state.suspended and self.__dict__.get("_initialized"):
            plain = self.run
            carried = _carried(_fit(scope), plain)

            def run() -> None:
                self.__dict__.pop("run", None)
                carried()

            self.run = run
        original(self)

    start.__modelguard__ = original  # type: ignore[attr-defined]
    return start


def carry_submitted(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Let what is submitted to a pool of threads run under the scope it was submitted in; the pool's own threads keep none."""
    scope = current_scope()
    if scope is None or not args:
        return wrapped(*args, **options)
    function = _carried(_fit(scope), args[0])
    with Suspended():
        return wrapped(function, *args[1:], **options)


def _fit(scope: Scope) -> Scope:
    """Return the scope if other threads may work under it."""
    if scope.mode is Mode.PROVING:
        raise scope.unwind("a thread")
    if scope.mode is Mode.PROVED:
        raise scope.refuse("a thread of its own")
    return scope


def _carried(scope: Scope, function: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any, **options: Any) -> Any:
        kept, thread_state.scope = thread_state.scope, scope
        try:
            return function(*args, **options)
        finally:
            thread_state.scope = kept

    return run
