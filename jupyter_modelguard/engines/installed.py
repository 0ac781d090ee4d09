"""Where Python and installed packages keep their files, and where a module would come from, without running any of it."""

from __future__ import annotations

import _imp
import functools
import os
import site
import sys
import sysconfig
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["file_of", "find_file", "is_installed", "is_python", "namespace_of", "version_of"]


@functools.cache
def _roots() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Real paths of the standard library, and of the folders that packages are installed to."""
    python = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    packages = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *site.getsitepackages(), site.getusersitepackages()}
    return _real(python), _real(packages)


def _real(paths: set[str]) -> tuple[str, ...]:
    return tuple(sorted(os.path.realpath(path) + os.sep for path in paths if path))


def is_python(path: str) -> bool:
    """Whether a file belongs to the standard library."""
    real = os.path.realpath(path)
    python, packages = _roots()
    return real.startswith(python) and not real.startswith(packages)


def is_installed(path: str) -> bool:
    """Whether a file belongs to the standard library or to an installed package.

    So must the folder that leads to it: a link to a library's file imports what lies beside the link.
    """
    python, packages = _roots()
    folder = os.path.realpath(path.rpartition(os.sep)[0]) + os.sep
    return os.path.realpath(path).startswith(python + packages) and folder.startswith(python + packages)


def namespace_of(module: str) -> Mapping[str, Any] | None:
    """Give the names of a module that is imported already; a module's own `__getattr__` is not asked."""
    found = sys.modules.get(module)
    if found is None or not issubclass(type(found), ModuleType):
        return None
    names: Mapping[str, Any] = object.__getattribute__(found, "__dict__")
    return names


def file_of(module: str) -> str | None:
    """Give the file of an imported module; empty for one that is part of the interpreter, None if there is no telling."""
    names = namespace_of(module)
    if names is None:
        return None
    path = names.get("__file__")
    if type(path) is str:
        return path
    return "" if module in sys.builtin_module_names or _imp.is_frozen(module) else None  # code can put a module under any name


def find_file(module: str) -> str | None:
    """Find the file that an import of a module would run, from folder to folder and without running any `__init__.py`.

    The `__init__.py` of each package above runs first: the first one that is no library's is the answer.
    """
    path = None
    origin = None
    parts = module.split(".")
    for place in range(1, len(parts) + 1):
        try:
            spec = PathFinder.find_spec(".".join(parts[:place]), path)
        except Exception:  # noqa: BLE001 a broken path entry is no answer
            return None
        if spec is None:
            return None
        origin = spec.origin
        path = list(spec.submodule_search_locations or ())
        if place < len(parts) and not path:
            return None
        if spec.has_location and origin is not None and not is_installed(origin):
            return origin
    return origin


def version_of(library: str) -> str:
    """Give the version of an installed library by its top-level module, imported or not; empty if there is no telling."""
    version = (namespace_of(library) or {}).get("__version__")
    if issubclass(type(version), str):
        return str.__str__(version)  # torch's is of a class of its own
    folders = [folder for folder in map(Path, _roots()[1]) if folder.is_dir()]
    now = tuple((str(folder), folder.stat().st_mtime_ns) for folder in folders)
    return _version_by_name(library, now) or _versions(now).get(library, "")


@functools.lru_cache(1 << 8)
def _version_by_name(library: str, folders: tuple[tuple[str, int], ...]) -> str:
    """Give the version of a library that is installed under the name of its module; empty if there is none."""
    from importlib.metadata import distributions

    named = next(iter(distributions(name=library, path=[folder for folder, _ in folders])), None)
    return "" if named is None else named.version


@functools.lru_cache(1)
def _versions(folders: tuple[tuple[str, int], ...]) -> Mapping[str, str]:
    """Map top-level modules to the versions that their installation wrote down, for as long as nothing is installed or removed."""
    from importlib.metadata import distributions

    found: dict[str, str] = {}
    for distribution in distributions(path=[folder for folder, _ in folders]):
        written = distribution.read_text("RECORD") or ""
        tops = {line.partition("/")[0].partition(".")[0] for line in written.splitlines() if ".py," in line or ".so," in line}
        found.update(dict.fromkeys(tops, distribution.version))
    return found
