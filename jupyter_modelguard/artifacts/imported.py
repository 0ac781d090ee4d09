"""Which files outside the installed libraries an import would run, found along `sys.path` without importing anything.

A configuration or a repository's file may name any module; one that lies in the working directory, beside the model, or in a folder that
somebody put on the path is code that nobody looked at.
"""

from __future__ import annotations

import ast
import hashlib
import os
import sys
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING

from jupyter_modelguard.types import CodeFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["absolute_imports", "imported_files"]

_MOST_FILES = 200
_LARGEST = 10 << 20  # bytes of one source file


def absolute_imports(content: bytes) -> tuple[str, ...]:
    """Return the modules that a source file imports by absolute name; none if it cannot be parsed."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    found: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(dict.fromkeys(alias.name for alias in node.names))
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.update(dict.fromkeys([node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]))
    return tuple(found)


def imported_files(modules: Iterable[str], trusted: Callable[[str], bool], *, again: bool = False) -> tuple[CodeFile, ...]:
    """Return the source files that importing these modules would run and that are nobody's installed library.

    Parameters
    ----------
    modules
        Dotted names. What is imported already runs nothing again, and is left out.
    trusted
        Whether a path belongs to Python or to an installed library.
    again
        Whether what is imported already counts too, as for a process that has imported nothing yet.
    """
    waiting = list(dict.fromkeys(modules))
    seen = set(waiting)
    found: dict[str, CodeFile] = {}
    while waiting and len(found) < _MOST_FILES:
        module = waiting.pop(0)
        if module in sys.modules and not again:
            continue
        for path in _files_of(module):
            if path in found or trusted(path):
                continue
            with open(path, "rb") as file:
                content = file.read(_LARGEST)
            found[path] = CodeFile(path, hashlib.sha256(content).hexdigest(), content)
            further = [*absolute_imports(content), *_relative(module, path, content)]
            waiting += [name for name in further if name not in seen]
            seen.update(further)
    return tuple(found.values())


def _files_of(module: str) -> list[str]:
    """Return the files that run when a dotted name is imported, a package's `__init__.py` first."""
    search: list[str] | None = None
    files: list[str] = []
    name = ""
    for part in module.split("."):
        name = f"{name}.{part}" if name else part
        try:
            spec = PathFinder.find_spec(name, search)
        except Exception:  # noqa: BLE001 a broken path entry holds nothing
            return files
        if spec is None:
            return files
        if spec.origin is not None and os.path.isfile(spec.origin):
            files.append(os.path.realpath(spec.origin))
        if spec.submodule_search_locations is None:
            return files
        search = list(spec.submodule_search_locations)
    return files


def _relative(module: str, path: str, content: bytes) -> list[str]:
    package = module if path.endswith("__init__.py") else module.rpartition(".")[0]
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            parts = package.split(".")
            base = ".".join(parts[: len(parts) - node.level + 1])
            inner = f"{base}.{node.module}" if node.module else base
            found += [inner, *(f"{inner}.{alias.name}" for alias in node.names)]
    return found
