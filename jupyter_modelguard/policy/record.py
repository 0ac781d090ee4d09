"""The vocabulary of a trace: what stands for the things that a pickle names and makes.

A trace resolves nothing. Each global of the stream is stood for by a class of its own, a `GlobalMark`, and each object that the stream
makes of it by an instance of that class, a `Made`. Everything else in a trace is an exact builtin value.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_modelguard.types import QualifiedName

__all__ = [
    "ATOMS",
    "BUILTINS",
    "CALLABLE",
    "GLOBAL",
    "MISSING",
    "OBJECTS",
    "PLAIN",
    "GlobalMark",
    "Made",
    "OpenClass",
    "hides_method",
    "is_global",
    "is_made",
    "is_plain",
    "name_of",
    "shows_itself",
]

GLOBAL = "a global"
OBJECTS = "an array of objects"
CALLABLE = "a function made of reviewed parts"
PLAIN = "builtin data"
MISSING = "nothing"

ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes})
CONTAINERS = frozenset({tuple, list, dict, set, frozenset, OrderedDict})
BUILTINS = ATOMS | CONTAINERS | {bytearray, memoryview}


_PROTOCOLS = frozenset({"append", "extend", "add", "keys", "items", "values", "get", "pop", "update", "forward"})
# What scikit-learn asks an estimator and each of its parameters for, whatever they are, when a notebook shows the estimator.
_SHOWING = frozenset(
    {"_sk_visual_block_", "get_params", "_get_params_html", "_get_fitted_attr_html", "_get_doc_link", "get_feature_names_out"}
)


def hides_method(attribute: str) -> bool:
    """Whether an attribute of this name stands in for a method that a reader or a notebook asks any object for."""
    return shows_itself(attribute) or attribute in _PROTOCOLS


def shows_itself(attribute: str) -> bool:
    """Whether an attribute of this name is asked for when an object is shown, or is one of Python's own."""
    shows = attribute.startswith(("_repr_", "_mime_", "_ipython_")) and attribute.endswith("_")
    return shows or attribute.startswith("__") or attribute in _SHOWING


class GlobalMark(type):
    """A global of the stream, not resolved."""

    qualified: QualifiedName
    special: bool  # whether what a call gives is known without making an object, see `Grammar.special`
    nested: bool  # whether a call reads a stream of its own from its arguments


class Made:
    """An object that the stream makes by calling a global, or by `__new__`."""


def is_global(value: Any) -> bool:
    """Whether a value stands for a global. Asks the type alone: `isinstance` would ask the value."""
    return issubclass(type(value), GlobalMark)


def is_made(value: Any) -> bool:
    """Whether a value stands for an object made of a global."""
    return issubclass(type(type(value)), GlobalMark)


def name_of(stub: Any) -> QualifiedName:
    """Give the global that a mark stands for, or that an object was made of."""
    qualified: QualifiedName = (stub if is_global(stub) else type(stub)).qualified
    return qualified


def is_plain(value: Any) -> bool:
    """Whether a value is builtin all the way down, so that nothing done to it can run Python code."""
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if is_made(value):  # before its class is looked for in a set, which would ask that class for a hash
            return False
        kind = type(value)
        if kind in ATOMS or kind is bytearray or kind is memoryview:
            continue
        if kind not in CONTAINERS:
            return False
        if id(value) in seen:
            continue
        seen.add(id(value))
        if kind is dict or kind is OrderedDict:
            waiting.extend(dict.keys(value))
            waiting.extend(dict.values(value))
            if kind is OrderedDict and vars(value):
                return False
        else:
            waiting.extend(value)
    return True


@dataclass(frozen=True, slots=True)
class OpenClass:
    """A class that no list knows, and all that the stream does with it; a process that has the class can judge it.

    Parameters
    ----------
    name
        After Python 2 names were normalised.
    called, made
        Whether REDUCE (or INST, OBJ) calls it, and whether NEWOBJ asks its `__new__` alone for an instance.
    arguments
        The most positional arguments it gets.
    given
        Whether any of them is more than plain data.
    copied
        Whether each call gets one text or piece of bytes at the most: a number would be a size, and a container could be spelled out.
    values
        The arguments of its calls, where each call gets exactly one that is immutable plain data and there are not too many; a lookup
        table can be asked whether it has them.
    sought
        Names of the attributes that it is asked for itself, as early versions of Python 3.11 write the members of enumerations.
    built
        Whether BUILD gives an instance a state.
    listed
        Whether such a state is a list; else it is an exact dictionary, with or without slots beside it.
    keys
        Keys of such dictionaries.
    slots
        Keys of the second half of a state, which are set one by one.
    objects
        Those of the keys and slots whose values are not exact builtins somewhere, each with what the value is: "numpy.ndarray" or another
        thing that reviewed globals make, the name of its class for an object of an open class, `GLOBAL` for a global itself, `CALLABLE`
        for a function made of reviewed parts, `OBJECTS` for an array of objects. Values of a list count under the empty key.
    appended, added, indexed
        Whether APPEND, ADDITEMS or SETITEM act on an instance.
    members
        As `objects`, for what SETITEM puts under keys of text, or a call copies. A key that is an object counts as `__object__`.
    inside
        As `objects`, for the dictionaries of the state that a reviewed `__getattr__` looks attributes up in.
    hashed
        Whether an instance is a key of a dictionary or a member of a set.
    free
        Whether an instance is an attribute of a reviewed object that takes attributes of any name.
    """

    name: QualifiedName
    called: bool = False
    made: bool = False
    arguments: int = 0
    given: bool = False
    copied: bool = True
    values: frozenset[Any] | None = frozenset()
    sought: frozenset[str] = frozenset()
    built: bool = False
    listed: bool = False
    keys: frozenset[str] = frozenset()
    slots: frozenset[str] = frozenset()
    objects: frozenset[tuple[str, str | QualifiedName]] = frozenset()
    appended: bool = False
    added: bool = False
    indexed: bool = False
    members: frozenset[tuple[str, str | QualifiedName]] = frozenset()
    inside: frozenset[tuple[str, str | QualifiedName]] = frozenset()
    hashed: bool = False
    free: bool = False
