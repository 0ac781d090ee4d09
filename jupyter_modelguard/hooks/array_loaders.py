"""Loaders that read pickles through the pickle module: `numpy.load` and `pandas.read_pickle`.

They open a call scope, so that a reader of their own resolves closed globals alone; the `pickle.load` inside opens its own scope, and
asks in the name of the call that the person wrote.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.artifacts.reach import file_name, path_of
from jupyter_modelguard.hooks.calls import Call, current_call
from jupyter_modelguard.hooks.passage import Passage, call_text
from jupyter_modelguard.hooks.scopes import Mode, Scope, Suspended

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["guard_reader"]


def guard_reader(passage: Passage, loader: str) -> Callable[..., Any]:
    """Return a wrapt wrapper for a loader whose pickles go through the guarded pickle module."""
    gate = passage.gate

    def reader(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if passage.inside() or current_call() is not None:
            return wrapped(*args, **options)
        frame = sys._getframe(1)
        target = args[0] if args else next(iter(options.values()), None)
        source = path_of(target) or file_name(target) or "<file object>"
        text = call_text(loader, options)
        started = time.perf_counter()
        with Suspended():
            request = gate.request(loader, text, source, frame)
        try:
            with passage.public(request), Call(request) as call, Scope(Mode.CALL, label=loader):
                value = wrapped(*args, **options)
        except Exception as error:
            if not call.looked:
                with Suspended():
                    gate.failed(request, error)
            raise
        if not call.looked:
            gate.loaded(loader, text, source, -1, time.perf_counter() - started, frame)
        return value

    return reader
