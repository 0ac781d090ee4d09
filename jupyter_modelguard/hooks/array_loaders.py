"""Loaders that read pickles through the pickle module: `numpy.load` and `pandas.read_pickle`.

They open a call scope, so that a reader of their own resolves closed globals alone; the `pickle.load` inside opens its own scope, and
asks in the name of the call that the person wrote.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.artifacts.reach import file_name, path_of
from jupyter_modelguard.hooks.calls import current_call
from jupyter_modelguard.hooks.passage import Passage, call_text
from jupyter_modelguard.hooks.scopes import Suspended

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["guard_reader"]


def guard_reader(passage: Passage, loader: str) -> Callable[..., Any]:
    """Return a wrapt wrapper for a loader whose pickles go through the guarded pickle module."""

    def reader(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if passage.inside() or current_call() is not None:
            return wrapped(*args, **options)
        frame = sys._getframe(1)
        target = args[0] if args else next(iter(options.values()), None)
        source = path_of(target) or file_name(target) or "<file object>"
        with Suspended():
            request = passage.gate.request(loader, call_text(loader, options), source, frame)
        with passage.call(request, frame):
            return wrapped(*args, **options)

    return reader
