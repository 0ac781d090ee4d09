"""Texts, dates and lists written as TOML, which Python reads and does not write.

Only what lock files hold. Every text becomes a basic string on one line, in which all that has no ink, or a meaning in TOML, is spelled
out.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["toml_table", "toml_value"]

_SHORT = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
_PLANE = 0xFFFF


def toml_table(header: str, values: Mapping[str, object]) -> str:
    """Write a table of an array: its header, and a line for each value."""
    return "\n".join([f"[[{header}]]", *(f"{name} = {toml_value(value)}" for name, value in values.items())]) + "\n"


def toml_value(value: object) -> str:
    """Write a value.

    Raises
    ------
    TypeError
        It is none of those that lock files hold.
    """
    if type(value) is str:
        return f'"{"".join(map(_character, value))}"'
    if type(value) is int:
        return str(value)
    if type(value) is dt.datetime:
        return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if type(value) is dt.date:
        return value.isoformat()
    if type(value) in {list, tuple}:
        items = [toml_value(item) for item in value]  # type: ignore[attr-defined]
        if any(type(item) in {list, tuple} for item in value):  # type: ignore[attr-defined]
            return "[\n" + "".join(f"  {item},\n" for item in items) + "]"
        return f"[{', '.join(items)}]"
    raise TypeError(f"{type(value).__name__} has no place in a lock file.")


def _character(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    point = ord(character)
    if 0xD800 <= point <= 0xDFFF:  # noqa: PLR2004 half a surrogate pair, which TOML cannot hold: as the history writes it
        return f"\\\\u{point:04x}"
    if character == " " or (character.isprintable() and not character.isspace()):
        return character
    return f"\\u{point:04X}" if point <= _PLANE else f"\\U{point:08X}"
