"""Payloads that a trace passed over: where they lie, and what something that has to look into them reads of them.

Most of a large file is bytes that no opcode stands in, and nothing of it decides what a load does. Some native readers go by numbers in
there, though, and those are looked at: a piece at a time, and only the pieces that hold them. What was looked at is sealed, so that the
load finds out if it is given anything else.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.artifacts.copy import PASSED_OVER, SKIP_AT_LEAST, Seal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

__all__ = ["LOOK_AHEAD", "PIECE", "Payload", "PayloadsPassedOver"]

PIECE: Final = 9 << 17
"""Bytes of a payload that are looked at together; divisible by the sizes of numbers and by that of a tree's node."""

LOOK_AHEAD: Final = 1 << 18
"""Bytes that the unpickler is shown ahead at the most: so many of a payload it may have before the rest is passed over."""

_NUMBER = 8  # bytes of the number that stands behind `PASSED_OVER`


class Payload:
    """One payload, of which a first part may be known and the rest lies in the file.

    Parameters
    ----------
    known
        Its first bytes, or all of them.
    passed
        Who reads the rest; None if there is none.
    position
        Where the rest starts, in bytes from the start of the stream.
    size
        How many bytes the rest has.
    """

    __slots__ = ("_answers", "_known", "_passed", "_position", "_size")

    def __init__(self, known: bytes, passed: PayloadsPassedOver | None = None, position: int = 0, size: int = 0) -> None:
        self._known = known
        self._passed = passed
        self._position = position
        self._size = size
        self._answers: dict[Any, Any] = {}

    def __len__(self) -> int:
        """Give its length in bytes."""
        return len(self._known) + self._size

    def pieces(self, start: int = 0, stop: int | None = None) -> Iterator[memoryview]:
        """Read from `start` to `stop`, cut at the multiples of `PIECE`.

        Raises
        ------
        OSError
            If the file does not hold what it held when a piece was read before.
        """
        stop = len(self) if stop is None else stop
        for begin in range(start - start % PIECE, stop, PIECE):
            piece = memoryview(self._read(begin, min(begin + PIECE, len(self))))
            yield piece[max(start - begin, 0) : stop - begin]

    def once(self, question: Any, ask: Callable[[], Any]) -> Any:
        """Remember an answer that depends on the bytes alone."""
        if question not in self._answers:
            self._answers[question] = ask()
        return self._answers[question]

    def _read(self, begin: int, end: int) -> bytes:
        known = self._known[begin:end]
        behind = begin + len(known)
        if behind >= end or self._passed is None:
            return known
        rest = self._passed.read(self._position + behind - len(self._known), end - behind)
        return known + rest if known else rest


class PayloadsPassedOver:
    """All payloads of one file that a trace passed over.

    Parameters
    ----------
    file
        The file that the trace reads, standing at the start of the stream.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._base = file.tell()
        self._places: list[tuple[int, int]] = []
        self._known: dict[int, Payload] = {}
        self._seals: dict[int, Seal] = {}

    def mark(self, position: int, size: int) -> bytes:
        """Note what is passed over; give what is to stand in its place, which no file can hold."""
        self._places.append((position, size))
        return PASSED_OVER + (len(self._places) - 1).to_bytes(_NUMBER, "little")

    def at(self, position: int, size: int) -> Payload:
        """Give a payload that stands apart from the stream's objects."""
        return Payload(b"", self, position, size)

    @staticmethod
    def holds(content: bytes | bytearray | memoryview) -> bool:
        """Whether some bytes of the trace are not those of the file."""
        return PASSED_OVER in bytes(content[: LOOK_AHEAD + len(PASSED_OVER)])

    def of(self, content: bytes | bytearray | memoryview) -> Payload | None:
        """Give what stands in the file for some bytes of the trace.

        None where that cannot be told: opcodes can change a large `bytearray` that was passed over, and the mark in it.
        """
        if len(content) < SKIP_AT_LEAST:
            return Payload(bytes(content))
        if type(content) is not bytes:
            return None
        place = content.find(PASSED_OVER, 0, LOOK_AHEAD + len(PASSED_OVER))
        if place < 0:
            return Payload(content)
        behind = place + len(PASSED_OVER)
        number = int.from_bytes(content[behind : behind + _NUMBER], "little")
        position, size = self._places[number]
        if place + size != len(content):
            return None
        return self._known.setdefault(number, Payload(content[:place], self, position, size))

    def read(self, position: int, size: int) -> bytes:
        """Read and seal a piece; the file is left where it stands.

        Raises
        ------
        OSError
            If the file does not hold as much, or held something else before.
        """
        stands = self._file.tell()
        self._file.seek(self._base + position)
        data = b""
        while len(data) < size and (part := self._file.read(size - len(data))):
            data += part
        self._file.seek(stands, os.SEEK_SET)
        seal = Seal.of(position, data)
        if len(data) < size or self._seals.setdefault(position, seal) != seal:
            raise OSError("the file was changed while it was looked at")
        return data

    @property
    def seals(self) -> tuple[Seal, ...]:
        """What was looked at, in the order of the stream."""
        return tuple(self._seals[position] for position in sorted(self._seals))
