"""Changes to streams: another global, other arguments and states, parts of one stream put into another."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import search_opcodes
from search_opcodes import values

if TYPE_CHECKING:
    from random import Random

    from search_alphabet import Alphabet
    from search_composing import Composer

__all__ = ["mutate"]


def mutate(tokens: list[bytes], other: list[bytes], composer: Composer, alphabet: Alphabet, random: Random) -> list[bytes]:
    """Change a stream in one to four places; `other` is a stream to take parts of."""
    for _ in range(random.choice([1, 1, 2, 4])):
        ranges = values(tokens)
        if not ranges:
            break
        kind = random.random()
        acts = 0.55 <= kind < 0.7 or 0.92 <= kind < 0.96
        start, end = random.choice([one for one in ranges if _kind_of(tokens[: one[1]])] or ranges if acts else ranges)
        if kind < 0.2:
            tokens = _another_global(tokens, alphabet, random)
        elif kind < 0.3:
            tokens = [_another_atom(token, random) if random.random() < 0.1 else token for token in tokens]
        elif kind < 0.55:
            tokens = [*tokens[:start], *_apart(tokens, composer.expression(random.randrange(3))), *tokens[end:]]
        elif kind < 0.7:
            tokens = [*tokens[:end], *_apart(tokens, composer.act(_kind_of(tokens[:end]), 2)), *tokens[end:]]
        elif kind < 0.85:
            tokens = [*tokens[:start], *_part(tokens, other, random), *tokens[end:]]
        elif kind < 0.92:
            first, last = random.choice(ranges)
            tokens = [*tokens[:start], *tokens[first:last], *tokens[end:]]
        elif kind < 0.96:
            tokens = [
                *tokens[:end],
                search_opcodes.put(250),
                *tokens[end:],
                search_opcodes.get(250),
                *composer.act(_kind_of(tokens[:end]), 1),
                b"0",
            ]
        else:
            place = random.randrange(len(tokens))
            tokens = [*tokens[:place], *tokens[place + 1 :]]
    return tokens


def _kind_of(tokens: list[bytes]) -> str:
    """Say what the last token puts on the stack, as far as that can be changed."""
    kind = tokens[-1][:1]
    if kind in b"]le":
        return "list"
    if kind in b"}dus":
        return "dict"
    if kind in b"\x8f\x90":
        return "set"
    return "object" if kind in b"R\x81\x92oib" else ""


def _apart(tokens: list[bytes], added: list[bytes]) -> list[bytes]:
    """Move the memo places of what is added behind those that are in use; sometimes they had better meet, and now and then they do."""
    return search_opcodes.relocate(added, _places(tokens))


def _places(tokens: list[bytes]) -> int:
    return max((struct.unpack("<I", token[1:])[0] + 1 for token in tokens if token[:1] == b"r"), default=0) & 0xFFFF


def _part(tokens: list[bytes], other: list[bytes], random: Random) -> list[bytes]:
    ranges = values(other)
    if not ranges:
        return [b"N"]
    start, end = random.choice(ranges)
    return search_opcodes.relocate(other[start:end], _places(tokens))


def _another_global(tokens: list[bytes], alphabet: Alphabet, random: Random) -> list[bytes]:
    places = [place for place, token in enumerate(tokens) if token[:1] == b"c"]
    if not places:
        return tokens
    name = random.choice(alphabet.opened if random.random() < 0.5 else list(alphabet.rows))
    chosen = random.choice(places)
    return [*tokens[:chosen], search_opcodes.name(*name), *tokens[chosen + 1 :]]


def _another_atom(token: bytes, random: Random) -> bytes:
    kind = token[:1]
    if kind in b"KMJI":
        return random.choice(
            [b"K\x00", b"K\x01", b"K\x07", b"M\xff\xff", b"J\xff\xff\xff\xff", b"\x8a\x08" + b"\xff" * 7 + b"\x7f"]
        )
    if kind == b"X":
        return search_opcodes.text(
            random.choice(["append", "extend", "__setstate__", "keys", "O8", "f8", "latin1", "a", "shown"])
        )
    if kind in b"\x88\x89N":
        return random.choice([b"\x88", b"\x89", b"N", b")", b"]", b"}"])
    if kind in b"])}\x8f":
        return random.choice([b"]", b"}", b")", b"\x8f", b"N"])
    if kind in b"R\x81":
        return random.choice([b"R", b"\x81"])
    if kind in b"eu\x90":
        return random.choice([b"e", b"\x90", b"u"])
    return token
