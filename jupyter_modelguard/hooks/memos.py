"""What a reader remembers of earlier streams, and whether that makes the next one mean something else.

A stream may fetch what was stored under a number, and a reader that is used again still holds what an earlier stream stored. The proof
of a stream begins with nothing stored: where the reader would fetch something else, the proof says nothing about the load.
"""

from __future__ import annotations

import pickletools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import BinaryIO

__all__ = ["reads_otherwise"]

_PUTS = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
_GETS = frozenset({"GET", "BINGET", "LONG_BINGET"})


def reads_otherwise(stored: Iterable[int], stream: BinaryIO) -> bool:
    """Whether a stream fetches something else from a reader that has stored things than from a fresh one.

    Parameters
    ----------
    stored
        The numbers under which the reader has something.
    stream
        The proved bytes, from their start.
    """
    taken = set(stored)
    if not taken:
        return False
    ours: dict[Any, int] = {}  # number to the opcode that stored it, with what is there already
    fresh: dict[Any, int] = {}
    try:
        for place, (opcode, number, _) in enumerate(pickletools.genops(stream)):
            if opcode.name in _PUTS:
                ours[number] = fresh[number] = place
            elif opcode.name == "MEMOIZE":
                ours[len(taken | ours.keys())] = fresh[len(fresh)] = place
            elif opcode.name in _GETS and ours.get(number) != fresh.get(number):
                return True
    except Exception:  # noqa: BLE001 what this parser cannot follow is no agreement
        return True
    return False
