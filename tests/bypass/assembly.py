"""Write a pickle from a description of what it does.

`call("os:system", "id")` is a call of a global, `ref("os:system")` the global itself, and everything else stands for itself.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

from opcodes import HEAD, content, glob, many, number, text  # isort: skip

__all__ = ["Build", "Call", "Ref", "call", "read", "ref", "stream", "with_state", "write"]


@dataclass(frozen=True)
class Ref:
    """A global."""

    module: str
    name: str


@dataclass(frozen=True)
class Call:
    """A call of what the first part gives."""

    function: Any
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Build:
    """An object that is given a state."""

    made: Any
    state: Any = field(default_factory=dict)


def ref(name: str) -> Ref:
    return Ref(*name.split(":"))


def call(function: Any, *arguments: Any) -> Call:
    return Call(ref(function) if isinstance(function, str) else function, arguments)


def with_state(made: Any, state: Any) -> Build:
    return Build(made, state)


def write(value: Any) -> bytes:  # noqa: C901 one branch a kind
    match value:
        case Ref():
            return glob(value.module, value.name)
        case Call():
            return write(value.function) + many(*map(write, value.arguments)) + b"R"
        case Build():
            return write(value.made) + write(value.state) + b"b"
        case None:
            return b"N"
        case bool():
            return b"\x88" if value else b"\x89"
        case int():
            return number(value)
        case str():
            return text(value)
        case bytes():
            return content(value)
        case tuple():
            return many(*map(write, value))
        case list():
            return b"](" + b"".join(map(write, value)) + b"e"
        case dict():
            return b"}(" + b"".join(write(key) + write(item) for key, item in value.items()) + b"u"
    raise TypeError(type(value))


def stream(value: Any) -> bytes:
    return HEAD + write(value) + b"."


def read(expression: str, **names: Any) -> Any:
    """Read a description as the tables of advisories write it: calls, references and plain values, nothing else of Python."""
    ast.parse(expression, mode="eval")
    return eval(expression, {"__builtins__": {}}, {"call": call, "ref": ref, "with_state": with_state, **names})
