"""The functions of the pickle module and their equals: `load` and `loads`.

The fast path is the plain load with the floor beneath it: a stream that resolves nothing but closed globals finishes at its own speed
and could not have called anything else. The first other global unwinds to the wrapper, which looks at the whole stream.
"""

from __future__ import annotations

import copyreg
import functools
import sys
import time
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.artifacts.reach import Reached, file_name, position
from jupyter_modelguard.hooks.attribution import Caller, attribute
from jupyter_modelguard.hooks.calls import current_call
from jupyter_modelguard.hooks.floor import FLOOR
from jupyter_modelguard.hooks.out_of_band import kept_for_rereading
from jupyter_modelguard.hooks.scopes import Suspended, Unproved

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.hooks.gate import Permit
    from jupyter_modelguard.hooks.passage import Passage

__all__ = ["guard_load", "guard_loads"]

_EXTENSIONS: dict[int, object] = copyreg._extension_cache  # type: ignore[attr-defined]
"""Globals that EXT opcodes hand to a stream without an audit event; while there are any, every stream is looked at first."""


def guard_loads(original: Callable[..., Any], passage: Passage, loader: str) -> Callable[..., Any]:
    """Guard a loader that takes bytes.

    A plain closure: hundreds of thousands of tiny in-memory pickles a second pass through here.
    """
    gate, inside, extensions = passage.gate, passage.inside, _EXTENSIONS
    tally = gate.tally(loader)

    def loads(data: Any, /, **options: Any) -> Any:
        if options:
            options = kept_for_rereading(options)
        if extensions and not inside():
            return closer_look(data, options)
        try:
            value = original(data, **options) if options else original(data)
        except Unproved:
            if inside():
                raise  # the outer load unwinds, not this one
        except Exception as error:
            if not inside() and current_call() is None:
                with Suspended():
                    gate.failed(gate.request(loader, f"{loader}()", "<bytes>", sys._getframe(1)), error)
            raise
        else:
            tally.bump()
            return value
        return closer_look(data, options)

    def closer_look(data: Any, options: dict[str, Any]) -> Any:
        frame = sys._getframe(2)
        if attribute(frame)[0] is Caller.TRAFFIC:
            return original(data, **options)
        with Suspended():
            request = gate.request(loader, f"{loader}()", "<bytes>", frame)
        with Reached.of_bytes(bytes(data)) as reached:

            def load(permit: Permit) -> Any:  # noqa: ARG001 the bytes in hand are the very bytes that were looked at
                return original(reached.data, **options)

            return passage.stream(request, reached, "pickle", load, options, alone=True)

    FLOOR.add_fast_path(loads.__code__)
    return _named(loads, original, loader)


def guard_load(original: Callable[..., Any], passage: Passage, loader: str) -> Callable[..., Any]:
    """Guard a loader that takes an open file and reads one stream from its current position."""
    gate, inside, extensions = passage.gate, passage.inside, _EXTENSIONS
    clock = time.perf_counter

    def load(file: Any, **options: Any) -> Any:
        if inside():
            return original(file, **options)
        if options:
            options = kept_for_rereading(options)
        started = clock()
        start = position(file)
        if start is None:
            return unseekable(file, options)
        if extensions:
            return closer_look(file, start, options)
        try:
            value = original(file, **options)
        except Unproved:
            pass
        except Exception as error:
            if current_call() is None:  # else the call that the person wrote says it
                with Suspended():
                    gate.failed(gate.request(loader, f"{loader}()", file_name(file) or "<file object>", sys._getframe(1)), error)
            raise
        else:
            if current_call() is None:
                gate.loaded(loader, f"{loader}()", file_name(file), file.tell() - start, clock() - started, sys._getframe(1))
            return value
        return closer_look(file, start, options)

    def closer_look(file: Any, start: int, options: dict[str, Any]) -> Any:
        frame = sys._getframe(2)
        file.seek(start)
        if attribute(frame)[0] is Caller.TRAFFIC:
            return original(file, **options)
        with Suspended():
            request = gate.request(loader, f"{loader}()", file_name(file) or "<file object>", frame)
        with Reached.of_file(file, start) as reached:
            ends: list[int] = []

            def load(permit: Permit) -> Any:
                if permit.copy is not None:
                    ends.append(start + permit.copy.length)
                return original(reached.replay(permit.copy), **options)

            try:
                return passage.stream(request, reached, "pickle", load, options, alone=True)
            finally:
                if ends:
                    file.seek(ends[0])  # where the plain load would have left it

    def unseekable(file: Any, options: dict[str, Any]) -> Any:
        frame = sys._getframe(2)
        if (
            not hasattr(file, "readline") or attribute(frame)[0] is Caller.TRAFFIC
        ):  # the first: the loader says that it is no file
            return original(file, **options)
        with Suspended():
            request = gate.request(loader, f"{loader}()", file_name(file) or "<file object>", frame)
        with Reached.of_pipe(file) as reached:

            def load(permit: Permit) -> Any:
                return original(reached.replay(permit.copy), **options)

            return passage.stream(request, reached, "pickle", load, options, alone=True)

    FLOOR.add_fast_path(load.__code__)
    return _named(load, original, loader)


def _named(guarded: Callable[..., Any], original: Callable[..., Any], loader: str) -> Callable[..., Any]:
    """Dress a closure as the function it guards, so that it documents itself and pickles by the public name."""
    functools.update_wrapper(guarded, original)
    guarded.__module__, _, guarded.__name__ = loader.rpartition(".")
    guarded.__qualname__ = guarded.__name__
    guarded.__modelguard__ = original  # type: ignore[attr-defined]
    return guarded
