"""Judge one class that no list knows, as it is in this process, by all that a stream does with it.

Nothing is imported and no attribute is asked for in a way that could run code.
"""

from __future__ import annotations

import abc
import builtins
import enum
import typing
from collections import OrderedDict
from types import FunctionType, GetSetDescriptorType
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.engines.callables import answers_calls, can_be_called, descends, is_kept, runs_what_it_holds
from jupyter_modelguard.engines.generated import (
    is_frozen_setter,
    is_named_tuple,
    is_slot_setter,
    is_storage,
    wrong_with_lookup,
)
from jupyter_modelguard.engines.installed import file_of, is_installed, is_python, namespace_of
from jupyter_modelguard.policy.catalogue import capability_of, inert, reviewed_methods
from jupyter_modelguard.policy.record import CALLABLE, GLOBAL, OpenClass, hides_method, shows_itself
from jupyter_modelguard.types import QualifiedName

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_modelguard.policy.catalogue import ReviewedMethod

__all__ = ["wrong_with"]

_BASES: frozenset[type] = frozenset(
    {object, list, dict, set, frozenset, tuple, str, bytes, bytearray, int, float, complex, OrderedDict}
)
_TEXTS: frozenset[type] = frozenset({str, bytes, bytearray})
# Metaclasses that add nothing to how objects are made.
_METACLASSES: frozenset[type] = frozenset({type, abc.ABCMeta, type(typing.Protocol)})
_IMMUTABLE = 1 << 8  # Py_TPFLAGS_IMMUTABLETYPE
_HEAP = 1 << 9  # Py_TPFLAGS_HEAPTYPE
# Modules of Python whose classes with `__call__` others descend from; the rest are no data.
_CALLED_FOR_OTHERS = frozenset({"abc", "collections.abc", "contextlib", "enum", "typing"})
_FUNCTIONS = frozenset({FunctionType, staticmethod, classmethod})
_STORED = frozenset({type(vars(type("slotted", (), {"__slots__": ("slot",)}))["slot"])})


def wrong_with(use: OpenClass) -> str:  # noqa: PLR0911 a list of reasons
    """Say why a class cannot be cleared; nothing if it can."""
    if "." in use.name.name:
        return "is not at the top of its module"
    names = namespace_of(use.name.module)
    if names is None:
        return "comes from a module that is not imported here"
    cls: Any = names.get(use.name.name)
    kind = type(cls)
    if kind not in _METACLASSES and kind is not enum.EnumType:
        return "is not a plain class" if cls is not None else "is not found in its module here"
    mro: tuple[type, ...] = type.__dict__["__mro__"].__get__(cls)
    own = vars(cls)
    if own.get("__module__") != use.name.module or type.__dict__["__qualname__"].__get__(cls) != use.name.name:
        return "is known by another name"
    for base in mro:
        wrong = _wrong_with_base(base, use.name)
        if wrong:
            return wrong
    if use.free and any("__call__" in vars(base) for base in mro):
        return "can be called, and stands under a name that no class keeps for it"
    if use.name.module != "__main__" and runs_what_it_holds(mro):
        return "runs what it holds as soon as it is called or shown"
    wrong = _wrong_with_methods(use, mro)
    if kind is enum.EnumType:
        return wrong or wrong_with_lookup(cls, use)
    return wrong or _wrong_with_arguments(use, mro) or _wrong_with_slots(use, mro) or _wrong_with_state(use, mro)


def _wrong_with_base(base: type, name: QualifiedName) -> str:  # noqa: PLR0911 a list of reasons
    if base in _BASES or _is_builtin_exception(base):
        return ""
    module = vars(base).get("__module__")
    flags: int = type.__dict__["__flags__"].__get__(base)
    if type(module) is not str or not flags & _HEAP or flags & _IMMUTABLE:
        return "is made in C"
    full = QualifiedName(module, type.__dict__["__qualname__"].__get__(base))
    if capability_of(full) is not None or full in inert():
        return f"descends from {full}, which must be reviewed by name"
    if module == "__main__":
        return "" if name.module == "__main__" else "descends from a class of this notebook"
    path = file_of(module)
    if path is None or (path and not is_installed(path)):
        return "comes from a file outside Python and its installed packages"
    if "__call__" in vars(base) and module not in _CALLED_FOR_OTHERS and (not path or is_python(path)):
        return "can be called, and runs what it holds"  # libraries call what they have loaded; `doctest` runs programs
    return ""


