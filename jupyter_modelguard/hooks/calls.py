"""The call a person wrote, while the library is carrying it out.

`pandas.read_pickle` reads through `pickle.load`, and `from_pretrained` through `torch.load`: what is asked and recorded inside should
name the call in the cell, and a silent load inside needs no line of its own.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from jupyter_modelguard.types import LoadRequest

__all__ = ["Call", "current_call"]


class _Calls(threading.local):
    innermost: Call | None = None


_calls = _Calls()


def current_call() -> Call | None:
    """Return the outermost guarded call that is under way on this thread."""
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
    """

    def __init__(self, request: LoadRequest) -> None:
        self.request = request
        self.looked = False
        self.asked: set[str] = set()

    def __enter__(self) -> Self:
        _calls.innermost = self
        return self

    def __exit__(self, *_: object) -> None:
        _calls.innermost = None
