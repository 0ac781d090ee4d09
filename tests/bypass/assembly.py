"""Write a pickle opcode by opcode: what an attacker does, and what no pickler would write.

The small functions make pieces of a stream; `stream` writes one from a description: `call("os:system", "id")` is a call of a global,
`ref("os:system")` the global itself, and everything else stands for itself.
"""

from __future__ import annotations

import ast
import struct
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "Build",
    "Call",
    "Ref",
    "call",
    "dots",
    "glob",
    "many",
    "mapping",
    "python2",
    "read",
    "ref",
    "stream",
    "text",
    "with_state",
]

HEAD = b"\x80\x04"


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


def text(value: str) -> bytes:
    data = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(data)) + data


def glob(module: str, name: str) -> bytes:
    """Name a global as protocol 4 does, dots and all."""
    return text(module) + text(name) + b"\x93"


def dots(module: str, name: str) -> bytes:
    """Name a global as the first protocols do, where a dot is a letter."""
    return f"c{module}\n{name}\n".encode()


def many(*parts: bytes) -> bytes:
    return b"(" + b"".join(parts) + b"t"


def mapping(**items: bytes) -> bytes:
    return b"}(" + b"".join(text(key) + value for key, value in items.items()) + b"u"


def python2(module: str, name: str, *arguments: bytes) -> bytes:
    """Call a global by the name that Python 2 knew it by."""
    return b"\x80\x02" + dots(module, name) + many(*arguments) + b"R."


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
            return b"J" + struct.pack("<i", value)
        case str():
            return text(value)
        case bytes():
            return b"B" + struct.pack("<I", len(value)) + value
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