def _is_builtin_exception(base: type) -> bool:
    return issubclass(base, BaseException) and vars(builtins).get(type.__dict__["__name__"].__get__(base)) is base


def _methods(mro: tuple[type, ...]) -> Iterator[tuple[type, str, Any]]:
    for base in mro:
        if base not in _BASES and not _is_builtin_exception(base):
            for name, value in vars(base).items():
                yield base, name, value


def _review(base: type, name: str) -> ReviewedMethod | None:
    return reviewed_methods().get(f"{vars(base).get('__module__')}:{type.__dict__['__qualname__'].__get__(base)}.{name}")


def _review_function(value: Any) -> ReviewedMethod | None:
    """Find the review of a method that a decorator wrote, by the module and the name of the function itself."""
    if type(value) is not FunctionType or namespace_of(value.__module__) is not value.__globals__:
        return None
    return reviewed_methods().get(f"{value.__module__}:{value.__qualname__}")


def _load_time_names(use: OpenClass) -> set[str]:
    """Names that a load of these acts could reach."""
    names = {"__getattr__", "__getattribute__", "__setattr__", "__delattr__", "__del__", "__class__", "__dict__", "__new__"}
    names |= {"__array_finalize__", "_ipython_display_"}
    if use.called:
        names |= {"__init__", "__getinitargs__"}
    if use.built:
        names |= {"__setstate__"}
    if use.appended:
        names |= {"append", "extend"}
    if use.added:
        names |= {"add", "update"}  # the Python unpickler's way to add several at once
    if use.indexed:
        names |= {"__setitem__"}
    if use.hashed:
        names |= {"__hash__", "__eq__"}
    return names


def _wrong_with_methods(use: OpenClass, mro: tuple[type, ...]) -> str:  # noqa: C901, PLR0911, PLR0912 a list of reasons
    """Look at every class of the family, whether or not a nearer one hides the method: reviewed methods call `super()`."""
    bases = set(mro)
    reached = _load_time_names(use)
    if use.called and use.arguments and OrderedDict in bases:
        reached.add("__setitem__")  # it sets what it is made of one by one
    objects = dict(use.objects)
    hidden = hides_method if use.appended or use.added or use.indexed else shows_itself
    for base, name, value in _methods(mro):
        shows = name.startswith(("_repr_", "_mime_")) and name.endswith("_")
        if name not in reached and not shows:
            continue
        if _is_written_by_python(base, name, value, use):
            continue
        if name == "__dict__" and type(value) is GetSetDescriptorType and value.__objclass__ is base:
            continue  # where Python keeps the attributes of objects of the class
        if name == "__hash__" and value is None:
            return "makes a key, but cannot be one"
        review = _review(base, name) or _review_function(value)
        if review is None:
            return f"has a method of its own that would run: {name}"
        if (use.listed or use.slots) and name == "__setstate__":
            return "is given a state that is not a dictionary"
        if review.attributes and any(_stands_in(key, what) for key, what in use.members if key not in review.holds):
            return f"is given an object in place of a method, where its {name} finds it"
        if review.lookups and any((hidden(key) and _might_be_called(what)) or _is_stray(what, base) for key, what in use.inside):
            return f"is given an object in place of a method, where its {name} looks it up"
        if review.unset and (use.slots or use.listed):
            return f"is given attributes that its {name} sets"
        if review.without & (use.keys | use.slots):
            return f"is given something that its {name} goes by"
        for key in review.plain:
            if key in objects:
                return f"is given an object as {key!r}, which its {name} looks at"
        for key, kind in review.only.items():
            if key not in use.keys or any(held == key and what != kind for held, what in use.objects) or key not in objects:
                return f"is given something else than {kind} as {key!r}, which its {name} looks at"
    if use.appended and list not in bases:
        return "is given items, but is no list"
    if use.indexed and dict not in bases:
        return "is given items by key, but is no dictionary"
    if use.added and not bases & {set, frozenset}:
        return "is given members, but is no set"
    if use.built and issubclass(mro[0], BaseException):
        return "is an exception with a state, which is not reviewed"
    return ""


