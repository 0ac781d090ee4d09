"""Frozen values to plain JSON and back, with nothing lost.

The history keeps reports and decisions as JSON. Fields are read by their declared types, so that an old row lacks only what was
added later (it gets the field's default), and a row that somebody wrote by hand cannot name a class to build.
"""

from __future__ import annotations

import base64
import dataclasses
import enum
import functools
import types
import typing
from typing import Any, TypeVar

__all__ = ["from_plain", "to_plain"]

T = TypeVar("T")


def to_plain(value: object) -> Any:
    """Turn a value made of frozen dataclasses, enums, tuples and bytes into dicts, lists and text."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, (tuple, list)):
        return [to_plain(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} has no place in the history.")


def from_plain(kind: type[T], plain: Any) -> T:
    """Build a value of the declared type from what `to_plain` made of one."""
    value: T = _build(kind, plain)
    return value


def _build(kind: Any, plain: Any) -> Any:  # noqa: PLR0911 the types are data here
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        if plain is None:
            return None
        return _build(next(option for option in typing.get_args(kind) if option is not type(None)), plain)
    if origin is tuple:
        (item, *_) = typing.get_args(kind)
        return tuple(_build(item, entry) for entry in plain)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = _hints(kind)
        return kind(**{name: _build(hint, plain[name]) for name, hint in hints.items() if name in plain})
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind(plain)
    if isinstance(kind, type) and issubclass(kind, tuple):  # a NamedTuple
        return kind(*plain)
    if kind is bytes:
        return base64.b64decode(plain)
    return kind(plain)


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)
