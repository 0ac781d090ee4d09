"""Objects that can be called, and what they and others run when a person first touches what was loaded.

Libraries and people call methods of what they have loaded (`checkpoint["model"].float()`), and a notebook shows it at once. An object
whose class has `__call__`, among the attributes of another under a name of the file's choosing, answers such a call in place of a
method. So it may stand only where the class of its holder keeps something of its own: under a name that its methods set, that it
annotates, or that it has a default for. And a class that makes code, files or programs of what it holds as soon as it is called or shown
is no data, wherever its objects stand.
"""

from __future__ import annotations

import builtins
import dis
import functools
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.engines.installed import namespace_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jupyter_modelguard.types import QualifiedName

__all__ = ["answers_calls", "can_be_called", "descends", "is_kept", "runs_what_it_holds"]

_MRO = type.__dict__["__mro__"]
# What a first touch runs: a call, and what shows an object.
_TOUCHED = ("__call__", "__repr__", "__str__", "__format__", "__len__", "__iter__", "__dir__", "__bool__")
_RUNS = frozenset({"eval", "exec", "compile", "open", "__import__"})
_MODULES = frozenset(
    {"subprocess", "pty", "runpy", "importlib", "code", "marshal", "pickle", "ctypes", "shutil", "socket", "webbrowser"}
)
_SYSTEM = frozenset(
    {"system", "popen", "remove", "unlink", "rmdir", "rename", "replace", "makedirs", "mkdir", "kill", "symlink", "chmod"}
)


def can_be_called(name: QualifiedName) -> bool:
    """Whether objects of a class can be called, as far as this process can tell; a class that it does not have might be."""
    found: Any = (namespace_of(name.module) or {}).get(name.name)
    return not isinstance(found, type) or any("__call__" in vars(base) for base in _MRO.__get__(found))


def answers_calls(what: str | QualifiedName) -> bool:
    """Whether what a reviewed global makes is an object that can be called, as far as the name of its kind is that of a class here."""
    module, _, attribute = str(what).rpartition(".")
    found: Any = (namespace_of(module) or {}).get(attribute)
    return isinstance(found, type) and any("__call__" in vars(base) for base in _MRO.__get__(found))


def descends(name: QualifiedName, base: type) -> bool:
    """Whether a class, as this process has it, descends from another."""
    found: Any = (namespace_of(name.module) or {}).get(name.name)
    return isinstance(found, type) and base in _MRO.__get__(found)


def is_kept(mro: Iterable[type], attribute: str) -> bool:
    """Whether a class keeps something of its own under an attribute: a method sets it, or the class annotates it or has a default."""
    for base in mro:
        names = vars(base)
        annotated = names.get("__annotations__") or ()
        if attribute in names or attribute in annotated:
            return True
        if any(attribute in _set_by(function.__code__) for value in names.values() for function in _functions(value)):
            return True
    return False


def runs_what_it_holds(mro: Iterable[type]) -> bool:
    """Whether a class, called or shown, makes code, files or programs of something: as its methods, and those that these call, say."""
    family = [base for base in mro if base is not object]
    waiting = [name for name in _TOUCHED if any(name in vars(base) for base in family)]
    seen = set(waiting)
    while waiting:
        name = waiting.pop()
        for base in family:
            for function in _functions(vars(base).get(name)):
                if _runs(function):
                    return True
                further = {other for other in _names(function.__code__) if any(other in vars(one) for one in family)} - seen
                seen |= further
                waiting += further
    return False


def _functions(value: Any, depth: int = 0) -> Iterator[FunctionType]:
    """Give the functions of a method: its own, those of a property, and what a decorator wraps."""
    kind = type(value)
    if kind in (staticmethod, classmethod):
        yield from _functions(value.__func__, depth)
    elif kind is property:
        for part in (value.fget, value.fset, value.fdel):
            yield from _functions(part, depth)
    elif kind is functools.cached_property:
        yield from _functions(value.func, depth)
    elif kind is FunctionType:
        yield value
        if depth < _DEEPEST:
            yield from _functions(vars(value).get("__wrapped__"), depth + 1)


_DEEPEST = 10  # decorators around one method


@functools.lru_cache(maxsize=4096)
def _set_by(code: CodeType) -> frozenset[str]:
    """Name the attributes that a function sets."""
    own = {step.argval for step in dis.get_instructions(code) if step.opname == "STORE_ATTR"}
    return frozenset(own).union(*(_set_by(part) for part in code.co_consts if type(part) is CodeType))


@functools.lru_cache(maxsize=4096)
def _names(code: CodeType) -> frozenset[str]:
    """Name the globals and attributes that a function asks for."""
    return frozenset(code.co_names).union(*(_names(part) for part in code.co_consts if type(part) is CodeType))


@functools.lru_cache(maxsize=4096)
def _globals(code: CodeType) -> frozenset[str]:
    own = {step.argval for step in dis.get_instructions(code) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    return frozenset(own).union(*(_globals(part) for part in code.co_consts if type(part) is CodeType))


def _runs(function: FunctionType) -> bool:
    names = _names(function.__code__)
    for name in _globals(function.__code__):
        found = function.__globals__.get(name, vars(builtins).get(name))
        if name in _RUNS and found is vars(builtins)[name]:
            return True
        if type(found) is ModuleType and (
            found.__name__ in _MODULES or (found.__name__ == "os" and not names.isdisjoint(_SYSTEM))
        ):
            return True
    return False
