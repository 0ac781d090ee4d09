"""Whether a dictionary of addict, which is updated with its own items when it is loaded, comes to an end with that soon.

Each of its items that is a dictionary is updated with itself in turn. Dictionaries of addict do the same again: two places that lead to
the same one double the work, forty times over in a small file. A Counter adds up what it has: it doubles lists, and asks objects to add
themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_modelguard.policy.record import is_made

if TYPE_CHECKING:
    from jupyter_modelguard.policy.layouts import Facts

__all__ = ["wrong_with_own_state"]

_DICT = "addict.addict.Dict"
_ADDS_UP = "collections.Counter"


def wrong_with_own_state(_arguments: tuple[Any, ...], state: Any, facts: Facts) -> str:
    """Say what of a dictionary that is its own state would not come to an end; nothing if all does."""
    if state is None:
        return ""
    seen: set[int] = set()
    waiting = [state]
    while waiting:
        made = waiting.pop()
        if id(made) in seen:
            return "a dictionary in it is found in two places, and would be updated once for each"
        seen.add(id(made))
        pairs = facts.pairs(made)
        if pairs is None:
            return "its items are not all known"
        held = [value for _, value in pairs if is_made(value)]
        if any(facts.makes(value) == _ADDS_UP for value in held):
            return "a Counter in it would be added to itself"
        waiting.extend(value for value in held if facts.makes(value) == _DICT)
    return ""
