"""Columns of the history read as if a stranger had written them: what cannot be read hides nothing else, and is never taken for clean.

JSON is fetched as text and read here, one row at a time, so that a row which holds something else spoils no other. What is said in SQL of
JSON is said only of text that the database itself can read.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import ColumnElement, Connection

__all__ = ["CANNOT_BE_READ", "FAULTS", "as_number", "as_text", "is_object", "member", "parsed", "text_of", "texts_of"]

T = TypeVar("T")

CANNOT_BE_READ: Final = "cannot be read"
"""How a line is called that holds something else than was written."""

FAULTS: Final = (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError)
"""What reading such a line may raise."""

_MOST = 64 * 1024 * 1024  # bytes of one value
_TOO_LONG = "too long"
# Escapes that PostgreSQL keeps, and refuses to look into, once those that it can read are left out: a backslash, and a whole pair.
_SPEAKABLE = (r"\\\\", r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_UNSPEAKABLE = r"\\u(0000|[dD][89a-fA-F])"


def text_of(column: ColumnElement[Any], connection: Connection) -> ColumnElement[Any]:
    """Fetch JSON as text; what is too long comes as something that is none."""
    from sqlalchemy import LargeBinary, Text, case, cast, func, literal

    text = cast(column, Text)
    # SQLite ends a text at a NUL when it counts characters
    size = func.length(cast(text, LargeBinary)) if connection.dialect.name == "sqlite" else func.octet_length(text)
    return case((column.is_(None), None), (size <= _MOST, text), else_=literal(_TOO_LONG, Text))


def texts_of(columns: Iterable[ColumnElement[Any]], connection: Connection) -> list[ColumnElement[Any]]:
    """Fetch columns as they are, and those among them that hold JSON as text, by the same names."""
    from sqlalchemy import JSON

    return [text_of(one, connection).label(one.key or "") if isinstance(one.type, JSON) else one for one in columns]


def is_object(column: ColumnElement[Any], connection: Connection) -> ColumnElement[Any]:
    """Ask in SQL whether JSON, where there is any, is an object that the database can read."""
    from sqlalchemy import Text, case, cast, func

    text = cast(column, Text)
    if connection.dialect.name == "sqlite":
        begins = func.substr(func.ltrim(text), 1, 1) == "{"  # read once: reports are long
        return case((column.is_(None), True), (begins, func.json_valid(text) == 1), else_=False)
    return case((column.is_(None), True), else_=func.json_typeof(column) == "object")


def member(column: ColumnElement[Any], name: str, connection: Connection) -> ColumnElement[Any]:
    """Take a text out of JSON in SQL; NULL where it is not there, or cannot be had."""
    from sqlalchemy import Text, case, cast, func

    text = cast(column, Text)
    if connection.dialect.name == "sqlite":
        return case((func.json_valid(text) == 1, func.json_extract(text, f'$."{name}"')))
    rest: ColumnElement[Any] = text
    for escape in _SPEAKABLE:
        rest = func.regexp_replace(rest, escape, " ", "g")
    return case(
        (func.json_typeof(column) != "object", None),
        (text.regexp_match(_UNSPEAKABLE) & rest.regexp_match(_UNSPEAKABLE), None),
        else_=func.json_extract_path_text(column, name),
    )


def parsed(text: object) -> Any:
    """Read JSON that was fetched as text; None where there was none. Raises one of `FAULTS` where it is no such thing."""
    return None if text is None else json.loads(text)  # type: ignore[arg-type] # what is no text raises TypeError


def as_text(value: object) -> str:
    """Read a text; what is none is written as one."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return value if isinstance(value, str) else str(value)


def as_number(value: object) -> float:
    """Read a number of a line; raises ValueError where it is none that counts or measures anything."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError("no number")
    return value
