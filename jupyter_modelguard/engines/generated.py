"""Classes whose load-time methods Python itself writes: named tuples, data classes and enumerations.

Such methods are recognised by what they are, never by what they are called: the same function object, or the same code as Python writes
for the same fields today.
"""

from __future__ import annotations

import collections
import dataclasses
import enum
import functools
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_modelguard.policy.record import OpenClass

__all__ = ["is_frozen_setter", "is_named_tuple", "is_slot_setter", "is_storage", "wrong_with_lookup"]


def is_named_tuple(base: type, value: Any) -> bool:
    """Whether a `__new__` is the one that `collections.namedtuple` writes: it makes a tuple of its arguments."""
    names = vars(base).get("_fields")
    function = _function(value)
    if type(names) is not tuple or not all(type(name) is str for name in names) or type(function) is not FunctionType:
        return False
    try:
        reference = _named_tuple_code(names)
    except ValueError:
        return False
    makes = function.__globals__.get("_tuple_new")
    return _same_code(function.__code__, reference) and type(makes) is type(tuple.__new__) and makes == tuple.__new__


@functools.lru_cache(maxsize=1024)
def _named_tuple_code(names: tuple[str, ...]) -> CodeType:
    made: Any = collections.namedtuple("made", names)  # type: ignore[misc] # noqa: PYI024 that is what is compared with
    code: CodeType = made.__new__.__code__
    return code


def _same_code(mine: CodeType, theirs: CodeType) -> bool:
    parts = ("co_code", "co_consts", "co_names", "co_varnames", "co_freevars", "co_argcount", "co_kwonlyargcount", "co_flags")
    return all(getattr(mine, part) == getattr(theirs, part) for part in parts)


def is_slot_setter(base: type, value: Any, use: OpenClass) -> bool:
    """Whether a `__setstate__` is the one of data classes with slots, and sets nothing but slots and plain attributes."""
    if value is not vars(dataclasses).get("_dataclass_setstate") or not use.listed or use.keys or use.slots:
        return False
    fields = vars(base).get("__dataclass_fields__")
    mro: tuple[type, ...] = type.__dict__["__mro__"].__get__(base)
    return type(fields) is dict and all(type(name) is str and is_storage(mro, name) for name in fields)


def is_storage(mro: tuple[type, ...], name: str) -> bool:
    """Whether setting an attribute of this name only stores it: in a slot, or among the attributes of the object."""
    for base in mro:
        if name in vars(base):
            found = vars(base)[name]
            return type(found) is _SLOT and found.__objclass__ is base and base is not object
    return not name.startswith("__")


def is_frozen_setter(value: Any) -> bool:
    """Whether a `__setattr__` or `__delattr__` is the one that frozen data classes refuse changes with."""
    function = _function(value)
    return type(function) is FunctionType and any(_same_shape(function.__code__, code) for code in _frozen_code())


@functools.cache
def _frozen_code() -> tuple[CodeType, ...]:
    made = dataclasses.make_dataclass("made", ["a"], frozen=True)
    return tuple(vars(made)[name].__code__ for name in ("__setattr__", "__delattr__"))


def _same_shape(mine: CodeType, theirs: CodeType) -> bool:
    return mine.co_code == theirs.co_code and mine.co_names == theirs.co_names and mine.co_freevars == theirs.co_freevars


def wrong_with_lookup(cls: type, use: OpenClass) -> str:
    """Say why a call of an enumeration is more than a look at its table; nothing if it is that alone."""
    if use.made or use.built or use.appended or use.added or use.indexed:
        return "is an enumeration whose members are made or changed"
    if use.values is None or not (use.called or use.sought):
        return "is an enumeration that is asked for more than its members"
    members = vars(cls).get("_member_map_")
    if type(members) is not dict or not members.keys() >= use.sought:
        return "is an enumeration that is asked for more than its members"
    if not use.called:
        return ""
    mro: tuple[type, ...] = type.__dict__["__mro__"].__get__(cls)
    if _function(_first(mro, "__new__")) is not _function(vars(enum.Enum)["__new__"]):
        return "is an enumeration with a lookup of its own"
    table = vars(cls).get("_value2member_map_")
    known = type(table) is dict and all(value in table for value in use.values)
    return "" if known or _are_flags(cls, mro, use.values) else "is an enumeration that has no such member"


def _are_flags(cls: type, mro: tuple[type, ...], values: frozenset[Any]) -> bool:
    """Whether all values are combinations of flags that Python's own code composes."""
    if enum.Flag not in mro or _first(mro, "_missing_") is not vars(enum.Flag)["_missing_"]:
        return False
    mask = vars(cls).get("_flag_mask_")
    if type(mask) is not int or vars(cls).get("_member_type_") not in (object, int):
        return False
    return all(type(value) is int and value >= 0 and not value & ~mask for value in values)


def _first(mro: tuple[type, ...], name: str) -> Any:
    return next((vars(base)[name] for base in mro if name in vars(base)), None)


def _function(value: Any) -> Any:
    return value.__func__ if type(value) is staticmethod else value


class _Slotted:
    __slots__ = ("slot",)


_SLOT = type(vars(_Slotted)["slot"])
