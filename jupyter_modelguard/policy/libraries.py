"""Libraries whose modules may be imported because a file names a class of theirs, read from `libraries.toml`.

A class can only be inspected where it is imported, and in a fresh kernel nothing is. Importing a module runs it, so a module that nobody
vouches for stays as it is and the file is asked about.
"""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Any, Final

__all__ = ["is_never_imported", "known_libraries"]

# Parts of a package that are not there to be imported by a model.
_NOT_FOR_MODELS: Final = frozenset(
    {
        "__main__",
        "_cli",
        "_testing",
        "app",
        "benchmarks",
        "cli",
        "commands",
        "conftest",
        "demo",
        "demos",
        "distutils",
        "example",
        "examples",
        "f2py",
        "scripts",
        "setup",
        "sphinxext",
        "test",
        "testing",
        "tests",
        "tutorials",
    }
)
_PREFIXES: Final = ("test_", "convert_")  # tests and one-time conversions, which are programs


@functools.cache
def known_libraries() -> frozenset[str]:
    """Name the libraries, as they are imported."""
    return frozenset(name for row in _rows() for name in row["names"])


def is_never_imported(module: str) -> bool:
    """Whether a module is left alone although its library is known: it is a test, a program, or does more than define things."""
    parts = module.split(".")
    return not _NOT_FOR_MODELS.isdisjoint(parts) or any(part.startswith(_PREFIXES) for part in parts) or module in _without()


@functools.cache
def _without() -> frozenset[str]:
    return frozenset(name for row in _rows() for name in row.get("without", ()))


@functools.cache
def _rows() -> tuple[dict[str, Any], ...]:
    rows = tomllib.loads(Path(__file__).with_name("libraries.toml").read_text(encoding="utf-8"))["library"]
    return tuple(rows)
