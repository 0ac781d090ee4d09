"""Names that the table knows and a version of a library no longer has: noticed as the library is imported, and by the doctor before that.

A loader that was renamed is held by the audit floor alone, which knows neither the call nor the file. A row that stands for one of several
versions of a library says so (`either`, `since`); that such a one is missing is no hole.
"""

from __future__ import annotations

import os
import re
import sys
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from importlib.machinery import ModuleSpec

    from jupyter_modelguard.hooks.row import Row

__all__ = ["changed_names", "holes"]

_LARGEST = 4 << 20  # bytes of one source file


def holes(missing: Iterable[Row], in_place: Collection[Row]) -> list[Row]:
    """Return the rows that nothing stands in for, sorted by their place.

    Parameters
    ----------
    missing
        Rows whose module is imported and has no such name.
    in_place
        Rows whose name was found and guarded.
    """
    held = {row.either for row in in_place if row.either}
    found = [row for row in missing if row.either not in held and not _is_older(row)]
    return sorted(found, key=lambda row: (row.module, row.attribute))


def changed_names(rows: Iterable[Row]) -> list[str]:
    """Return the places of loaders that the installed libraries do not have, by their sources alone: nothing is imported.

    Modules without a source, and methods that a class may inherit, count as found.
    """
    rows = tuple(rows)
    states = {row: _is_there(row) for row in rows}
    missing = (row for row, there in states.items() if there is False)
    in_place = [row for row, there in states.items() if there]
    return sorted({f"{row.module}.{row.attribute}" for row in holes(missing, in_place)})


def _is_there(row: Row) -> bool | None:
    """Whether an installed library has a loader; None if the library is not installed."""
    top = row.module.partition(".")[0]
    if top in sys.stdlib_module_names or _spec(top) is None:
        return None
    spec = _spec(row.module)
    if spec is None:
        return False
    if spec.origin is None or not spec.origin.endswith(".py"):
        return True
    with open(spec.origin, "rb") as file:
        text = file.read(_LARGEST).decode("utf-8", "replace")
    owner, _, name = row.attribute.rpartition(".")
    if not owner:
        return _binds(text, name)
    named = re.escape(owner[:-1]) + r"\w*" if owner.endswith("*") else re.escape(owner)
    made = re.search(rf"^\s*class\s+{named}\s*(\(|:)", text, re.MULTILINE)
    if made is None:
        return _binds(text, owner) if not owner.endswith("*") else "locals()[" in text
    return made[1] == "(" or _binds(text, name)


def _binds(text: str, name: str) -> bool:
    """Whether a source makes a name: by a definition, an assignment, or an import, on lines of its own too."""
    word = re.escape(name)
    ways = (
        rf"^\s*(?:async\s+)?(?:def|class)\s+{word}\b",
        rf"^\s*{word}\s*:",
        rf"^[\w \t,]*\b{word}\b[\w \t,]*=(?!=)",
        rf"\bimport\b[^\n]*\b{word}\b",
        rf"^\s+(?:\w+\s+as\s+)?{word}\s*,?\s*(?:#.*)?$",
        r"^from\s+\S+\s+import\s+\*",
    )
    return any(re.search(way, text, re.MULTILINE) for way in ways)


def _spec(module: str) -> ModuleSpec | None:
    """Find a module along the path; unlike `find_spec`, without running the packages that it lies in."""
    search: list[str] | None = None
    found, name = None, ""
    for part in module.split("."):
        name = f"{name}.{part}" if name else part
        try:
            found = PathFinder.find_spec(name, search)
        except Exception:  # noqa: BLE001 a broken entry of the path holds nothing
            return None
        if found is None:
            return None
        search = list(found.submodule_search_locations or ())
    return found


def _is_older(row: Row) -> bool:
    """Whether the library is a version from before there was such a loader."""
    if not row.since:
        return False
    top = row.module.partition(".")[0]
    said = getattr(sys.modules.get(top), "__version__", None) or _version_in_source(top)
    return isinstance(said, str) and bool(said) and _numbers(said) < _numbers(row.since)


def _version_in_source(top: str) -> str:
    """Read the version of a library that is not imported: its distribution may go by another name."""
    spec = _spec(top)
    folders = spec.submodule_search_locations if spec is not None else None
    for path in (os.path.join(folder, name) for folder in folders or () for name in ("version.py", "_version.py", "__init__.py")):
        if os.path.isfile(path):
            with open(path, "rb") as file:
                found = re.search(
                    rb"^\s*(?:__version__|version)\s*(?::[^=\n]*)?=\s*[\"\']([\w.+-]+)", file.read(_LARGEST), re.MULTILINE
                )
            if found:
                return found[1].decode()
    return ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version.partition("+")[0])[:3])
