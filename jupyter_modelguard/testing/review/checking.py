"""Whether the rows of the lists say why what they admit is harmless, wherever their classes could execute something."""

from __future__ import annotations

import importlib
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jupyter_modelguard.policy.catalogue as catalogue_module
from jupyter_modelguard.testing.review.classes import ALWAYS
from jupyter_modelguard.testing.review.source import dangers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["list_files", "unexplained"]

_FEWEST_WORDS = 3  # a reason that says less says nothing


def list_files() -> tuple[Path, ...]:
    """Name the data files of the reviewed lists."""
    folder = Path(str(catalogue_module.__file__)).parent
    return (folder / "methods.toml", *sorted((folder / "lists").glob("*.toml")))


def unexplained(files: Iterable[Path] | None = None) -> tuple[str, ...]:
    """Say which rows admit what can execute and give no reason.

    Parameters
    ----------
    files
        Data files; our own lists without them. Rows of libraries that are not installed are passed over.

    Returns
    -------
    tuple of str
        One sentence for each row.
    """
    found = []
    for path in files or list_files():
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        for row in (*content.get("method", ()), *content.get("inert", ()), *content.get("closed", ())):
            if len(str(row.get("reason", "")).split()) >= _FEWEST_WORDS:
                continue
            for name, value in _reached(row, is_method="names" in row):
                found += [
                    f"{path.name}: {name} {danger.reason}" + (f" (line {danger.line})" if danger.line else "")
                    for danger in dangers(value)
                ]
    return tuple(dict.fromkeys(found))


def _reached(row: Mapping[str, Any], *, is_method: bool) -> Iterator[tuple[str, Any]]:
    """Give what a load could run of a row: the methods themselves, a function, or the load-time methods of a class."""
    modules = row["module"] if isinstance(row["module"], list) else [row["module"]]
    names = row["names"] if is_method else row["name"] if isinstance(row["name"], list) else [row["name"]]
    for module in modules:
        for name in names:
            value = _find(module, name)
            if value is None or (not is_method and row.get("value") and not {"arguments", "state", "items"} & row.keys()):
                continue
            if not isinstance(value, type):
                yield f"{module}.{name}", value
                continue
            reached = (*ALWAYS, "__init__", "append", "extend", "add", "__setitem__", "__hash__", "__eq__")
            for owner in type.mro(value):
                for method in reached:
                    if method in vars(owner) and vars(owner)[method] is not None and owner.__module__ != "builtins":
                        yield f"{module}.{name}.{method}", vars(owner)[method]


def _find(module: str, name: str) -> Any:
    """Give what a row names; None if it is not here."""
    try:
        value: Any = importlib.import_module(module)
    except Exception:  # noqa: BLE001 somebody's library, which may fail as it likes
        return None
    for part in name.split("."):
        value = vars(value).get(part) if isinstance(value, type) else getattr(value, part, None)
    return value
