"""The classes of a library that a pickle can name, and the methods of them that a load would reach."""

from __future__ import annotations

import contextlib
import importlib
import io
import pkgutil
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.engines.live_class import wrong_with
from jupyter_modelguard.policy.catalogue import inert, reviewed_methods
from jupyter_modelguard.policy.record import OpenClass
from jupyter_modelguard.testing.review.source import Danger, dangers, function_of
from jupyter_modelguard.types import QualifiedName

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ALWAYS", "SOMETIMES", "Member", "Method", "key_of", "members", "review"]

ALWAYS = (
    "__new__",
    "__setstate__",
    "__getattr__",
    "__getattribute__",
    "__setattr__",
    "__delattr__",
    "__del__",
    "__array_finalize__",
)
SOMETIMES = {"__init__": "called", "__hash__": "a key", "__eq__": "a key", "append": "given items", "extend": "given items",
             "add": "given members", "__setitem__": "given items by key", "__call__": "called later"}  # fmt: skip
_PYTHON = frozenset({"builtins", "abc", "enum", "typing", "collections", "dataclasses", "_thread", "datetime", "decimal"})
_PASSED_OVER = frozenset({"test", "tests", "testing", "_testing", "conftest", "setup", "benchmarks", "__main__"})


@dataclass(frozen=True, slots=True)
class Method:
    """One method that a load would reach.

    Attributes
    ----------
    owner
        The class that defines it.
    name, when
        Its name; and on what condition it is reached, empty for always.
    state
        "reviewed", "to read" or "executes".
    dangers
        What its source could run.
    """

    owner: type
    name: str
    when: str
    state: str
    dangers: tuple[Danger, ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """One class of a library.

    Attributes
    ----------
    name
        As a pickle writes it.
    listed
        Whether a row of the lists has it.
    verdict
        Why inspection does not clear a plain instance with a state; empty if it does.
    methods
        The methods that are not Python's own.
    """

    name: QualifiedName
    listed: bool
    verdict: str
    methods: tuple[Method, ...]

    @property
    def executes(self) -> bool:
        """Whether something that every load reaches could run what a file brings along."""
        return any(method.state == "executes" and not method.when for method in self.methods)


def members(library: str) -> Iterator[type]:
    """Import a library and give the classes that its modules define, by their names there."""
    for module in _modules(library):
        for name, value in sorted(vars(module).items()):
            if isinstance(value, type) and value.__module__ == module.__name__ and value.__qualname__ == name:
                yield value


def review(cls: type) -> Member:
    """Look at one class."""
    name = QualifiedName(cls.__module__, cls.__qualname__)
    use = OpenClass(name=name, made=True, built=True, keys=frozenset({"attribute"}))
    return Member(name, name in inert(), wrong_with(use), tuple(_methods(cls)))


def key_of(owner: type, name: str, value: Any) -> tuple[str, str]:
    """Name a method as `methods.toml` does, and the function that a decorator put in its place."""
    function = function_of(value)
    by_function = f"{function.__module__}:{function.__qualname__}" if function is not None else ""
    return f"{owner.__module__}:{owner.__qualname__}.{name}", by_function


def _methods(cls: type) -> Iterator[Method]:
    for owner in type.mro(cls) if cls is not type else ():
        if owner.__module__.partition(".")[0] in _PYTHON:
            continue
        for name, value in vars(owner).items():
            shown = name.startswith(("_repr_", "_mime_")) and name.endswith("_")
            if (name not in ALWAYS and name not in SOMETIMES and not shown) or value is None:
                continue
            if any(key in reviewed_methods() for key in key_of(owner, name, value)):
                yield Method(owner, name, SOMETIMES.get(name, ""), "reviewed")
                continue
            found = dangers(value)
            yield Method(owner, name, SOMETIMES.get(name, "shown" if shown else ""), "executes" if found else "to read", found)


def _modules(library: str) -> Iterator[Any]:
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        root = importlib.import_module(library)
        found = [root]
        for info in pkgutil.walk_packages(getattr(root, "__path__", ()), f"{library}.", onerror=lambda _: None):
            if _PASSED_OVER.intersection(info.name.split(".")):
                continue
            try:
                found.append(importlib.import_module(info.name))
            except (Exception, SystemExit):  # noqa: BLE001, S112 a module of somebody's library may want what is not installed
                continue
    yield from found
