"""Judge the classes that no list knows, in the process that has them.

A class is cleared when nothing of it runs while its objects are made: every method that a load could reach is the interpreter's own,
or on the short list of methods that were read (`policy/methods.toml`). It must be here already, come from the standard library, from
an installed package or from the user's own notebook, and bear the very name the stream gives it. Nothing is imported and no
attribute is asked for in a way that could run code.
"""

from __future__ import annotations

import abc
import builtins
import sys
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from types import GetSetDescriptorType
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.engines.installed import file_of, find_file, is_installed, is_python, namespace_of
from jupyter_modelguard.engines.verdict import StreamTrace, with_globals
from jupyter_modelguard.policy.catalogue import capability_of, inert, reviewed_methods
from jupyter_modelguard.policy.names import importable, normalise
from jupyter_modelguard.policy.record import GLOBAL, OPEN, OpenClass
from jupyter_modelguard.types import Finding, Judgement, QualifiedName, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_modelguard.policy.catalogue import ReviewedMethod

__all__ = ["inspect_open", "modules_to_import"]

_BASES: frozenset[type] = frozenset(
    {object, list, dict, set, frozenset, tuple, str, bytes, bytearray, int, float, complex, OrderedDict}
)
_IMMUTABLE = 1 << 8  # Py_TPFLAGS_IMMUTABLETYPE
_HEAP = 1 << 9  # Py_TPFLAGS_HEAPTYPE
# Parts of a package that are not there to be imported by a model.
_NOT_FOR_MODELS = frozenset(
    {"__main__", "conftest", "setup", "test", "tests", "testing", "_testing", "benchmarks", "distutils", "f2py"}
)
_NAMES_OF_PROTOCOLS = frozenset({"append", "extend", "add", "keys", "items", "values", "get", "pop", "update", "forward"})


def inspect_open(trace: StreamTrace) -> StreamTrace:
    """Judge what a trace left open, and say of every global where it comes from here.

    Runs in the process that is going to load, also for a trace that left no class open: whether a Python 2 name could be
    imported as it stands is a question to this process.
    """
    opened = {item.name: item for item in trace.open_classes}
    raw = _raw_names(trace)
    uses = []
    extra: list[Finding] = []
    for use in trace.report.globals:
        judged = use
        if use.judgement is Judgement.INSPECT:
            wrong = _wrong_with(opened[use.name]) if use.name in opened else "is used in a way that was not recorded"
            if wrong:
                judged = replace(use, judgement=Judgement.UNKNOWN, reason=wrong)
            else:
                judged = replace(
                    use, judgement=Judgement.INERT, reason="is a plain class: none of its methods run while it is loaded"
                )
                if use.name.module == "__main__":
                    extra.append(Finding("pickle-notebook-class", Severity.INFO, f"{use.name.name} is a class of this notebook"))
        if judged.judgement in (Judgement.INERT, Judgement.CLOSED):
            planted = [module for module in raw.get(use.name, ()) if module != use.name.module and importable(module)]
            if planted:
                judged = replace(
                    judged,
                    judgement=Judgement.UNKNOWN,
                    reason=f"is written {planted[0]}.{use.name.name}, which could be imported",
                )
            elif _is_planted(use.name.module):
                judged = replace(
                    judged,
                    judgement=Judgement.UNKNOWN,
                    reason="comes from a file outside Python and its installed packages",
                )
        uses.append(replace(judged, origin=_origin(use.name)))
    finished = with_globals(trace, tuple(uses), ())
    return replace(finished, report=replace(finished.report, findings=finished.report.findings + tuple(extra)))


def modules_to_import(trace: StreamTrace) -> tuple[str, ...]:
    """Name the modules that must be imported before the classes of a trace can be inspected and loaded.

    Only modules that a reviewed list knows, or of a library that the lists know, and only where the file that would run belongs to the
    standard library or an installed package.
    """
    known = {name.module for name in inert()}
    libraries = {module.partition(".")[0] for module in known} | {method.partition(".")[0] for method in reviewed_methods()}
    libraries = {name for name in libraries if name not in sys.stdlib_module_names}
    wanted = []
    for use in trace.report.globals:
        module = use.name.module
        if (
            module in sys.modules
            or module in wanted
            or use.judgement not in (Judgement.INSPECT, Judgement.INERT, Judgement.CLOSED)
        ):
            continue
        parts = module.split(".")
        allowed = module in known or (parts[0] in libraries and not _NOT_FOR_MODELS.intersection(parts))
        path = find_file(module) if allowed else None
        if path is not None and (path in ("built-in", "frozen") or is_installed(path)):
            wanted.append(module)
    return tuple(wanted)


