"""Each rule of the grammar, with the smallest stream that breaks it beside the honest one that keeps it."""

from __future__ import annotations

import datetime as dt
import pickle
import struct
from collections import Counter, OrderedDict, defaultdict, deque
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import pytest

from jupyter_modelguard.artifacts.source import StreamSource
from jupyter_modelguard.engines.inspection import inspect_open
from jupyter_modelguard.engines.trace import trace_stream
from jupyter_modelguard.policy.evaluate import evaluate
from jupyter_modelguard.types import Judgement, RiskLevel

from judging import look_at_piece as traced  # isort: skip
from judging import piece_asks as asks  # isort: skip
from opcodes import HEAD, STAMP, call, content, glob, many, mapping, number, text  # isort: skip

np = pytest.importorskip("numpy")
pytestmark = pytest.mark.usefixtures("kind")

HONEST: dict[str, Any] = {
    "plain": {"a": [1, 2.5, None, True, b"x", "y", (1,), {2}, frozenset({3}), 4j]},
    "ordered": OrderedDict(a=1),
    "default": defaultdict(list, a=[1]),
    "deque": deque([1, 2], 5),
    "counter": Counter("aab"),
    "dates": [
        dt.datetime(2020, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=1), "x")),
        dt.date(2020, 1, 1),
        dt.time(1),
        dt.timedelta(1),
    ],
    "date keys": {dt.date(2020, 1, 1): 1},
    "decimal": [Decimal("1.5"), Decimal("NaN")],
    "fraction": Fraction(1, 3),
    "path": PurePosixPath("a/b"),
    "uuid": UUID(int=5),
    "range": range(5),
    "slice": slice(1, 2),
    "bytearray": bytearray(b"abc"),
    "numbers": [np.float32(1), np.int64(2), np.bool_(True), np.str_("a"), np.datetime64("2020-01-01")],
    "number keys": {np.int64(1): "a"},
    "strided": np.asfortranarray(np.ones((2, 3))),
    "objects": np.array([1, "a", None, [2]], dtype=object),
    "masked": np.ma.array([1.0, 2.0], mask=[True, False]),
    "random state": np.random.RandomState(1),
    "generator": np.random.default_rng(1),
    "families of types": [np.generic, np.number, np.integer, np.signedinteger, np.unsignedinteger, np.inexact, np.floating],
    "constants": [..., NotImplemented],
    "types": [np.float64, np.dtype("f8"), np.dtype("M8[us]")],
}


@pytest.mark.parametrize("name", HONEST)
@pytest.mark.parametrize("protocol", [0, 2, 3, 4, 5])
def test_honest_value_is_silent(name: str, protocol: int) -> None:
    data = pickle.dumps(HONEST[name], protocol)
    found = inspect_open(trace_stream(StreamSource(data=data), "pickle"))
    assert evaluate(found.report).level is RiskLevel.DATA_ONLY, found.report
    assert found.copy is not None
    assert b"".join(piece for _, piece in found.copy.segments) == data


# (a) where a global may stand

ANY = glob("numpy.random._pickle", "__randomstate_ctor")  # a function that is listed, but not as a value


@pytest.mark.parametrize(
    "body",
    [
        ANY,
        b"](" + ANY + b"e",
        mapping(a=ANY),
        many(ANY),
        b"](" + many(b"](" + ANY + b"e") + b"e",
        b"}" + ANY + b"Ns",
        b"\x8f(" + ANY + b"\x90",
    ],
    ids=["result", "list", "dictionary", "tuple", "nested", "key", "set"],
)
def test_global_as_a_value_asks(body: bytes) -> None:
    assert asks(body)


def test_listed_type_as_a_value_is_silent() -> None:
    assert not asks(mapping(dtype=glob("numpy", "float64"), kind=glob("builtins", "int")))


@pytest.mark.parametrize("name", ["numpy number", "numpy generic", "builtins Ellipsis", "builtins NotImplemented"])
@pytest.mark.parametrize(
    "act",
    [b")R", b")\x81", number(1) + b"\x85R", b"}b", mapping(shape=number(1)) + b"b", b"Na", b"NNs"],
    ids=["call", "new", "call with one", "empty state", "state", "append", "item"],
)
def test_listed_constant_or_family_of_types_that_does_more_than_stand_asks(name: str, act: bytes) -> None:
    assert asks(glob(*name.split()) + act)


def test_global_in_the_attributes_of_an_ordered_dict_asks() -> None:
    assert asks(call(glob("collections", "OrderedDict")) + mapping(items=glob("numpy", "log")) + b"b")


def test_plain_attributes_of_an_ordered_dict_are_silent() -> None:
    assert not asks(call(glob("collections", "OrderedDict")) + mapping(_metadata=mapping(version=number(1))) + b"b")


# (b), (c), (d) state and items of reviewed things


