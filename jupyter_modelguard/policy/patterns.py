"""Patterns for one argument or one piece of state, as the reviewed lists write them.

Alternatives are separated by `|`. A trailing `?` marks an argument that may be missing, a trailing `*` one that may come any number
of times.

    none bool int float complex str bytes bytearray memoryview list dict tuple
        an exact builtin of that kind; what a container holds is not looked at
    list[p] tuple[p] dict[p]
        an exact container whose members, or values under keys of text, all fit a pattern
    (p, q, r?)      a tuple of these
    {a=p, b?=q}     a dictionary with these keys and no others; a key with `?` may be missing
    ints, sizes     a tuple of integers; of integers that are not negative
    plain           builtin all the way down
    known           plain, but for objects that the reviewed lists know and that cannot be called, and values that they know
    any             anything but a global
    attributes      a dictionary of attributes that hides no method that a reader or a notebook asks objects for
    label           a number, a text or another thing whose hash and order are reviewed, or a tuple of such
    labels          an array of labels
    numbers         an array that holds no objects
    identifier      a text that could be the name of a variable, in ASCII
    =text           exactly this string
    empty           an empty OrderedDict
    itself          as a state, the very object that is given it
    closed          one of the closed types itself, such as `set`
    storage         a tensor storage of the file, through a persistent id
    made:a.b.C      an object made by that global, or by one whose row says that it makes that
    global          any global
    global:a.b.f    that very global
    global-value    a global that may stand as a value
"""

from __future__ import annotations

import functools
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from jupyter_modelguard.policy.pattern_text import Fields, Items, Members, parse
from jupyter_modelguard.policy.record import ATOMS, hides_method, is_global, is_made, is_plain, name_of
from jupyter_modelguard.types import QualifiedName

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jupyter_modelguard.policy.pattern_text import Part

__all__ = ["STORAGE", "World", "matches", "matches_all"]

STORAGE = "torch storage"

_CLOSED = (OrderedDict, set, frozenset, complex)  # as `engines.tracer` lets them stand for themselves
_KINDS_OF_LABELS = (str, int, float, bool, type(None))
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

    def is_callable(self, made: Any) -> bool:
        """Whether a made object is a function of some kind."""

    def is_label(self, made: Any) -> bool:
        """Whether hash and order of a made object are reviewed."""

    def use(self, made: Any) -> bool:
        """Note that a call or state relies on an object as it is now; always true."""

    def free(self, made: Any) -> bool:
        """Note that an object stands under an attribute of any name; always true."""

    def members(self, made: Any) -> list[Any] | None:
        """Give the objects that an array holds, empty for one of numbers; None for what is no array that numpy makes."""


Test: TypeAlias = "Callable[[Any, World], bool]"


def matches_all(patterns: tuple[str, ...], values: Sequence[Any], world: World) -> bool:
    """Whether positional values fit their patterns, one by one."""
    tests, least, most = _signature(patterns)
    return _fits(tests, least, most, values, world)


def matches(pattern: str, value: Any, world: World) -> bool:
    """Whether a value fits one pattern."""
    return _test(pattern)(value, world)


def _fits(tests: tuple[Test, ...], least: int, most: int | None, values: Sequence[Any], world: World) -> bool:
    count = len(values)
    if count < least or (most is not None and count > most):
        return False
    last = len(tests) - 1
    for place, value in enumerate(values):  # noqa: SIM110 a plain loop: this runs once for every call of a stream
        if not tests[min(last, place)](value, world):
            return False
    return True


@functools.cache
def _signature(patterns: tuple[str, ...]) -> tuple[tuple[Test, ...], int, int | None]:
    least = sum(1 for pattern in patterns if pattern[-1] not in "?*")
    most = None if patterns and patterns[-1].endswith("*") else len(patterns)
    return tuple(_test(pattern.rstrip("?*")) for pattern in patterns), least, most


@functools.cache
def _test(pattern: str) -> Test:
    """Make the test of a pattern, so that the text is taken apart once and not for every value."""
    return _any_of(parse(pattern))


def _any_of(parts: tuple[Part, ...]) -> Test:
    words = [part for part in parts if isinstance(part, str)]
    kinds = tuple(_KINDS[part] for part in words if part in _KINDS)
    things = frozenset(part[5:] for part in words if part.startswith("made:"))
    names = frozenset(part[7:] for part in words if part.startswith("global:"))
    rest = [
        part for part in parts if not isinstance(part, str) or (part not in _KINDS and not part.startswith(("made:", "global:")))
    ]
    others = tuple(_one(part) for part in rest)
    if things:
        others = (lambda value, world: is_made(value) and world.makes(value) in things and world.use(value), *others)
    if names:
        wanted = frozenset(QualifiedName(*name.rsplit(".", 1)) for name in names)
        others = (lambda value, _world: is_global(value) and (name_of(value) in wanted or str(name_of(value)) in names), *others)
    if not others:
        return lambda value, _world: type(value) in kinds  # searched by identity: a stub's hash would count as a use
    if not kinds and len(others) == 1:
        return others[0]
    return lambda value, world: type(value) in kinds or any(other(value, world) for other in others)


