"""Pickles by the grammar of their opcodes, harmless or with a call of the canary, spelled in every way that the unpickler knows."""

from __future__ import annotations

import pickle
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

__all__ = ["program"]

_CANARY = ("fuzz_canary", "fire")
_HARMLESS = (
    ("collections", "OrderedDict"),
    ("builtins", "set"),
    ("builtins", "complex"),
    ("numpy", "dtype"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("__builtin__", "set"),
    ("torch._utils", "_rebuild_tensor_v2"),
    ("joblib.numpy_pickle", "NumpyArrayWrapper"),
)
_INTERESTING = (0, 1, 2, 127, 255, 256, 65535, 65536, 2**31 - 1)


def program(random: Random, *, armed: bool) -> bytes:
    """Compose one pickle."""
    protocol = random.choice([0, 1, 2, 3, 4, 4, 5])
    head = b"" if protocol < 2 and random.random() < 0.8 else b"\x80" + bytes([protocol])
    body = _value(random, 0)
    if armed:
        before, behind = _spoil(random), _spoil(random)
        call = _call(random)
        body = random.choice(
            [
                before + call,
                body + b"0" + call,
                b"(" + body + call + behind + b"t",
                b"]" + call + b"a",
                b"}" + body[:0] + b"K\x01" + call + b"s",
                b"(" + call + b"1" + body,
            ]
        )
    if head and protocol >= 4 and random.random() < 0.6:
        return head + _framed(body + b".", random)
    return head + body + b"."


def _framed(body: bytes, random: Random) -> bytes:
    length = len(body) if random.random() < 0.8 else max(0, len(body) + random.choice([-2, -1, 1, 5, 1 << 20]))
    if random.random() < 0.2:
        place = random.randrange(len(body))
        return b"\x95" + struct.pack("<Q", place) + body[:place] + b"\x95" + struct.pack("<Q", len(body) - place) + body[place:]
    return b"\x95" + struct.pack("<Q", length) + body


def _text(value: str, random: Random) -> bytes:
    data = value.encode()
    kind = random.random()
    if kind < 0.4:
        return b"\x8c" + bytes([len(data)]) + data
    if kind < 0.6:
        return b"X" + struct.pack("<I", len(data)) + data
    if kind < 0.75:
        return b"\x8d" + struct.pack("<Q", len(data)) + data
    if kind < 0.85:
        return b"V" + value.encode("raw-unicode-escape") + b"\n"
    if kind < 0.95:
        return b"S'" + data + b"'\n"
    return b"U" + bytes([len(data)]) + data


def _global(name: tuple[str, str], random: Random) -> bytes:
    if random.random() < 0.4:
        return b"c" + name[0].encode() + b"\n" + name[1].encode() + b"\n"
    return _text(name[0], random) + _text(name[1], random) + b"\x93"


def _call(random: Random) -> bytes:
    canary = _global(_CANARY, random)
    memo = bytes([random.randrange(200, 250)])
    return random.choice(
        [
            canary + b")R",
            canary + b"K\x01\x85R",
            canary + b"q" + memo + b"0h" + memo + b")R",
            canary + b"p9\n0g9\n(tR",
            canary + b"r\x00\x01\x00\x000j\x00\x01\x00\x00)R",
            b"(" + canary + b"o",
            b"(ifuzz_canary\nfire\n",
            b"(K\x01ifuzz_canary\nfire\n",
            b"2" + canary + b")R" if random.random() < 0.3 else canary + b"\x940" + canary + b"(NtR",
            _global(("builtins", "map"), random) + canary + b"]K\x01a\x86R",
            _global(("builtins", "list"), random) + _global(("builtins", "map"), random) + canary + b"]K\x01a\x86R\x85R",
            _global(("functools", "partial"), random) + canary + b"\x85R)R",
            _global(("fuzz_canary", "Armed"), random) + b")\x81}b" + canary + b")R",
            _global(("numpy", "vectorize"), random) + canary + b"\x85R",
            _global(("pickle", "loads"), random) + b"B" + _counted(pickle.dumps(0)[:-2] + canary + b")R.") + b"\x85R",
            _global(("collections", "OrderedDict"), random) + b"]" + canary + b")Ra\x85R",
        ]
    )


def _counted(data: bytes) -> bytes:
    return struct.pack("<I", len(data)) + data


def _spoil(random: Random) -> bytes:
    """Put something before a call that a reader could stumble over."""
    return random.choice(
        [
            b"",
            b"",
            b"N0",
            b"(1",
            b"\x80\x04",
            b"\x95\x00\x00\x00\x00\x00\x00\x00\x00",
            b"]\x940",
            b"K\x01p\xe0\x00\n0"[:2] + b"0",
            b"C\x00" + b"0",
            b"L9999999999L\n0",
            b"I01\n0",
            b"F1e9\n0",
        ]
    )


def _value(random: Random, depth: int) -> bytes:
    kind = random.random()
    if depth > 3 or kind < 0.35:
        return _atom(random)
    inner = [_value(random, depth + 1) for _ in range(random.randrange(4))]
    if kind < 0.8:
        return random.choice(
            [
                b"(" + b"".join(inner) + b"t",
                b"(" + b"".join(inner) + b"l",
                b"](" + b"".join(inner) + b"e",
                b"}(" + b"".join(_text(f"key{place}", random) + item for place, item in enumerate(inner)) + b"u",
                b"\x8f(" + b"".join(b"K%c" % place for place in range(len(inner))) + b"\x90",
            ]
        )
    if kind < 0.85:
        return _value(random, depth + 1) + b"\x94"
    if kind < 0.87:
        return random.choice([_text("key", random) + b"Q", b"Pkey\n", b"\x82\x01"])
    name = _global(random.choice(_HARMLESS), random)
    return random.choice(
        [
            name + b")R",
            name + b")\x81",
            name + b")\x81}b",
            name + b"(" + b"".join(inner) + b"tR",
            b"(" + name + b"".join(inner) + b"o",
        ]
    )


def _atom(random: Random) -> bytes:
    number = random.choice(_INTERESTING)
    return random.choice(
        [
            b"N",
            b"\x88",
            b"J" + struct.pack("<i", number),
            b"I%d\n" % number,
            b"L%dL\n" % number,
            b"\x8a\x05" + struct.pack("<Q", number)[:5],
            b"G" + struct.pack(">d", float(number)),
            b"F%d.5\n" % number,
            b"C\x03abc",
            b"B" + _counted(bytes(random.randrange(40))),
            b"\x96\x02\x00\x00\x00\x00\x00\x00\x00ab",
            _text("word", random),
        ]
    )
