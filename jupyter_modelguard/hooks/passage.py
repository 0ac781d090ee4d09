"""One guarded load, from the permit to the value: the same steps for every loader.

A wrapper reaches the bytes, asks the gate for a permit, and runs the library's own loader inside a scope that allows exactly what the
permit names. Whatever the loader raises is recorded and passed on; a refusal becomes the one public error.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import os
from typing import TYPE_CHECKING, TypeVar

from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.hooks.calls import current_call
from jupyter_modelguard.hooks.scopes import LoadHeld, Mode, Scope, Suspended, thread_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_modelguard.artifacts.reach import Reached
    from jupyter_modelguard.hooks.gate import Gate, Permit
    from jupyter_modelguard.types import LoadRequest

__all__ = ["Passage", "call_text"]

T = TypeVar("T")
_SHOWN = ("weights_only", "allow_pickle", "trust_remote_code", "mmap_mode", "source", "revision")


def call_text(loader: str, options: dict[str, object]) -> str:
    """Describe a call for people: the loader and those of its arguments that matter to what may run."""
    shown = ", ".join(f"{name}={options[name]!r}" for name in _SHOWN if options.get(name) is not None)
    return f"{loader}({shown})"


class Passage:
    """Takes loads through the gate.

    Parameters
    ----------
    gate
        The guard.
    """

    __slots__ = ("gate",)

    def __init__(self, gate: Gate) -> None:
        self.gate = gate

    @staticmethod
    def inside() -> bool:
        """Whether an outer load of this thread was proved or approved already and holds for what is nested in it."""
        scope = thread_state.scope
        return bool(thread_state.suspended) or (scope is not None and scope.mode is not Mode.CALL)

    def stream(self, request: LoadRequest, reached: Reached, dialect: str, load: Callable[[Permit], T]) -> T:
        """Prove or ask, then run `load` under exactly what was permitted.

        Raises
        ------
        ModelLoadBlockedError
            If the load was kept blocked, or went beyond what was permitted.
        """
        request = self._in_the_name_of_the_call(request)
        with Suspended():
            permit = self.ask(lambda: self.gate.check_stream(request, reached, dialect))
        mode = Mode.APPROVED if permit.approved else Mode.PROVED
        return self.run(request, permit, Scope(mode, permit.names, artifact=reached.name, label=request.loader), load)

    @staticmethod
    def ask(check: Callable[[], Permit]) -> Permit:
        """Ask the gate; inside another load a "no" is sticky, so that the library around it cannot swallow it."""
        try:
            return check()
        except ModelLoadBlockedError as error:
            if thread_state.scope is None:
                raise
            raise thread_state.scope.hold(LoadHeld(str(error), error)) from None

    @staticmethod
    def _in_the_name_of_the_call(request: LoadRequest) -> LoadRequest:
        call = current_call()
        if call is None:
            return request
        call.looked = True
        named = dataclasses.replace(request, loader=call.request.loader, call=call.request.call)
        return named if os.path.isfile(request.source) else dataclasses.replace(named, source=call.request.source)

    def run(self, request: LoadRequest, permit: Permit, scope: Scope, load: Callable[[Permit], T]) -> T:
        """Run a permitted load in its scope and record how it ended."""
        try:
            with _garbage_waits(scope), scope:
                value = load(permit)
        except LoadHeld as held:
            if held.error is None:
                with Suspended():
                    held.error = self.gate.blocked(request, str(held), permit)
            if thread_state.scope is not None:
                raise  # the outermost load says what happened
            raise held.error from None
        except BaseException as error:
            with Suspended():
                self.gate.settle(permit, error)
            raise
        with Suspended():
            self.gate.settle(permit, None)
        return value

    @contextlib.contextmanager
    def public(self, request: LoadRequest) -> Iterator[None]:
        """Turn a refusal that reaches the outermost wrapper into the public error."""
        try:
            yield
        except LoadHeld as held:
            if thread_state.scope is not None:
                raise
            if held.error is None:
                with Suspended():
                    held.error = self.gate.blocked(request, str(held))
            raise held.error from None


@contextlib.contextmanager
def _garbage_waits(scope: Scope) -> Iterator[None]:
    """Hold automatic collection during a proved load: finalizers of the user's own objects must not be judged as the file's doing."""
    if scope.mode is not Mode.PROVED or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
