"""Rule (g) of the grammar: numpy's data types, whose state says where the bytes of an array are and what they mean."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from jupyter_modelguard.artifacts.source import StreamSource
from jupyter_modelguard.engines.trace import trace_stream
from jupyter_modelguard.policy.evaluate import evaluate
from jupyter_modelguard.types import RiskLevel

from judging import piece_asks as asks  # isort: skip
from opcodes import AGAIN, MADE, PLAIN_DTYPE, call, content, dtype, glob, many, mapping, number, text  # isort: skip


np = pytest.importorskip("numpy")


pytestmark = pytest.mark.usefixtures("kind")


DTYPES = [
    "?", "b", "B", "h", "H", "i", "I", "l", "L", "q", "Q", "e", "f", "d", "g", "F", "D", "G",
    "S5", "U5", "V7", "M8[ns]", "m8[10D]", "m8", ">f8", ">U3",
    [("a", "i4"), ("b", "f8", (2,))], {"names": ["x", "y"], "formats": ["i4", ">f8"], "offsets": [4, 16], "itemsize": 32},
]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("protocol", [2, 5])
def test_honest_array_is_silent(dtype: Any, protocol: int) -> None:
    data = pickle.dumps([np.zeros(3, dtype), np.zeros((), dtype)], protocol)
    assert evaluate(trace_stream(StreamSource(data=data), "pickle").report).level is RiskLevel.DATA_ONLY


def test_aligned_record_is_silent() -> None:
    dtype = np.dtype([("a", "i1"), ("b", "f8")], align=True)
    assert (
        evaluate(trace_stream(StreamSource(data=pickle.dumps(np.zeros(2, dtype))), "pickle").report).level is RiskLevel.DATA_ONLY
    )


def forged(place: int, value: bytes) -> tuple[bytes, ...]:
    return (*PLAIN_DTYPE[:place], value, *PLAIN_DTYPE[place + 1 :])


def test_honest_dtype_is_silent() -> None:
    assert not asks(dtype("f8", *PLAIN_DTYPE))


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("f8", forged(5, number(800))),
        ("f8", forged(6, number(64))),
        ("f8", forged(7, number(63))),
        ("O8", forged(7, number(0))),
        (
            "V8",
            (
                number(3),
                text("|"),
                b"N",
                many(text("a")),
                mapping(a=many(dtype("f8", *PLAIN_DTYPE), number(4096))),
                number(8),
                number(1),
                number(16),
            ),
        ),
        (
            "V8",
            (
                number(3),
                text("|"),
                many(dtype("f8", *PLAIN_DTYPE), many(number(99))),
                b"N",
                b"N",
                number(8),
                number(8),
                number(0),
            ),
        ),
        (
            "V8",
            (
                number(3),
                text("|"),
                b"N",
                many(text("a")),
                mapping(a=many(dtype("O8", *PLAIN_DTYPE), number(0))),
                number(8),
                number(1),
                number(16),
            ),
        ),
        ("f8", (*PLAIN_DTYPE, mapping(x=b"N"))),
        ("M8", (number(4), *PLAIN_DTYPE[1:], many(mapping(x=b"N"), many(content(b"ns"), number(1), number(1), number(1))))),
        ("i4,f8", PLAIN_DTYPE),
        ("(2,)f8", PLAIN_DTYPE),
    ],
    ids=[
        "size",
        "alignment",
        "flags",
        "object flags",
        "offset",
        "subarray",
        "inner flags",
        "metadata",
        "unit metadata",
        "list",
        "shape",
    ],
)
def test_forged_dtype_asks(code: str, state: tuple[bytes, ...]) -> None:
    assert asks(dtype(code, *state))


def test_dtype_that_changes_after_its_check_asks() -> None:
    """numpy keeps the dictionary of fields it is given, and a later opcode changes an offset in it."""
    fields = mapping(a=many(dtype("f8", *PLAIN_DTYPE), number(0)))
    made = dtype("V8", number(3), text("|"), b"N", many(text("a")), fields + MADE, number(8), number(1), number(16))
    assert not asks(made)
    assert asks(made + b"0" + AGAIN + text("a") + many(dtype("f8", *PLAIN_DTYPE), number(4096)) + b"s")


def test_dtype_that_changes_after_its_use_asks() -> None:
    bare = call(glob("numpy", "dtype"), text("V8"), b"\x89", b"\x88") + MADE
    array = call(glob("numpy._core.numeric", "_frombuffer"), content(bytes(8)), bare, many(number(1)), text("C"))
    record = (
        number(3),
        text("|"),
        b"N",
        many(text("a")),
        mapping(a=many(dtype("O8", *PLAIN_DTYPE[:1], text("|"), *PLAIN_DTYPE[2:7], number(63)), number(0))),
    )
    assert asks(array + b"0" + AGAIN + many(*record, number(8), number(1), number(27)) + b"b")


@pytest.mark.parametrize(
    "other",
    [(4, mapping(a=many(dtype("f8", *PLAIN_DTYPE), number(4096)))), (5, number(4096)), (6, b"\x88"), (7, number(63))],
    ids=["offset", "size", "truth for one", "flags"],
)
def test_dtype_that_is_almost_one_checked_before_asks(other: tuple[int, bytes]) -> None:
    fields = mapping(a=many(dtype("f8", *PLAIN_DTYPE), number(0)))
    honest = (number(3), text("|"), b"N", many(text("a")), fields, number(8), number(1), number(16))
    place, value = other
    means_the_same = place == 6  # True is the alignment 1 to numpy too
    assert not asks(many(dtype("V8", *honest), dtype("V8", *honest)))
    forged_one = dtype("V8", *honest[:place], value, *honest[place + 1 :])
    assert asks(many(dtype("V8", *honest), forged_one)) != means_the_same


def test_shared_dtype_asks() -> None:
    assert asks(call(glob("numpy", "dtype"), text("f8"), b"\x89", b"\x89"))


def test_records_of_objects_ask() -> None:
    """A record's other fields call `__float__` and the like of what they are given."""
    data = pickle.dumps(np.array([(1, 2.0)], dtype=[("a", "O"), ("b", "f8")]))
    assert evaluate(trace_stream(StreamSource(data=data), "pickle").report).level.asks
