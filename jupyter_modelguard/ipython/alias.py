"""Whose module `modelguard` is: two other projects install one, and a file beside a notebook can stand in its way.

A foreign module is read, never imported.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

__all__ = ["foreign_alias"]

_MARK = "jupyter-modelguard"
_LINE = f'__modelguard_alias__ = "{_MARK}"'


def foreign_alias() -> str | None:
    """Say where a `modelguard` that is not ours comes from; None where it is ours or there is none."""
    imported = sys.modules.get("modelguard")
    if imported is not None:
        if getattr(imported, "__modelguard_alias__", None) == _MARK:
            return None
        return str(getattr(imported, "__file__", None) or "an unknown place")
    try:
        spec = importlib.util.find_spec("modelguard")
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if spec.origin is None:  # a folder of that name, without code of its own
        return ", ".join(spec.submodule_search_locations or ()) or "an unknown place"
    try:
        ours = _LINE in Path(spec.origin).read_text(encoding="utf-8", errors="replace")
    except OSError:
        ours = False
    return None if ours else spec.origin
