"""When libraries call the methods of a model's own classes, from `code_phases.toml`."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path

from jupyter_modelguard.types import Phase

__all__ = ["phase_of_method"]


def phase_of_method(name: str) -> Phase:
    """Say when a method of this name runs by itself.

    Parameters
    ----------
    name
        Of the method, or of a function of a module that is used like one.
    """
    load, soon = _names()
    if name in soon:
        return Phase.SOON
    special = (name.startswith("__") and name.endswith("__")) or name.startswith("_repr_")
    return Phase.LOAD if special or name in load else Phase.METHOD


@functools.cache
def _names() -> tuple[frozenset[str], frozenset[str]]:
    read = tomllib.loads(Path(__file__).with_name("code_phases.toml").read_text(encoding="utf-8"))
    return frozenset(read["load"]), frozenset(read["soon"])
