"""Whether a stream could change bytes after something was made of them.

Arrays and buffers of protocol 5 are views of a bytearray, and the opcodes that fill a dictionary also set single bytes. So where a verdict
looks into such bytes, or native code checks them once, the stream must not lay hands on them a second time: it could change them, let
somebody read what was never looked at, and change them back.

What a pickler writes never does. A stream gets at an object again by its memo, or by doubling what is on top of the stack.
"""

from __future__ import annotations

import pickletools
from typing import TYPE_CHECKING, Any, cast

from jupyter_modelguard.engines.opcodes import CopyFile

if TYPE_CHECKING:
    from typing import BinaryIO

    from jupyter_modelguard.artifacts.copy import StreamCopy

__all__ = ["reaches_bytes_again"]

_PUTS = frozenset({"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"})
_GETS = frozenset({"GET", "BINGET", "LONG_BINGET"})
# Behind these the top of the stack is nothing that was just made; a pickler stores nothing there.
_NOT_MADE = _PUTS | {"POP", "POP_MARK", "SETITEM", "SETITEMS", "APPEND", "APPENDS", "ADDITEMS", "BUILD"}


def reaches_bytes_again(copy: StreamCopy) -> bool:
    """Whether a stream could get at one of its bytearrays a second time, as far as its opcodes tell; also if they cannot be followed."""
    file = cast("BinaryIO", CopyFile(copy, hollow=True))
    try:
        while file.tell() < copy.length:
            if _does_once(file):
                return True
    except Exception:  # noqa: BLE001 what this parser cannot follow may do anything
        return True
    return False


def _does_once(file: BinaryIO) -> bool:
    stored: set[Any] = set()
    bytearrays: set[Any] = set()
    before = ""
    for opcode, number, _ in pickletools.genops(file):
        name = opcode.name
        if name == "FRAME":
            continue
        if name == "DUP":
            return True
        if name in _PUTS:
            if before in _NOT_MADE:
                return True
            place = len(stored) if name == "MEMOIZE" else number
            stored.add(place)
            bytearrays.discard(place)
            if before == "BYTEARRAY8":
                bytearrays.add(place)
        elif name in _GETS and number in bytearrays:
            return True
        before = name
    return False