def _one(part: Part) -> Test:
    if isinstance(part, Members):
        return _container(part)
    if isinstance(part, Items):
        tests = tuple(_any_of(item) for item in part.items)
        return lambda value, world: type(value) is tuple and _fits(tests, part.least, part.most, value, world)
    if isinstance(part, Fields):
        return _fields(part)
    return _word(part)


def _container(part: Members) -> Test:
    kind: Any = _KINDS[part.kind]
    test = _any_of(part.members)
    if kind is dict:
        return lambda value, world: (
            type(value) is dict and all(type(key) is str and test(item, world) for key, item in value.items())
        )
    return lambda value, world: type(value) is kind and all(test(item, world) for item in value)


def _fields(part: Fields) -> Test:
    tests = {name: _any_of(field) for name, field in part.fields.items()}

    def test(value: Any, world: World) -> bool:
        if (
            type(value) is not dict
            or not all(type(key) is str and key in tests for key in value)
            or not part.needed <= value.keys()
        ):
            return False
        return all(tests[key](item, world) for key, item in value.items())

    return test


def _word(part: str) -> Test:
    if part.startswith("="):
        wanted = part[1:]
        return lambda value, _world: type(value) is str and value == wanted
    if part not in _WORDS:
        raise ValueError(f"unknown pattern {part!r}")
    return _WORDS[part]


def _integers(value: Any, _world: World) -> bool:
    return type(value) is tuple and all(type(item) is int for item in value)


def _sizes(value: Any, _world: World) -> bool:
    return type(value) is tuple and all(type(item) is int and item >= 0 for item in value)


def _known(value: Any, world: World) -> bool:  # noqa: C901 one branch a kind
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if is_global(value):
            if not world.is_value(value):
                return False
        elif is_made(value):
            if not world.makes(value) or world.is_callable(value):
                return False
            members = world.members(value)  # an array that is made one of numbers asks each of its objects for a number
            if members and id(value) not in seen:
                seen.add(id(value))
                waiting.extend(members)
        elif type(value) in (tuple, list, dict):
            if id(value) not in seen:
                seen.add(id(value))
                waiting.extend(value)
                if type(value) is dict:
                    waiting.extend(value.values())
        elif type(value) not in ATOMS and not is_plain(value):
            return False
    return True


def _label(value: Any, world: World) -> bool:
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if is_made(value) or is_global(value):
            if not world.is_label(value):
                return False
        elif type(value) is tuple:
            waiting.extend(value)
        elif type(value) not in ATOMS:
            return False
    return True


def _labels(value: Any, world: World) -> bool:
    members = world.members(value) if is_made(value) else None
    if members is None:
        return False
    world.use(value)
    kinds: list[type] = [type(member) for member in members]
    # Counted by identity: that is quick for the long ones, and a stub's hash would count as a use.
    return sum(kinds.count(kind) for kind in _KINDS_OF_LABELS) == len(kinds) or all(_label(member, world) for member in members)


def _numbers(value: Any, world: World) -> bool:
    return is_made(value) and world.members(value) == [] and world.use(value)


def _attributes(value: Any, world: World) -> bool:
    if type(value) is not dict:
        return False
    return all(
        type(key) is str and (not hides_method(key) or is_plain(item)) and (not is_made(item) or world.free(item))
        for key, item in value.items()
    )


_WORDS: dict[str, Test] = {
    "global": lambda value, _world: is_global(value),
    "any": lambda value, _world: not is_global(value) and not issubclass(type(value), type),
    "plain": lambda value, _world: is_plain(value),
    "known": _known,
    "ints": _integers,
    "sizes": _sizes,
    "label": _label,
    "numbers": _numbers,
    "identifier": lambda value, _world: type(value) is str and value.isascii() and value.isidentifier(),
    "labels": _labels,
    "attributes": _attributes,
    "empty": lambda value, _world: type(value) is OrderedDict and not len(value) and not vars(value),
    "closed": lambda value, _world: type(value) is type and any(value is one for one in _CLOSED),
    "storage": lambda value, world: is_made(value) and world.makes(value) == STORAGE,
    "itself": lambda _value, _world: False,  # the object is not known here; `reviewed_uses` compares the two
    "global-value": lambda value, world: is_global(value) and world.is_value(value),
}
