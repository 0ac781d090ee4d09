"""The user's own code that a file names: the modules beside the notebook, and what the notebook itself defines.

Such code changes from day to day, so whoever wants to go by it later has to know it again. Of a module that is its source and that of
all further modules of the user that it imports; of the notebook the code of the function or class, of what that uses of the notebook,
and of the classes it descends from; comments and the cell that it stood in do not matter. What cannot be known again for sure (a value
of another type, code that was changed since it was imported) is not bound.
"""

from __future__ import annotations

import dis
import hashlib
import os
import sys
from pathlib import Path
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, GetSetDescriptorType, ModuleType
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.artifacts.imported import imported_files
from jupyter_modelguard.engines.installed import file_of, find_file, is_installed, namespace_of, version_of
from jupyter_modelguard.types import CodeFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from jupyter_modelguard.types import QualifiedName

__all__ = ["own_code"]

_MOST_FILES = 100
_MOST_PARTS = 2_000
_MADE_BY_PYTHON = frozenset(
    {
        "__module__",
        "__dict__",
        "__weakref__",
        "__doc__",
        "__firstlineno__",
        "__static_attributes__",
        "__qualname__",
        "__slotnames__",
    }
)
_PARTS: dict[type, Callable[[Any], list[Any]]] = {
    tuple: list,
    list: list,
    dict: lambda value: [part for pair in value.items() for part in pair],
    staticmethod: lambda value: [value.__func__],
    classmethod: lambda value: [value.__func__],
    property: lambda value: [value.fget, value.fset, value.fdel],
}
_PLAIN = frozenset({int, float, complex, bool, str, bytes, type(None), type(Ellipsis), type(NotImplemented)})


def own_code(
    names: Iterable[QualifiedName], notebook: Mapping[str, Any] | None = None, before: float | None = None
) -> tuple[CodeFile, ...] | None:
    """Read the code behind some names, none of which an installed library has.

    Parameters
    ----------
    names
        What to read.
    notebook
        What the names of the notebook stood for at the time that matters; what they stand for now if None.
    before
        That time, in seconds since the epoch: a file that was written later is not what it was then. None for now.

    Returns
    -------
    tuple or None
        Files of the user's modules with their digests, and one entry without content for each name of the notebook; None if some of it
        could be another tomorrow without anybody noticing.
    """
    wanted = tuple(names)
    here = tuple(name for name in wanted if name.module == "__main__")
    try:
        files = _module_files(tuple(dict.fromkeys(name.module for name in wanted if name.module != "__main__")))
        if before is not None and any(Path(file.path).stat().st_mtime >= before for file in files):
            return None
        return (*files, *(CodeFile(f"notebook:{name.name}", _Notebook(notebook).digest(name.name), b"") for name in here))
    except (_UnboundError, OSError, SyntaxError, ValueError, RecursionError):
        return None


class _UnboundError(Exception):
    """Something that cannot be known again."""


def _module_files(modules: tuple[str, ...]) -> tuple[CodeFile, ...]:
    """Read the sources of the user's modules and of what these import, and see that what is imported already is what is written there."""
    files = imported_files(modules, is_installed, again=True)
    paths = {file.path: file for file in files}
    if len(files) >= _MOST_FILES or not all(path.endswith(".py") for path in paths):
        raise _UnboundError
    for name in tuple(sys.modules):
        path = file_of(name)
        file = paths.get(os.path.realpath(path)) if path else None
        if file is not None and not _is_as_written(namespace_of(name) or {}, file):
            raise _UnboundError
    for name in modules:
        path = file_of(name) if namespace_of(name) is not None else find_file(name)
        if not path or os.path.realpath(path) not in paths:
            raise _UnboundError
    return files


def _is_as_written(names: Mapping[str, Any], file: CodeFile) -> bool:
    """Whether the functions of an imported module are those of its file: it can have been edited since."""
    written = set(_codes(compile(file.content, file.path, "exec", dont_inherit=True)))
    for value in tuple(names.values()):
        members = tuple(vars(value).values()) if issubclass(type(value), type) else (value,)
        for function in filter(None, map(_function, members)):
            generated = function.__code__.co_filename.startswith("<")
            if function.__globals__ is names and not generated and function.__code__ not in written:
                return False
    return True


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for part in code.co_consts:
        if type(part) is CodeType:
            yield from _codes(part)


