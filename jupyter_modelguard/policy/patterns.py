"""Patterns for one argument or one piece of state, as the reviewed lists write them.

Alternatives are separated by `|`. A trailing `?` marks an argument that may be missing, a trailing `*` one that may come any number
of times.

    none bool int float complex str bytes bytearray memoryview list dict tuple
        an exact builtin of that kind; what a container holds is not looked at
    ints, sizes     a tuple of integers; of integers that are not negative
    plain           builtin all the way down
    known           plain, but for objects and values that the reviewed lists know
    any             anything but a global
    =text           exactly this string
    empty           an empty OrderedDict
    storage         a tensor storage of the file, through a persistent id
    made:a.b.C      an object made by that global, or by one whose row says that it makes that
    global          any global
    global:a.b.f    that very global
    global-value    a global that may stand as a value
"""

from __future__ import annotations

import functools
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Protocol

from jupyter_modelguard.policy.record import ATOMS, is_global, is_made, is_plain, name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["STORAGE", "World", "matches", "matches_all"]

STORAGE = "torch storage"

_KINDS: dict[str, type] = {
    "none": type(None),
    "bool": bool,
    "int": int,
    "float": float,
    "complex": complex,
    "str": str,
    "bytes": bytes,
    "bytearray": bytearray,
    "memoryview": memoryview,
    "list": list,
    "dict": dict,
    "tuple": tuple,
}


class World(Protocol):
    """What a pattern asks about the objects and globals of a trace."""

    def makes(self, made: Any) -> str:
        """Say what a made object is; empty if no list knows its maker."""

    def is_value(self, stub: Any) -> bool:
        """Whether a global may stand as a value."""


def matches_all(patterns: tuple[str, ...], values: Sequence[Any], world: World) -> bool:
    """Whether positional values fit their patterns, one by one."""
    parsed, least, most = _signature(patterns)
    if len(values) < least or (most is not None and len(values) > most):
        return False
    last = len(parsed) - 1
    return all(matches(parsed[min(place, last)], value, world) for place, value in enumerate(values))


@functools.cache
def _signature(patterns: tuple[str, ...]) -> tuple[tuple[str, ...], int, int | None]:
    least = sum(1 for pattern in patterns if pattern[-1] not in "?*")
    most = None if patterns and patterns[-1].endswith("*") else len(patterns)
    return tuple(pattern.rstrip("?*") for pattern in patterns), least, most


@functools.cache
def _alternatives(pattern: str) -> tuple[frozenset[type], tuple[str, ...]]:
    parts = pattern.split("|")
    kinds = frozenset(_KINDS[part] for part in parts if part in _KINDS)
    return kinds, tuple(part for part in parts if part not in _KINDS)


def matches(pattern: str, value: Any, world: World) -> bool:
    """Whether a value fits one pattern."""
    kinds, others = _alternatives(pattern)
    for kind in kinds:  # by identity: a stub's own hash would count as a use of it
        if type(value) is kind:
            return True
    return any(_fits(other, value, world) for other in others)


def _fits(part: str, value: Any, world: World) -> bool:  # noqa: PLR0911 one line a word of the pattern language
    if part.startswith("="):
        return type(value) is str and value == part[1:]
    word, _, rest = part.partition(":")
    match word:
        case "any":
            return not is_global(value) and not issubclass(type(value), type)
        case "plain":
            return is_plain(value)
        case "known":
            return _known(value, world)
        case "ints":
            return type(value) is tuple and all(type(item) is int for item in value)
        case "sizes":
            return type(value) is tuple and all(type(item) is int and item >= 0 for item in value)
        case "empty":
            return type(value) is OrderedDict and not len(value) and not vars(value)
        case "storage":
            return is_made(value) and world.makes(value) == STORAGE
        case "made":
            return is_made(value) and world.makes(value) == rest
        case "global":
            return is_global(value) and (not rest or str(name_of(value)) == rest)
        case "global-value":
            return is_global(value) and world.is_value(value)
    raise ValueError(f"unknown pattern {part!r}")


def _known(value: Any, world: World) -> bool:
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if is_global(value):
            if not world.is_value(value):
                return False
        elif is_made(value):
            if not world.makes(value):
                return False
        elif type(value) in (tuple, list, dict):
            if id(value) not in seen:
                seen.add(id(value))
                waiting.extend(value)
                if type(value) is dict:
                    waiting.extend(value.values())
        elif type(value) not in ATOMS and not is_plain(value):
            return False
    return True
