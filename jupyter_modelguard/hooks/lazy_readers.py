"""Readers that read later than they are opened: members of `.npz` archives, entries of shelves and HDF5 stores.

Opening such a file reads nothing that could run; each member is held when it is read, in the name of the call that opened the file.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.artifacts.reach import file_name
from jupyter_modelguard.hooks.calls import Call, current_call
from jupyter_modelguard.hooks.scopes import Mode, Scope, Suspended
from jupyter_modelguard.hooks.unpickler import guard_unpickler

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.hooks.passage import Passage

__all__ = ["guard_member", "named_unpickler"]


def guard_member(passage: Passage, loader: str, *places: str) -> Callable[..., Any]:
    """Return a wrapt wrapper for a method that reads one member.

    Parameters
    ----------
    passage
        The way through the gate.
    loader
        The call that opened the file, for people.
    places
        Attributes of the object that may say which file it reads, dotted ones too.
    """

    def read(wrapped: Callable[..., Any], instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if passage.inside() or current_call() is not None:
            return wrapped(*args, **options)
        frame = sys._getframe(1)
        with Suspended():
            source = next(filter(None, (_source(instance, place) for place in places)), "<file object>")
            member = repr(args[0])[:80] if args else ""
            request = passage.gate.request(loader, f"{loader}()[{member}]", source, frame)
        with passage.public(request), Call(request), Scope(Mode.CALL, label=loader, holds_code=False):
            return wrapped(*args, **options)

    return read


def named_unpickler(loader: str) -> Callable[[Any, Passage], Any]:
    """Make a builder for a name under which a module keeps the `Unpickler` that its own loader uses."""
    return lambda original, passage: guard_unpickler(original, passage, loader)


def _source(instance: object, place: str) -> str:
    value: object = instance
    for name in place.split("."):
        value = getattr(value, name, None)
    return value if type(value) is str else file_name(value)
