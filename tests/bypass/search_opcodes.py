"""Pickles as lists of tokens: one opcode with its argument each, and the ranges of tokens that put one value on the stack.

Tokens are in one normal form: no PROTO, FRAME or STOP, and memo places by number. `dress` makes a stream of them again, in one of the
many spellings that the protocols have for the same thing.
"""

from __future__ import annotations

import itertools
import pickletools
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

__all__ = ["dress", "get", "name", "put", "relocate", "split", "text", "values"]

_PUTS = {"PUT", "BINPUT", "LONG_BINPUT"}
_GETS = {"GET", "BINGET", "LONG_BINGET"}
_LEFT_OUT = {"PROTO", "FRAME", "STOP"}


def put(place: int) -> bytes:
    return b"r" + struct.pack("<I", place)


def get(place: int) -> bytes:
    return b"j" + struct.pack("<I", place)


def text(value: str) -> bytes:
    data = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(data)) + data


def name(module: str, attribute: str) -> bytes:
    return b"c" + f"{module}\n{attribute}\n".encode()


def split(stream: bytes) -> list[bytes]:
    """Take a stream of Python's own pickler apart."""
    tokens: list[bytes] = []
    found = list(pickletools.genops(stream))
    ends = [position for _, _, position in found[1:]] + [len(stream)]
    kept = 0
    for (opcode, argument, start), end in zip(found, ends, strict=True):
        if opcode.name in _LEFT_OUT:
            continue
        if opcode.name == "MEMOIZE":
            tokens.append(put(kept))
            kept += 1
        elif opcode.name in _PUTS:
            tokens.append(put(int(argument)))
            kept = max(kept, int(argument) + 1)
        elif opcode.name in _GETS:
            tokens.append(get(int(argument)))
        else:
            tokens.append(stream[start:end])
    return tokens


def relocate(tokens: list[bytes], base: int) -> list[bytes]:
    """Move the memo places of a list of tokens, so that it can stand beside another."""
    return [
        token[:1] + struct.pack("<I", (struct.unpack("<I", token[1:])[0] + base) & 0xFFFF) if token[:1] in (b"r", b"j") else token
        for token in tokens
    ]


def values(tokens: list[bytes]) -> list[tuple[int, int]]:
    """Find the ranges that each put one value on the stack."""
    stack: list[tuple[bool, int]] = []
    found: list[tuple[int, int]] = []
    for place, token in enumerate(tokens):
        opcode = pickletools.code2op[chr(token[0])]
        if opcode.name == "MARK":
            stack.append((True, place))
            continue
        start = place
        before = opcode.stack_before
        count = len(before)
        if pickletools.markobject in before:
            count = before.index(pickletools.markobject)
            while stack:
                marked, where = stack.pop()
                start = min(start, where)
                if marked:
                    break
        for _ in range(count):
            if stack and not stack[-1][0]:
                start = min(start, stack.pop()[1])
        stack += [(False, start)] * len(opcode.stack_after)
        if opcode.stack_after:
            found.append((start, place + 1))
    return found


def dress(tokens: list[bytes], random: Random, *, alone: bool = True) -> bytes:
    """Spell tokens as a stream of some protocol; `alone` says that frames, and bytes behind the stream, are no matter to the reader."""
    protocol = random.choice([0, 1, 2, 2, 3, 3, 4, 4, 5, 5])
    plain = random.random() < 0.3
    parts: list[bytes] = []
    kept: set[int] = set()
    for token in tokens:
        parts.append(token if plain else _spell(token, protocol, kept, random))
        if token[:1] == b"r":
            kept.add(struct.unpack("<I", token[1:])[0])
    parts.append(b".")
    head = b"\x80" + bytes([protocol]) if protocol > 1 else b""
    if protocol > 3 and alone and random.random() < 0.6:
        parts = _frame(parts, random)
    if not alone:
        return head + b"".join(parts)
    tail = random.choice([b"", b"", b"", b"", b"\x00\x00", b"\x80\x04N.", b"garbage"])
    return head + b"".join(parts) + tail


def _frame(parts: list[bytes], random: Random) -> list[bytes]:
    """Put the tokens into frames: one, or some; seldom not where a token ends."""
    cuts = sorted({0, len(parts), *(random.randrange(len(parts) + 1) for _ in range(random.choice([0, 0, 1, 3])))})
    framed = []
    for start, end in itertools.pairwise(cuts):
        content = b"".join(parts[start:end])
        length = len(content)
        if random.random() < 0.03:
            length = max(0, length + random.choice([-1, 1, 4]))
        framed.append(content if random.random() < 0.1 else b"\x95" + struct.pack("<Q", length) + content)
    return framed


def _spell(token: bytes, protocol: int, kept: set[int], random: Random) -> bytes:  # noqa: C901 a list of spellings
    kind = token[:1]
    if kind == b"r":
        place = struct.unpack("<I", token[1:])[0]
        choices = [b"p%d\n" % place, token]
        choices += [b"q" + bytes([place & 255])] * (place < 256)
        choices += [b"\x94"] * 3 * (protocol > 3 and place == len(kept) and place not in kept)
        return random.choice(choices)
    if kind == b"j":
        place = struct.unpack("<I", token[1:])[0]
        return random.choice([b"g%d\n" % place, token] + [b"h" + bytes([place & 255])] * (place < 256))
    if kind == b"c":
        module, attribute = token[1:-1].split(b"\n")
        if protocol > 3 and random.random() < 0.8:
            return _short(module) + _short(attribute) + b"\x93"
        return token
    if kind == b"X" and random.random() < 0.5:
        return _short(token[5:])
    if kind == b"X" and token[5:].isalnum() and random.random() < 0.3:
        data = token[5:]
        return random.choice([b"V" + data + b"\n", b"U" + bytes([len(data) & 255]) + data, b"S'" + data + b"'\n"])
    if kind == b"K" and random.random() < 0.3:
        number = token[1]
        return random.choice([b"I%d\n" % number, b"M" + bytes([number, 0]), b"\x8a\x02" + bytes([number, 0]), b"L%dL\n" % number])
    if kind == b")" and random.random() < 0.2:
        return b"(t"
    if kind == b"]" and random.random() < 0.2:
        return b"(l"
    if kind == b"}" and random.random() < 0.2:
        return b"(d"
    return token


def _short(data: bytes) -> bytes:
    return b"\x8c" + bytes([len(data)]) + data if len(data) < 256 else b"X" + struct.pack("<I", len(data)) + data