def _is_written_by_python(base: type, name: str, value: Any, use: OpenClass) -> bool:
    """Whether a method is the plain object's own, or one that Python writes for named tuples, data classes and enumerations."""
    if vars(object).get(name, base) is value:
        return True  # a library that puts its own in place for a while may leave this behind
    if name == "__new__":
        return is_named_tuple(base, value) or type(base) is enum.EnumType
    if name == "__init__":
        return type(base) is enum.EnumType  # its metaclass looks the member up and initializes nothing
    if name in ("__setattr__", "__delattr__"):
        return not use.slots and is_frozen_setter(value)
    if name == "__setstate__":
        return is_slot_setter(base, value, use)
    return name == "__hash__" and base is enum.Enum


def _wrong_with_arguments(use: OpenClass, mro: tuple[type, ...]) -> str:
    """Objects may be given to a named tuple alone, which holds them: anything else would ask them for something.

    Of the classes that are asked for attributes themselves, enumerations alone are judged, and elsewhere.
    """
    if use.sought:
        return "is asked for an attribute of its own"
    if not use.copied and not _TEXTS.isdisjoint(mro):
        return "is given something else than text or bytes to copy"
    if not use.given:
        return ""
    maker = next(base for base in mro if "__new__" in vars(base))
    if not is_named_tuple(maker, vars(maker)["__new__"]):
        return "is given arguments that are more than plain data"
    return "is a key that holds objects" if use.hashed else ""


def _wrong_with_slots(use: OpenClass, mro: tuple[type, ...]) -> str:
    """Slots are set one by one, so each name must be a place to store something, not a property that runs."""
    if use.listed and not any(is_slot_setter(base, vars(base).get("__setstate__"), use) for base in mro):
        return "is given a state that is not a dictionary"
    return "" if all(is_storage(mro, key) for key in use.slots) else "is given an attribute that would run when it is set"


def _wrong_with_state(use: OpenClass, mro: tuple[type, ...]) -> str:
    """Refuse an object that would stand in for a method.

    Objects that reviewed globals make cannot be called, unless they say so. Some can all the same, and stand in for what is computed once,
    as their class has it, but not for a method that is called with arguments of its own.
    """
    for key, what in sorted(use.objects, key=str):
        if key and answers_calls(what) and any(type(vars(base).get(key)) in _FUNCTIONS for base in mro):
            return f"is given an object in place of its {key!r:.60}"
        if not key or not _might_be_called(what):
            continue
        if hides_method(key) or any(_is_method(base, key) for base in mro):
            return f"is given an object in place of its {key!r:.60}"
        if type(what) is QualifiedName and not is_kept(mro, key) and can_be_called(what):
            return f"is given an object that can be called as {key!r:.60}, where it keeps nothing of its own"
    return ""


def _might_be_called(what: str | QualifiedName) -> bool:
    return type(what) is QualifiedName or what in (GLOBAL, CALLABLE)


def _stands_in(key: str, what: str | QualifiedName) -> bool:
    """Whether what reads as an attribute of any name would be called in place of a method."""
    return (hides_method(key) and _might_be_called(what)) or (type(what) is QualifiedName and can_be_called(what))


def _is_stray(what: str | QualifiedName, base: type) -> bool:
    """Whether an object that can be called is none of the kind that a class looks up among its parts."""
    return type(what) is QualifiedName and can_be_called(what) and not descends(what, base)


def _is_method(base: type, name: str) -> bool:
    """Whether a class has a function, a property or a class of this name: more than a default value or the place of a slot."""
    if name not in vars(base):
        return False
    found = vars(base)[name]
    if type(found) in _STORED:
        return False
    kind: tuple[type, ...] = type.__dict__["__mro__"].__get__(type(found))
    return isinstance(found, type) or any("__get__" in vars(one) for one in kind)