def _is_planted(module: str) -> bool:
    """Whether a module that a list knows is, or would be imported from, a file that is no library's: somebody put it in the way."""
    if module == "__main__":
        return False
    path = file_of(module) if namespace_of(module) is not None else find_file(module)
    return path is not None and path not in ("", "built-in", "frozen") and not is_installed(path)


def _raw_names(trace: StreamTrace) -> dict[QualifiedName, list[str]]:
    raw: dict[QualifiedName, list[str]] = {}
    for module, name in sorted(trace.names):
        raw.setdefault(normalise(module, name), []).append(module)
    return raw


def _wrong_with(use: OpenClass) -> str:
    """Say why a class cannot be cleared; nothing if it can."""
    if "." in use.name.name:
        return "is not at the top of its module"
    names = namespace_of(use.name.module)
    if names is None:
        return "comes from a module that is not imported here"
    cls = names.get(use.name.name)
    kind = type(cls)
    if kind is not type and kind is not abc.ABCMeta:
        return "is not a plain class" if cls is not None else "is not found in its module here"
    mro: tuple[type, ...] = type.__dict__["__mro__"].__get__(cls)
    own = vars(cls)
    if own.get("__module__") != use.name.module or type.__dict__["__qualname__"].__get__(cls) != use.name.name:
        return "is known by another name"
    for base in mro:
        wrong = _wrong_with_base(base, use.name)
        if wrong:
            return wrong
    return _wrong_with_methods(use, mro) or _wrong_with_state(use, mro)


def _wrong_with_base(base: type, name: QualifiedName) -> str:
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
        names |= {"add"}
    if use.indexed:
        names |= {"__setitem__"}
    if use.hashed:
        names |= {"__hash__", "__eq__"}
    return names


def _wrong_with_methods(use: OpenClass, mro: tuple[type, ...]) -> str:  # noqa: C901, PLR0911, PLR0912 a list of reasons
    """Look at every class of the family, whether or not a nearer one hides the method: reviewed methods call `super()`."""
    reached = _load_time_names(use)
    objects = dict(use.objects)
    for base, name, value in _methods(mro):
        shows = name.startswith(("_repr_", "_mime_")) and name.endswith("_")
        if name not in reached and not shows:
            continue
        if name == "__dict__" and type(value) is GetSetDescriptorType and value.__objclass__ is base:
            continue  # where Python keeps the attributes of objects of the class
        if name == "__hash__" and value is None:
            return "makes a key, but cannot be one"
        review = _review(base, name)
        if review is None:
            return f"has a method of its own that would run: {name}"
        for key in review.plain:
            if key in objects:
                return f"is given an object as {key!r}, which its {name} looks at"
        for key, kind in review.only.items():
            if key not in use.keys or any(held == key and what != kind for held, what in use.objects) or key not in objects:
                return f"is given something else than {kind} as {key!r}, which its {name} looks at"
    bases = set(mro)
    if use.appended and list not in bases:
        return "is given items, but is no list"
    if use.indexed and dict not in bases:
        return "is given items by key, but is no dictionary"
    if use.added and not bases & {set, frozenset}:
        return "is given members, but is no set"
    if use.built and issubclass(mro[0], BaseException):
        return "is an exception with a state, which is not reviewed"
    return ""


def _wrong_with_state(use: OpenClass, mro: tuple[type, ...]) -> str:
    """Refuse an object that would stand in for a method. Objects that reviewed globals make cannot be called."""
    for key, what in sorted(use.objects):
        if what not in (OPEN, GLOBAL):
            continue
        hides = key.startswith("__") or (key.startswith(("_repr_", "_mime_", "_ipython_")) and key.endswith("_"))
        if hides or key in _NAMES_OF_PROTOCOLS or any(key in vars(base) for base in mro):
            return f"is given an object in place of its {key!r:.60}"
    return ""


def _origin(name: QualifiedName) -> str:
    """Say in words where a global comes from here."""
    if name.module == "__main__":
        return "this notebook"
    path = file_of(name.module)
    if path is None:
        path = find_file(name.module)
    if path is None:
        return "not found here"
    if path in ("", "built-in", "frozen") or is_python(path):
        return "Python"
    if is_installed(path):
        top = name.module.partition(".")[0]
        version = (namespace_of(top) or {}).get("__version__")
        return f"{top} {version}, installed here" if type(version) is str else f"{top}, installed here"
    inside = Path(path).resolve().is_relative_to(Path.cwd())
    return "a file in the working directory" if inside else "a file outside Python and its installed packages"
