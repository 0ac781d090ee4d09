"""The call a person wrote, while the library is carrying it out.

`pandas.read_pickle` reads through `pickle.load`, and `from_pretrained` through `torch.load`: what is asked and recorded inside should
name the call in the cell, and a silent load inside needs no line of its own.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Self

from jupyter_modelguard.hooks.scopes import Mode, Scope, current_scope, for_each_thread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_modelguard.hooks.hub_repositories import Place
    from jupyter_modelguard.types import LoadRequest

__all__ = ["Call", "current_call", "holding_code"]


class _Calls(threading.local):
    innermost: Call | None = None


_calls = for_each_thread(_Calls())


def current_call() -> Call | None:
    """Return the innermost guarded call that is under way on this thread."""
    return _calls.innermost


class Call:
    """One guarded call; a context manager for the time it is under way.

    Attributes
    ----------
    request
        What the person asked for.
    looked
        Whether something inside was looked at, and so has a line in the history.
    asked
        Digests of code files that were asked about already during this call.
    places
        The repositories or folders that it and the calls inside it are on, the first one first.
    """

    def __init__(self, request: LoadRequest) -> None:
        self.request = request
        self.looked = False
        self.asked: set[str] = set()
        self.places: list[Place] = []
        self._outer: Call | None = None

    def __enter__(self) -> Self:
        self._outer, _calls.innermost = _calls.innermost, self
        return self

    def __exit__(self, *_: object) -> None:
        _calls.innermost = self._outer


@contextlib.contextmanager
def holding_code(label: str) -> Iterator[None]:
    """Hold Python files during a call inside another one that leaves the person's own classes alone: the inner one is no class of theirs.

    What was agreed to in the call outside stays agreed to.

    Parameters
    ----------
    label
        The loader, for messages.
    """
    outer = current_scope()
    if outer is not None and outer.mode is Mode.CALL and outer.holds_code:
        yield
        return
    with Scope(Mode.CALL, label=label) as scope:
        if outer is not None:
            scope.files = outer.files
        yield
