"""Subclasses of the C `Unpickler` that were made before the guard, given the guarded class as their base.

Setting `load` on each would not do: a subclass calls `super().__init__` and `super().load` where it likes. With another base both go
through the gate, as they do for a subclass that is made later.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["adopt", "release"]

_log = logging.getLogger(__name__)


def adopt(original: type, guarded: type) -> list[tuple[Any, str, Any, Any]]:
    """Put one class in place of another among the bases of all its subclasses.

    Parameters
    ----------
    original, guarded
        The class and its guarded form, a subclass of it with the same layout.

    Returns
    -------
    list
        What was changed: `(class, attribute, before, after)`, for `release`.
    """
    changed: list[tuple[Any, str, Any, Any]] = []
    for subclass in _direct_subclasses(original):
        if subclass is guarded:
            continue
        before = subclass.__bases__
        after = tuple(guarded if base is original else base for base in before)
        try:
            subclass.__bases__ = after
        except TypeError:
            _log.debug("%r keeps its base: its find_class tells the floor instead", subclass, exc_info=True)
            changed += _telling(subclass, original)
        else:
            changed.append((subclass, "__bases__", before, after))
    return changed


def release(changed: list[tuple[Any, str, Any, Any]]) -> None:
    """Undo what `adopt` did, where nobody changed it since."""
    while changed:
        owner, name, before, after = changed.pop()
        now = owner.__bases__ if name == "__bases__" else vars(owner).get(name)
        if now == after:
            setattr(owner, name, before)


def _telling(subclass: type, original: type) -> Iterator[tuple[Any, str, Any, Any]]:
    """Let the `find_class` of a class that cannot change its base raise the audit event that the C one would."""
    own = vars(subclass).get("find_class")
    if own is None or own is original.find_class:  # type: ignore[attr-defined]
        return

    def find_class(self: Any, module: str, name: str) -> Any:
        sys.audit("pickle.find_class", module, name)
        return own.__get__(self, type(self))(module, name)

    subclass.find_class = find_class  # type: ignore[attr-defined]
    yield subclass, "find_class", own, find_class


def _direct_subclasses(original: type) -> list[type]:
    return type.__subclasses__(original)