def _function(member: Any) -> FunctionType | None:
    kind = type(member)
    inner = member.__func__ if kind in (staticmethod, classmethod) else member.fget if kind is property else member
    return inner if type(inner) is FunctionType else None


class _Notebook:
    """Takes the digest of something that cells defined, with all that it uses."""

    def __init__(self, names: Mapping[str, Any] | None = None) -> None:
        self._globals = namespace_of("__main__") or {}
        self._names = self._globals if names is None else names
        self._seen: dict[int, int] = {}
        self._parts: list[str] = []

    def digest(self, name: str) -> str:
        """Give the sha256 of the code behind a name of the notebook."""
        if "." in name or name not in self._names:
            raise _UnboundError
        self._add(self._names[name])
        return hashlib.sha256("\n".join(self._parts).encode("utf-8", "surrogatepass")).hexdigest()

    def _say(self, *parts: object) -> None:
        self._parts.append(repr(parts))
        if len(self._parts) > _MOST_PARTS:
            raise _UnboundError

    def _add(self, value: Any) -> None:
        kind = type(value)
        if kind in _PLAIN:
            self._say(kind.__name__, value)
        elif id(value) in self._seen:
            self._say("again", self._seen[id(value)])
        else:
            self._seen[id(value)] = len(self._seen)
            self._add_new(kind, value)

    def _add_new(self, kind: type, value: Any) -> None:
        if kind in _PARTS:
            parts = _PARTS[kind](value)
            self._say(kind.__name__, len(parts))
            for part in parts:
                self._add(part)
        elif kind is FunctionType:
            self._add_function(value)
        elif kind is ModuleType:
            self._add_library(value.__name__, "")
        elif issubclass(kind, type):
            self._add_class(value)
        elif kind is BuiltinFunctionType:
            self._add_library(value.__module__, value.__qualname__)
        else:
            raise _UnboundError

    def _add_class(self, value: type) -> None:
        module, name = type.__dict__["__module__"].__get__(value), type.__dict__["__qualname__"].__get__(value)
        if module != "__main__":
            self._add_library(module, name)
            return
        kind = type(value)
        self._say("class", name, len(value.__bases__))
        self._add(kind)
        for base in value.__bases__:
            self._add(base)
        for key, item in sorted(vars(value).items()):
            if key in _MADE_BY_PYTHON or type(item) is GetSetDescriptorType:
                continue
            self._say("member", key)
            if key in {"__annotations__", "__annotations_cache__"}:
                self._say(sorted(item) if type(item) is dict else "")
            elif key == "__abstractmethods__":
                self._say(sorted(item))
            elif key != "_abc_impl":
                self._add(item)

    def _add_library(self, module: Any, name: str) -> None:
        """Name something of an installed library, or of Python."""
        if type(module) is not str or module == "__main__":
            raise _UnboundError
        path = file_of(module)
        if path is None or (path and not is_installed(path)):
            raise _UnboundError
        self._say("library", module, name, version_of(module.partition(".")[0]))

    def _add_function(self, function: FunctionType) -> None:
        if function.__globals__ is not self._globals:
            self._add_library(function.__module__, function.__qualname__)
            if function.__closure__:
                raise _UnboundError  # made here by a library, of what it was given
            return
        self._say("function", function.__qualname__)
        self._add_code(function.__code__)
        self._add(function.__defaults__)
        self._add(function.__kwdefaults__)
        for cell in function.__closure__ or ():
            self._add(_content(cell))
        for name in sorted(_globals_of(function.__code__)):
            if name in self._names:
                self._say("global", name)
                self._add(self._names[name])

    def _add_code(self, code: CodeType) -> None:
        shape = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags, code.co_code.hex())
        self._say("code", code.co_name, *shape, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
        self._say("exceptions", code.co_exceptiontable.hex())
        for constant in code.co_consts:
            if type(constant) is CodeType:
                self._add_code(constant)
            else:
                self._say("constant", _ordered(constant))


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        raise _UnboundError from None


def _globals_of(code: CodeType) -> frozenset[str]:
    own = {step.argval for step in dis.get_instructions(code) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    return frozenset(own).union(*(_globals_of(part) for part in code.co_consts if type(part) is CodeType))


def _ordered(constant: Any) -> object:
    """Bring what a function holds into one order: that of a set differs from process to process."""
    if type(constant) is frozenset:
        return "frozenset", sorted(map(repr, constant))
    if type(constant) is tuple:
        return tuple(_ordered(item) for item in constant)
    return type(constant).__name__, constant
