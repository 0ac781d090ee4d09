"""Which Python files a repository's entry points would execute: the file that is named, and what it imports relatively.

Files are parsed, never imported. A file that cannot be parsed is still part of the answer: it would be executed, and fail, all the same.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
from typing import TYPE_CHECKING

from jupyter_modelguard.types import CodeFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = [
    "ALWAYS_RUN",
    "CONFIGURATIONS",
    "auto_map_modules",
    "collect_code",
    "folder_reader",
    "mapped_modules",
    "python_files",
    "read_file",
]

ALWAYS_RUN = ("hubconf.py",)  # what torch.hub.load runs of any folder
CONFIGURATIONS = (
    "config.json",
    "tokenizer_config.json",
    "processor_config.json",
    "preprocessor_config.json",
    "video_preprocessor_config.json",
    "generation_config.json",
)


def auto_map_modules(read: Callable[[str], bytes | None]) -> tuple[str, ...]:
    """Return the module files of a repository itself that its configurations name in `auto_map`, such as `modeling_acme.py`.

    Parameters
    ----------
    read
        Returns the content of a file of the repository, or None if there is none.
    """
    return mapped_modules(read).get("", ())


def mapped_modules(read: Callable[[str], bytes | None]) -> dict[str, tuple[str, ...]]:
    """Return the module files that a repository's configurations name in `auto_map`, by the repository that has them.

    Parameters
    ----------
    read
        Returns the content of a file of the repository, or None if there is none.

    Returns
    -------
    dict
        "" stands for the repository itself. `other/repo--modeling.Class` names a file of another one.
    """
    found: dict[str, dict[str, None]] = {}
    for name in CONFIGURATIONS:
        content = read(name)
        if content is None:
            continue
        try:
            config = json.loads(content)
        except (ValueError, RecursionError):
            continue  # the library reports it when it reads the file itself
        for reference in _mapped(config):
            repository, _, place = reference.rpartition("--")
            if "." in place:
                found.setdefault(repository, {})[place.split(".")[0] + ".py"] = None
    return {repository: tuple(files) for repository, files in found.items()}


def _mapped(config: object) -> Iterable[str]:
    """Find the references of a configuration, and of those inside it, of which models of several parts are made."""
    waiting = [config]
    while waiting:
        value = waiting.pop(0)
        if isinstance(value, dict):
            yield from _references(value.get("auto_map"))
            waiting += [inner for name, inner in value.items() if name != "auto_map"]


def _references(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def collect_code(entries: Iterable[str], read: Callable[[str], bytes | None]) -> tuple[CodeFile, ...]:
    """Return the entry files and everything that they import relatively, in the order in which they were found."""
    waiting = list(dict.fromkeys(entries))
    found: dict[str, CodeFile] = {}
    while waiting:
        path = waiting.pop(0)
        if path in found:
            continue
        content = read(path)
        if content is None:
            continue
        found[path] = CodeFile(path, hashlib.sha256(content).hexdigest(), content)
        waiting += _relative_imports(path, content)
    return tuple(found.values())


def _relative_imports(path: str, content: bytes) -> list[str]:
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    folder = path.split("/")[:-1]
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = folder[: len(folder) - node.level + 1]
            modules = [node.module] if node.module else []
            # "from . import x" and "from .x import y" may both name a file
            modules += [f"{node.module}.{alias.name}" if node.module else alias.name for alias in node.names]
            for module in modules:
                parts = [*base, *module.split(".")]
                found += ["/".join(parts) + ".py", "/".join([*parts, "__init__.py"])]
    return found


def folder_reader(folder: str) -> Callable[[str], bytes | None]:
    """Make a function that reads files below a folder by their relative names, and gives None for what is not there."""

    def read(name: str) -> bytes | None:
        path = os.path.normpath(os.path.join(folder, name))
        return read_file(path) if path.startswith(folder + os.sep) else None

    folder = os.path.abspath(folder)
    return read


def read_file(path: str | None) -> bytes | None:
    """Read a file; None where there is none."""
    if path is None or not os.path.isfile(path):
        return None
    with open(path, "rb") as file:
        return file.read()


def python_files(folder: str) -> list[str]:
    """List the Python files below a folder by their relative names, those behind links to folders too."""
    found, seen = [], set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        place = os.path.realpath(parent)
        if place in seen or "pyvenv.cfg" in names:  # a link back; an environment, whose libraries are nobody's model
            folders.clear()
            continue
        seen.add(place)
        folders[:] = [name for name in folders if not name.startswith(".") and name != "__pycache__"]
        found += [os.path.relpath(os.path.join(parent, name), folder) for name in names if name.endswith(".py")]
    return found