@pytest.mark.parametrize(
    "act",
    [mapping(a=b"N") + b"b", b"N" + mapping(a=b"N") + b"\x86b", b"Na", b"(Ne", b"NNs", b"(N\x90"],
    ids=["state", "slots", "append", "extend", "setitem", "additems"],
)
def test_act_that_is_not_reviewed_asks(act: bytes) -> None:
    assert asks(STAMP + act)


@pytest.mark.parametrize("act", [mapping(a=b"N") + b"b", b"N" + mapping(a=b"N") + b"\x86b", b"Na", b"NNs", b"Nb"])
@pytest.mark.parametrize(
    "target", [glob("datetime", "timedelta"), glob("collections", "abc"), glob("sklearn.base", "BaseEstimator")]
)
def test_act_on_a_global_itself_asks(target: bytes, act: bytes) -> None:
    assert asks(target + act + b"0N")


def test_called_object_asks() -> None:
    assert asks(call(STAMP))


def test_state_of_a_reviewed_object_only_once() -> None:
    array = call(glob("numpy._core.multiarray", "_reconstruct"), glob("numpy", "ndarray"), many(number(0)), content(b"b"))
    dtype = call(glob("numpy", "dtype"), text("i4"), b"\x89", b"\x88")
    state = many(number(1), many(number(1)), dtype, b"\x89", content(b"abcd"))
    assert not asks(array + state + b"b")
    assert asks(array + state + b"b" + state + b"b")


# (e) persistent ids


def test_persistent_id_in_a_plain_pickle_asks() -> None:
    assert asks(text("x") + b"Q")


# (f) what applies its arguments


@pytest.mark.parametrize("function", ["__randomstate_ctor", "__generator_ctor"])
def test_constructor_with_another_function_asks(function: str) -> None:
    assert asks(call(glob("numpy.random._pickle", function), text("MT19937"), glob("builtins", "list")))


def test_bit_generator_of_another_class_asks() -> None:
    assert asks(call(glob("numpy.random._pickle", "__bit_generator_ctor"), glob("builtins", "list")))


def test_other_codec_asks() -> None:
    assert not asks(call(glob("_codecs", "encode"), text("a"), text("latin1")))
    assert asks(call(glob("_codecs", "encode"), text("a"), text("rot13")))


@pytest.mark.parametrize("made", [glob("builtins", "eval"), glob("logging", "FileHandler"), glob("numpy", "log")])
def test_default_dictionary_of_anything_else_asks(made: bytes) -> None:
    assert asks(call(glob("collections", "defaultdict"), made))


def test_array_subclass_asks() -> None:
    for name in ("memmap", "MyArray", "generic"):
        assert asks(call(glob("numpy._core.multiarray", "_reconstruct"), glob("numpy", name), many(number(0)), content(b"b")))


# (h) sizes


@pytest.mark.parametrize("value", ["1E+999999999", "1E-99999999", "9" * 5000])
def test_unbounded_decimal_asks(value: str) -> None:
    assert asks(call(glob("decimal", "Decimal"), text(value)))


@pytest.mark.parametrize("value", ["1E999999999", "9" * 5000, "1/0"])
def test_unbounded_fraction_asks(value: str) -> None:
    assert asks(call(glob("fractions", "Fraction"), text(value)))


def test_payload_larger_than_the_file_asks() -> None:
    found = traced(b"\x8e" + struct.pack("<Q", 1 << 30))
    assert evaluate(found.report).level is RiskLevel.UNINSPECTED


# (i) keys


def test_time_zone_of_another_class_asks() -> None:
    zone = call(glob("zoneinfo", "ZoneInfo"), text("UTC"))
    assert asks(call(glob("datetime", "datetime"), content(bytes(10)), zone))


@pytest.mark.parametrize(
    "wrap", [b"}%bNs", b"\x8f(%b\x90", b"(%b\x91", b"}(%b\x85Nu"], ids=["key", "member", "frozen", "inside a key"]
)
def test_array_as_a_key_asks(wrap: bytes) -> None:
    array = call(glob("numpy._core.multiarray", "_reconstruct"), glob("numpy", "ndarray"), many(number(0)), content(b"b"))
    assert asks(wrap % array)


# names


@pytest.mark.parametrize(
    ("module", "name"),
    [("random", "_os.system"), ("numpy", "random.RandomState"), ("collections", "OrderedDict.fromkeys"), ("builtins", "set.add")],
)
def test_dotted_name_asks(module: str, name: str) -> None:
    assert asks(call(glob(module, name)))


def test_danger_is_named_in_words() -> None:
    found = traced(call(glob("posix", "system"), text("true"))).report
    assert [(str(use.name), use.judgement) for use in found.globals] == [("posix.system", Judgement.DANGEROUS)]
    assert found.globals[0].reason == "starts programs"


def test_payload_before_a_broken_tail_is_reported() -> None:
    found = trace_stream(StreamSource(data=HEAD + call(glob("os", "system"), text("true")) + b"0\xff"), "pickle")
    assert found.copy is None
    assert evaluate(found.report).level is RiskLevel.DANGEROUS
    assert ("os", "system") in found.names
