"""Pieces of a pickle, opcode by opcode: what an attacker writes, and what no pickler would.

Each function gives the bytes that leave one value on the stack. `HEAD`, a piece and `b"."` make a stream.
"""

from __future__ import annotations

import struct

__all__ = [
    "AGAIN",
    "HEAD",
    "MADE",
    "PLAIN_DTYPE",
    "STAMP",
    "call",
    "content",
    "dots",
    "dtype",
    "glob",
    "many",
    "mapping",
    "number",
    "python2",
    "text",
]

HEAD = b"\x80\x04"
MADE = b"q\x63"  # remembers what is on top under number 99
AGAIN = b"h\x63"


def text(value: str) -> bytes:
    data = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(data)) + data


def number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def content(value: bytes) -> bytes:
    return b"B" + struct.pack("<I", len(value)) + value


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


def call(function: bytes, *arguments: bytes) -> bytes:
    return function + many(*arguments) + b"R"


def python2(module: str, name: str, *arguments: bytes) -> bytes:
    """Call a global by the name that Python 2 knew it by: a whole stream."""
    return b"\x80\x02" + call(dots(module, name), *arguments) + b"."


def dtype(code: str, *state: bytes) -> bytes:
    """Make a data type of numpy, with a state if there is one."""
    made = call(glob("numpy", "dtype"), text(code), b"\x89", b"\x88")
    return made + (many(*state) + b"b" if state else b"")


STAMP = call(glob("datetime", "timedelta"), number(1), number(0), number(0))  # an object that nothing may be done to
PLAIN_DTYPE = (number(3), text("<"), b"N", b"N", b"N", number(-1), number(-1), number(0))  # the state of an honest data type
