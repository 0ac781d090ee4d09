"""The smallest parts of composed streams, and the memo that keeps what was composed."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import search_opcodes
from search_opcodes import get, put, text

if TYPE_CHECKING:
    from random import Random

    from search_alphabet import Alphabet

__all__ = ["KEYS", "WORDS", "Parts"]

# Keys of states and dictionaries, most of which mean something to some reader; texts that mean something to some row.
# fmt: off
KEYS = ("a", "x", "append", "extend", "add", "__setstate__", "__setitem__", "keys", "items")
KEYS += ("pop", "get", "update", "__class__", "__dict__", "shape", "dtype", "nodes", "_parameters")
KEYS += ("_modules", "_buffers", "_repr_html_", "_ipython_display_", "_repr_mimebundle_", "forward", "__call__", "__len__", "__iter__")
KEYS += ("__hash__", "__reduce__", "__getstate__", "__array__", "shown", "factory", "default_factory")
WORDS = ("", "a", "latin1", "f8", "O8", "V8", "MT19937", "PCG64", "C")
WORDS += ("F", "1.5", "1/3", "cpu", "strided", "__call__", "shown", "made", "0", "é")
# fmt: on

_NUMBERS = (0, 1, 2, 3, 5, 8, 255, -1, -2, 1 << 20, (1 << 31) - 1, 1 << 40, -(1 << 63))


class Parts:
    """Composes parts of one stream.

    Parameters
    ----------
    alphabet
        What there is.
    random
        Chooses.
    wildness
        How often something else is put where a row asks for something, from 0 to 1.
    storages
        Whether persistent ids mean something to the reader.
    """

    def __init__(self, alphabet: Alphabet, random: Random, wildness: float, *, storages: bool) -> None:
        self._alphabet = alphabet
        self._random = random
        self._wildness = wildness
        self._storages = storages
        self._places: list[str] = []  # what is kept at each place of the memo
        self._rows = list(alphabet.rows)

    def _value(self) -> list[bytes]:
        values = [name for name, row in self._alphabet.rows.items() if row.value]
        return [search_opcodes.name(*self._random.choice(values))]

    def _piece(self) -> list[bytes]:
        made = self._random.choice(list(self._alphabet.pieces))
        return self._keep(self._moved(self._random.choice(self._alphabet.pieces[made])), made)

    def _bare(self) -> list[bytes]:
        """Compose an object of a notebook's class, nothing more."""
        opened = self._alphabet.opened
        return [search_opcodes.name(*self._random.choice(opened[: self._random.choice([3, 8, 40])])), b")", b"\x81"]

    def _storage(self) -> list[bytes]:
        kind = search_opcodes.name("torch", self._random.choice(["FloatStorage", "LongStorage", "ByteStorage"]))
        place = text(str(self._random.randrange(3)))
        return [b"(", text("storage"), kind, place, text("cpu"), self._small(), b"N", b"t", b"Q"]

    def _number(self) -> bytes:
        number = self._random.choice(_NUMBERS)
        if 0 <= number < 256 and self._random.random() < 0.9:
            return b"K" + bytes([number])
        data = number.to_bytes(number.bit_length() // 8 + 1, "little", signed=True)
        return b"\x8a" + bytes([len(data)]) + data

    def _small(self) -> bytes:
        return b"K" + bytes([self._random.randrange(4)]) if self._random.random() < 0.97 else self._number()

    def _moved(self, piece: list[bytes]) -> list[bytes]:
        """Give a part of an honest pickle memo places of its own."""
        used = {struct.unpack("<I", token[1:])[0] for token in piece if token[:1] in (b"r", b"j")}
        base = len(self._places)
        self._places += ["other"] * (max(used) + 1 if used else 0)
        return search_opcodes.relocate(piece, base)

    def _keep(self, tokens: list[bytes], kind: str) -> list[bytes]:
        if self._random.random() < 0.4 and len(self._places) < 200:
            self._places.append(kind)
            return [*tokens, put(len(self._places) - 1)]
        return tokens

    def _kept(self) -> list[bytes]:
        return [get(self._random.randrange(len(self._places)))] if self._places else [b"N"]
