"""One guarded load, from the permit to the value: the same steps for every loader.

A wrapper reaches the bytes, asks the gate for a permit, and runs the library's own loader inside a scope that allows exactly what the
permit names. Whatever the loader raises is recorded and passed on; a refusal becomes the one public error.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import os
import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.hooks.calls import Call, current_call
from jupyter_modelguard.hooks.scopes import LoadHeld, Mode, Scope, Suspended, thread_state
from jupyter_modelguard.hooks.shown_warnings import show_warnings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import FrameType

    from jupyter_modelguard.artifacts.reach import Reached
    from jupyter_modelguard.hooks.gate import Gate, Permit
    from jupyter_modelguard.types import CodeFile, LoadRequest

__all__ = ["Passage", "call_text"]

T = TypeVar("T")
# Encodings in which ASCII bytes, and no others, are the letters they are everywhere; ways to read what is no text but to leave it out.
_ENCODINGS = frozenset({"ascii", "us-ascii", "latin1", "latin-1", "iso-8859-1", "cp1252", "utf-8", "utf8", "bytes"})
_ERRORS = frozenset({"strict", "replace", "surrogateescape", "backslashreplace"})
_OWN_LOADS = frozenset({Mode.CALL, Mode.OVERRIDE})  # scopes in which a load is looked at for itself
_SHOWN = ("weights_only", "allow_pickle", "trust_remote_code", "mmap_mode", "source", "revision")


def call_text(loader: str, options: dict[str, object]) -> str:
    """Describe a call for people: the loader and those of its arguments that matter to what may run."""
    shown = ", ".join(f"{name}={options[name]!r}" for name in _SHOWN if options.get(name) is not None)
    return f"{loader}({shown})"


def _other_text(options: Mapping[str, Any]) -> str:
    """Say how the text of old protocols would read otherwise than it was looked at: with other letters, or with some left out."""
    encoding, errors = options.get("encoding", "ASCII"), options.get("errors", "strict")
    if type(encoding) is not str or encoding.lower() not in _ENCODINGS:
        return f"text in the encoding {encoding!r:.40}"
    return "" if type(errors) is str and errors in _ERRORS else f"text with errors={errors!r:.40}"


def _other_input(options: Mapping[str, Any]) -> bool:
    """Whether options bring bytes of their own, or give names another meaning than the one that was looked at."""
    return options.get("buffers") is not None or options.get("fix_imports", True) is not True


class Passage:
    """Takes loads through the gate.

    Parameters
    ----------
    gate
        The guard.

    Attributes
    ----------
    over
        Whether the guard was taken away. Some library may have kept a wrapper, which then has to be as if it were not there.
    """

    __slots__ = ("gate", "over")

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.over = False

    def inside(self) -> bool:
        """Whether an outer load of this thread was proved or approved already and holds for what is nested in it."""
        scope = thread_state.scope
        return self.over or bool(thread_state.suspended) or (scope is not None and scope.mode not in _OWN_LOADS)

    def stream(
        self,
        request: LoadRequest,
        reached: Reached,
        dialect: str,
        load: Callable[[Permit], T],
        options: Mapping[str, Any] = MappingProxyType({}),
        own_ways: str = "",
        code: tuple[CodeFile, ...] = (),
        *,
        alone: bool = False,
    ) -> T:
        """Prove or ask, then run `load` under exactly what was permitted.

        Parameters
        ----------
        request
            What the person asked for.
        reached
            The bytes.
        dialect
            How the loader reads them.
        load
            The library's own load.
        options
            Of the unpickler. Some let text read differently from what was looked at; such a load can be approved, never proved.
        own_ways
            What else keeps a proof from holding for this reader, for people; empty if nothing does.
        code
            Python files that come with the stream and may run while it is loaded.
        alone
            Whether `load` reads nothing but `reached`, so that trust in those bytes is trust in the load.

        Raises
        ------
        ModelLoadBlockedError
            If the load was kept blocked, or went beyond what was permitted.
        """
        request = self._in_the_name_of_the_call(request)
        beyond = own_ways or _other_text(options)
        reached.alone = alone and not beyond and not _other_input(options)
        with Suspended():
            permit = self.ask(lambda: self.gate.check_stream(request, reached, dialect, code))
        scope = Scope(
            Mode.APPROVED if permit.approved else Mode.PROVED, permit.names, artifact=reached.name, label=request.loader
        )
        scope.alone = permit.trusted
        scope.bound, scope.own_code, scope.expects = permit.bound, permit.own_code, permit.expects
        if permit.trusted:
            scope.files.update(permit.files)
        if permit.trusted:
            return self.run(request, permit, scope, lambda allowed: self._unchanged(scope, reached, load(allowed)))
        if permit.approved or not beyond:
            return self.run(request, permit, scope, load)

        def refuse(_permit: Permit) -> T:
            raise scope.refuse(beyond)

        return self.run(request, permit, scope, refuse)

    @staticmethod
    def _unchanged(scope: Scope, reached: Reached, value: T) -> T:
        """Let go of what was loaded from bytes that somebody wrote to meanwhile."""
        if not reached.kept:
            raise scope.refuse("bytes that were changed while it was loaded")
        return value

    @staticmethod
    def ask(check: Callable[[], Permit]) -> Permit:
        """Ask the gate; inside another load a "no" is sticky, so that the library around it cannot swallow it."""
        try:
            return check()
        except ModelLoadBlockedError as error:
            if thread_state.scope is None:
                raise error.with_traceback(None) from None  # how it was looked at tells its reader nothing
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
            try:
                with _garbage_waits(scope), scope:
                    value = load(permit)
            finally:
                show_warnings(scope)
        except LoadHeld as held:
            with Suspended():
                if held.error is None:
                    held.error = self.gate.blocked(request, str(held), permit)
                else:  # something inside was asked about for itself
                    self.gate.settle(permit, held.error)
            if thread_state.scope is not None:
                raise  # the outermost load says what happened
            raise held.error.with_traceback(None) from None
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
            raise held.error.with_traceback(None) from None

    @contextlib.contextmanager
    def call(self, request: LoadRequest, frame: FrameType | None, *, holds_code: bool = True) -> Iterator[None]:
        """Carry out a call that a person wrote, in whose name its readers inside ask; one in which nothing was looked at gets its own line.

        Parameters
        ----------
        request
            What the person asked for.
        frame
            Where they wrote it.
        holds_code
            See `Scope`.
        """
        started = time.perf_counter()
        under_way = Call(request)
        try:
            with self.public(request), under_way, Scope(Mode.CALL, label=request.loader, holds_code=holds_code):
                yield
        except Exception as error:
            if not under_way.looked:
                with Suspended():
                    self.gate.failed(request, error)
            raise
        if not under_way.looked:
            self.gate.loaded(request.loader, request.call, request.source, -1, time.perf_counter() - started, frame)


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
