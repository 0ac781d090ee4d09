"""Random expressions of the pickle language: mostly what the reviewed rows ask for, and now and then anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import search_opcodes
from search_fitting import Fitting
from search_opcodes import get, text
from search_parts import KEYS

if TYPE_CHECKING:
    from jupyter_modelguard.types import QualifiedName

__all__ = ["Composer"]

_ACTS = {"Rows": ["append"], "Table": ["index"], "Ordered": ["index"], "Members": ["add"], "Inherits": ["append"]}
_CHANGEABLE = frozenset({"list", "dict", "set", "Plain", "Answers", "Shown", "Rows", "Table", "Ordered", "Members", "Inherits"})


class Composer(Fitting):
    """Composes one stream; see `Parts` for what it is made with."""

    def program(self) -> list[bytes]:
        """Compose a few expressions, the last of which is the result."""
        tokens: list[bytes] = []
        for _ in range(self._random.choice([0, 0, 1, 2, 3])):
            tokens += [*self.expression(self._random.randrange(1, 4)), b"0"]
        tokens += self.expression(self._random.randrange(1, 5))
        for _ in range(self._random.choice([0, 0, 1, 2])):
            tokens += self._late()
        return tokens

    def expression(self, depth: int) -> list[bytes]:
        """Compose anything."""
        random = self._random
        if depth <= 0:
            return random.choice([self.atom, self.atom, self._kept, self._piece, self._bare])()
        kind = random.random()
        if kind < 0.3:
            return self.called(self._row(), depth)
        if kind < 0.55:
            return self._object(depth)
        if kind < 0.72:
            return self.container(depth)
        if kind < 0.82:
            return self._piece()
        if kind < 0.82 + self._wildness:
            return [*self.expression(depth - 1), *self.act("", depth)]
        if kind < 0.93:
            return self._value()
        if kind < 0.93 + self._wildness:
            return self._odd(depth)
        return self._kept()

    def _row(self) -> QualifiedName:
        focus = self._alphabet.focus
        return self._random.choice(focus if focus and self._random.random() < 0.4 else self._rows)

    def called(self, name: QualifiedName, depth: int) -> list[bytes]:
        """Compose a call of a row, or an object of it that already was seen."""
        row = self._alphabet.rows[name]
        pieces = self._alphabet.pieces.get(str(name))
        if pieces and self._random.random() < (0.7 if row.check else 0.3):
            return self._keep(self._moved(self._random.choice(pieces)), row.makes)
        if row.arguments is None:
            return [search_opcodes.name(*name)]
        arguments: list[bytes] = []
        for pattern in row.arguments:
            times = 1 if pattern[-1] not in "?*" else self._random.randrange(2 if pattern[-1] == "?" else 3)
            for _ in range(times):
                arguments += self.fitting(pattern, depth - 1)
        tokens = self._call(search_opcodes.name(*name), arguments, new=self._random.random() < 0.05 + self._wildness)
        place = len(self._places)
        tokens = self._keep(tokens, row.makes)
        kept = place < len(self._places)
        if row.state not in (None, "itself") and self._random.random() < 0.5:
            pattern = row.state if isinstance(row.state, str) else f"({', '.join(row.state)})"
            tokens += [*self.fitting(pattern, depth - 1), b"b"]
        if row.items and self._random.random() < 0.5:
            tokens += self._items(sorted(row.items), depth)
        if row.state == "itself" and kept:
            tokens += [get(place), b"b"]
        return tokens

    def _call(self, callee: bytes, arguments: list[bytes], *, new: bool) -> list[bytes]:
        random = self._random
        if new:
            if random.random() < 0.1 + self._wildness:
                return [callee, b"(", *arguments, b"t", b"}", b"\x92"]
            return [callee, b"(", *arguments, b"t", b"\x81"]
        if random.random() < 0.06:
            return [b"(", callee, *arguments, b"o"]
        if random.random() < 0.06:
            return [b"(", *arguments, b"i" + callee[1:]]
        return [callee, b"(", *arguments, b"t", b"R"]

    def _object(self, depth: int) -> list[bytes]:
        """Compose an object of a class that no list knows, with attributes, and what the stream does to it."""
        random = self._random
        opened = self._alphabet.opened
        name = random.choice(opened[: random.choice([3, 8, 40, len(opened)])])
        plain = [token for _ in range(random.choice([0, 0, 0, 1, 2])) for token in self.plain(0)]
        tokens = self._keep(self._call(search_opcodes.name(*name), plain, new=random.random() < 0.8), name[1])
        if random.random() < 0.2:
            return tokens + self._hiding(name[1], depth)
        for _ in range(random.choice([0, 1, 1, 2])):
            tokens += self.act(name[1], depth)
        return tokens

    def _hiding(self, kind: str, depth: int) -> list[bytes]:
        """Compose a state that puts something in place of a method, and what makes the unpickler call that method."""
        random = self._random
        act = (_ACTS.get(kind) or ["append", "add", "index"])[0]
        key = random.choice(
            {"append": ["append", "extend"], "index": ["__setitem__"], "add": ["add", "update"]}[act] + ["__setstate__"]
        )
        value = self.called(self._row(), depth - 1) if random.random() < 0.7 else self.expression(depth - 1)
        reached = [b"}", b"b"] if key == "__setstate__" else self._items([act], depth)
        return [b"}", text(key), *value, b"s", b"b", *reached]

    def act(self, kind: str, depth: int) -> list[bytes]:
        """Compose something done to what is on top of the stack, as suits its kind; or anything, if that is empty."""
        random = self._random
        if kind == "list":
            return self._items(["append"], depth)
        if kind in ("dict", "set"):
            return self._items(["index" if kind == "dict" else "add"], depth)
        choice = random.random()
        if choice < 0.7:
            state = self._dictionary(depth - 1)
            if random.random() < self._wildness:
                state = random.choice([[*state, *state, b"\x86"], [b"N", *state, b"\x86"], self.expression(depth - 1)])
            return [*state, b"b"]
        return self._items(_ACTS.get(kind) or ["append", "add", "index"], depth)

    def _items(self, acts: list[str], depth: int) -> list[bytes]:
        random = self._random
        act = random.choice(acts)
        items = [self.expression(depth - 1) for _ in range(random.randrange(3))]
        if act == "index":
            if random.random() < 0.3:
                return [*self._key(), *self.expression(depth - 1), b"s"]
            return [b"(", *(token for item in items for token in (*self._key(), *item)), b"u"]
        if act == "append" and random.random() < 0.3:
            return [*self.expression(depth - 1), b"a"]
        return [b"(", *(token for item in items for token in item), b"e" if act == "append" else b"\x90"]

    def _key(self) -> list[bytes]:
        random = self._random
        if random.random() < 0.7:
            return [text(random.choice(KEYS))]
        keys = [name for name, row in self._alphabet.rows.items() if row.key]
        if random.random() < 0.5 and keys:
            return self.called(random.choice(keys), 1)
        return self.expression(0)

    def _dictionary(self, depth: int) -> list[bytes]:
        random = self._random
        tokens = self._keep([b"}"], "dict")
        if random.random() < 0.85:
            tokens.append(b"(")
            for _ in range(random.randrange(1, 4)):
                tokens += [text(random.choice(KEYS))] if random.random() < 0.97 - self._wildness else self._key()
                tokens += self.expression(depth)
            tokens.append(b"u")
        return tokens

    def container(self, depth: int, kind: str = "") -> list[bytes]:
        random = self._random
        kind = kind or random.choice("]]}}t\x8f\x91")
        if kind == "}":
            return self._dictionary(depth - 1)
        items = [token for _ in range(random.randrange(3)) for token in self.expression(depth - 1)]
        if kind == "]":
            return [*self._keep([b"]"], "list"), b"(", *items, b"e"]
        if kind == "t":
            return self._keep([b"(", *items, b"t"], "tuple")
        keys = [token for _ in range(random.randrange(3)) for token in self._key()]
        return [*self._keep([b"\x8f"], "set"), b"(", *keys, b"\x90"] if kind == "\x8f" else [b"(", *keys, b"\x91"]

    def _late(self) -> list[bytes]:
        """Change, as the last thing, something that was handed over before."""
        places = [place for place, kind in enumerate(self._places) if kind in _CHANGEABLE or self._random.random() < 0.2]
        if not places:
            return []
        place = self._random.choice(places)
        return [get(place), *self.act(self._places[place], 1), b"0"]

    def _odd(self, depth: int) -> list[bytes]:
        random = self._random
        name = random.choice([*self._alphabet.rows, *self._alphabet.opened])
        choices = [
            [search_opcodes.name(*name)],
            [search_opcodes.name(*name), *self._dictionary(depth - 1), b"b"],
            [*self.expression(depth - 1), b"(", *self.expression(depth - 1), b"t", b"R"],
            [*self.expression(depth - 1), b"2", b"0"],
            [b"(", *self.expression(depth - 1), b"1", *self.expression(depth - 1)],
            [search_opcodes.name(name[0], name[1] + random.choice([".__class__", ".shown", ".made", ".mro", ".__init__"]))],
            [search_opcodes.name(random.choice(["__builtin__", "copy_reg", "__main__"]), name[1])],
            [random.choice([b"\x82\x01", b"\x97", b"\x97\x98"])],
            [*self.expression(0), b"Q"],
            [b"P" + random.choice([b"0\n", b"storage\n"])],
        ]
        return random.choice(choices)
