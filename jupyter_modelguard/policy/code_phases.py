"""When a model's own code would run: in words, and by which methods libraries call, from `code_phases.toml`."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Final

from jupyter_modelguard.types import Phase

__all__ = ["OF_THE_WHOLE", "WHEN", "phase_of_method"]

WHEN: Final = {
    Phase.IMPORT: "as soon as it is imported",
    Phase.LOAD: "while the model is loaded",
    Phase.SOON: "when the model is first used",
    Phase.METHOD: "if something calls it",
}
"""How findings end, so that each can be read by itself."""

OF_THE_WHOLE: Final = frozenset({"remote-code", "remote-code-elsewhere"})
"""Rules that speak of no time: that there is code at all, and where it comes from."""


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
