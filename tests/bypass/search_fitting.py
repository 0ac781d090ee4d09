"""What the patterns of the reviewed lists ask for, composed."""

from __future__ import annotations

import struct
from abc import abstractmethod
from typing import TYPE_CHECKING

import search_opcodes
from search_opcodes import get, text
from search_parts import KEYS, WORDS, Parts

from jupyter_modelguard.policy.pattern_text import Fields, Items, Members, parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.policy.pattern_text import Part
    from jupyter_modelguard.types import QualifiedName

__all__ = ["Fitting"]

_NUMBERS = (b"\0" * 8, struct.pack(">d", 1.5), struct.pack(">d", float("nan")))
_BYTES = (b"", b"b", b"\0" * 8, b"\0" * 16)
_ARRAYS = "made:numpy.ndarray"
_MEANINGS = {
    "labels": _ARRAYS,
    "numbers": _ARRAYS,
    "label": "int|str|float|tuple[int]",
    "identifier": "=a|=x|=shape",
    "attributes": "{a?=any, x?=any, b?=any}",
    "closed": "global:builtins.set|global:collections.OrderedDict",
}


class Fitting(Parts):
    """Composes what fits a pattern."""

    def fitting(self, pattern: str, depth: int) -> list[bytes]:
        """Compose what a pattern asks for, and sometimes something else."""
        if self._random.random() < self._wildness:
            return self.expression(depth)
        return self._part(self._random.choice(parse(pattern.rstrip("?*"))), depth)

    @abstractmethod
    def expression(self, depth: int) -> list[bytes]:
        """Compose anything; see `Composer`."""

    @abstractmethod
    def called(self, name: QualifiedName, depth: int) -> list[bytes]:
        """Compose a call of a row; see `Composer`."""

    @abstractmethod
    def container(self, depth: int, kind: str = "") -> list[bytes]:
        """Compose a container of anything; see `Composer`."""

    def atom(self) -> list[bytes]:
        """Compose a number, a text and the like."""
        return self._word(self._random.choice(["none", "bool", "int", "float", "str", "str", "bytes", "ints"]), 0)

    def plain(self, depth: int) -> list[bytes]:
        """Compose builtin data."""
        if depth <= 0 or self._random.random() < 0.5:
            return self.atom()
        if self._random.random() < 0.5:
            return [b"(", *self.plain(depth - 1), *self.plain(depth - 1), b"t"]
        return [b"]", *self.plain(0), b"a"]

    def _part(self, part: Part, depth: int) -> list[bytes]:
        random = self._random
        if random.random() < self._wildness:
            return self.expression(depth)
        if isinstance(part, Items):
            count = random.randint(part.least, len(part.items) if part.most is None else part.most)
            chosen = [random.choice(parts) for parts in part.items[:count]]
            return [b"(", *(token for item in chosen for token in self._part(item, depth - 1)), b"t"]
        if isinstance(part, Fields):
            keys = [key for key in part.fields if key in part.needed or random.random() < 0.5]
            chosen = [(key, random.choice(part.fields[key])) for key in keys]
            return [b"}", b"(", *(token for key, item in chosen for token in (text(key), *self._part(item, depth - 1))), b"u"]
        if isinstance(part, Members):
            chosen = [random.choice(part.members) for _ in range(random.randrange(3))]
            members = [self._part(item, depth - 1) for item in chosen]
            if part.kind == "dict":
                return [b"}", b"(", *(token for one in members for token in (text(random.choice(KEYS)), *one)), b"u"]
            inside = [b"(", *(token for one in members for token in one)]
            return [*inside, b"t"] if part.kind == "tuple" else [b"]", *inside, b"e"]
        return self._word(part, depth)

    def _word(self, word: str, depth: int) -> list[bytes]:
        word, _, rest = word.partition(":")
        if word in _MEANINGS:
            return self._part(self._random.choice(parse(_MEANINGS[word])), depth)
        if word == "made":
            return self._made(rest, depth)
        if word == "global":
            return [search_opcodes.name(*(rest.rsplit(".", 1) if rest else self._random.choice(self._alphabet.opened)))]
        if word.startswith("="):
            return [text(word[1:])]
        compose = self._words().get(word)
        return self.expression(depth) if compose is None else compose(depth)

    def _words(self) -> dict[str, Callable[[int], list[bytes]]]:
        random = self._random
        words: dict[str, Callable[[int], list[bytes]]] = {
            "none": lambda _: [b"N"],
            "bool": lambda _: [random.choice([b"\x88", b"\x89"])],
            "int": lambda _: [self._number()],
            "float": lambda _: [b"G" + random.choice(_NUMBERS)],
            "complex": lambda _: [search_opcodes.name("builtins", "complex"), b"K\x01", b"\x85", b"R"],
            "str": lambda _: [text(random.choice(WORDS + KEYS))],
            "bytes": lambda _: [b"C" + bytes([len(data)]) + data for data in [random.choice(_BYTES)]],
            "bytearray": lambda _: [b"\x96" + struct.pack("<Q", 8) + b"\0" * 8],
            "list": lambda depth: self.container(depth, "]"),
            "dict": lambda depth: self.container(depth, "}"),
            "tuple": lambda depth: self.container(depth, "t"),
            "known": self.container,
            "plain": self.plain,
            "ints": lambda _: [b"(", *(self._small() for _ in range(random.randrange(3))), b"t"],
            "sizes": lambda _: [b"(", *(self._small() for _ in range(random.randrange(3))), b"t"],
            "empty": lambda _: [search_opcodes.name("collections", "OrderedDict"), b")", b"R"],
            "global-value": lambda _: self._value(),
        }
        if self._storages:
            words["storage"] = lambda _: self._storage()
        return words

    def _made(self, what: str, depth: int) -> list[bytes]:
        names = self._alphabet.makers.get(what, [])
        places = [place for place, kept in enumerate(self._places) if kept == what]
        if places and self._random.random() < 0.3:
            return [get(self._random.choice(places))]
        pieces = [piece for name in names for piece in self._alphabet.pieces.get(str(name), ())]
        if pieces and (depth <= 0 or self._random.random() < 0.6):
            return self._keep(self._moved(self._random.choice(pieces)), what)
        return self.called(self._random.choice(names), depth - 1) if names and depth > -3 else self.atom()
