"""The text of a pattern, taken apart. `patterns` says what it means.

A pattern is one or more alternatives with `|` between them: a word, `kind[pattern]`, `(pattern, pattern?, pattern*)` or
`{key=pattern, key?=pattern}`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["Fields", "Items", "Members", "Part", "parse"]

_TOKEN = re.compile(r"\s*([][(){},|]|[^][(){},|]+)")
_FIELD = re.compile(r"\s*([^\s=?]+)(\?)?=")
_CONTAINERS = ("list", "tuple", "dict")


@dataclass(frozen=True, slots=True)
class Members:
    """A container of any length whose members all fit."""

    kind: str
    members: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Items:
    """A tuple, place by place."""

    items: tuple[tuple[Part, ...], ...]
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Fields:
    """A dictionary with known keys."""

    fields: dict[str, tuple[Part, ...]]
    needed: frozenset[str]


Part: TypeAlias = "str | Members | Items | Fields"


def parse(pattern: str) -> tuple[Part, ...]:
    """Take a pattern apart into its alternatives; raises ValueError for a text that is none."""
    reader = _Reader(pattern)
    parts = reader.alternatives()
    if reader.rest().strip():
        raise ValueError(f"pattern {pattern!r} goes on after its end")
    return parts


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def rest(self) -> str:
        return self._text[self._at :]

    def alternatives(self) -> tuple[Part, ...]:
        parts = [self._alternative()]
        while self._take("|"):
            parts.append(self._alternative())
        return tuple(parts)

    def _alternative(self) -> Part:
        if self._take("("):
            return self._items()
        if self._take("{"):
            return self._fields()
        word = self._word()
        if self._take("["):
            if word not in _CONTAINERS:
                raise ValueError(f"{word!r} in pattern {self._text!r} has no members")
            members = self.alternatives()
            self._need("]")
            return Members(word, members)
        return word

    def _items(self) -> Items:
        items: list[tuple[Part, ...]] = []
        least, most = 0, 0
        repeated = False
        while not self._take(")"):
            if repeated:
                raise ValueError(f"only the last item of a tuple may be repeated: {self._text!r}")
            parts, mark = self._marked()
            items.append(parts)
            least += not mark
            most += 1
            repeated = mark == "*"
            if not self._take(","):
                self._need(")")
                break
        return Items(tuple(items), least, None if repeated else most)

    def _marked(self) -> tuple[tuple[Part, ...], str]:
        """Read a pattern that `?` or `*` may follow, as part of its last word or on its own."""
        parts = self.alternatives()
        last = parts[-1]
        if isinstance(last, str) and last[-1:] in ("?", "*"):
            return (*parts[:-1], last[:-1]), last[-1]
        found = _TOKEN.match(self._text, self._at)
        if found is not None and found[1].strip() in ("?", "*"):
            self._at = found.end()
            return parts, found[1].strip()
        return parts, ""

    def _fields(self) -> Fields:
        fields: dict[str, tuple[Part, ...]] = {}
        needed = set()
        while not self._take("}"):
            found = _FIELD.match(self._text, self._at)
            if found is None or found[1] in fields:
                raise ValueError(f"a field is missing or doubled in pattern {self._text!r}")
            self._at = found.end()
            fields[found[1]] = self.alternatives()
            if not found[2]:
                needed.add(found[1])
            if not self._take(","):
                self._need("}")
                break
        return Fields(fields, frozenset(needed))

    def _word(self) -> str:
        found = _TOKEN.match(self._text, self._at)
        if found is None or found[1][0] in "[](){},|":
            raise ValueError(f"a word is missing in pattern {self._text!r}")
        self._at = found.end()
        return found[1].strip()

    def _take(self, sign: str) -> bool:
        found = _TOKEN.match(self._text, self._at)
        if found is None or found[1] != sign:
            return False
        self._at = found.end()
        return True

    def _need(self, sign: str) -> None:
        if not self._take(sign):
            raise ValueError(f"{sign!r} is missing in pattern {self._text!r}")
