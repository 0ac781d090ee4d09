"""Codes of pandas that name values which are not there are asked about; those that pandas writes are not."""

from __future__ import annotations

import io
import pickle
import pickletools
from typing import Any

import pytest

from jupyter_modelguard.artifacts.copy import SKIP_AT_LEAST
from jupyter_modelguard.artifacts.source import StreamSource
from jupyter_modelguard.engines.inspection import inspect_open
from jupyter_modelguard.engines.trace import trace_stream
from jupyter_modelguard.policy.evaluate import evaluate

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas", reason="the codes are pandas'")

ROWS = 300_000


def asks(data: bytes, dialect: str = "pickle") -> bool:
    return evaluate(inspect_open(trace_stream(StreamSource(data=data), dialect)).report).level.asks


class Made:
    """Pickles as a call, with a state if there is one."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def __reduce__(self) -> Any:
        return self.parts


def levels(*pairs: tuple[Any, Any], name: str = "codes") -> Made:
    """An index of several levels, each with its codes."""
    parts = {"levels": [level for level, _ in pairs], name: [np.asarray(codes) for _, codes in pairs]}
    return Made(pd.MultiIndex.from_arrays([[1]]).__reduce__()[0], (pd.MultiIndex, parts))


def categorical(codes: Any, values: Any = ("a", "b")) -> Made:
    """An array of categories, which are two texts if nothing else is said."""
    make, arguments, state = pd.Categorical(values).__reduce__()
    return Made(make, arguments, tuple(np.asarray(codes) if type(part) is np.ndarray else part for part in state))


def honest() -> dict[str, Any]:
    frame = pd.DataFrame({"a": [1, 2, 1], "b": ["x", "y", "x"], "c": [1.0, 2.0, 3.0]})
    moments = pd.date_range("2020", periods=3)
    product = pd.MultiIndex.from_product
    return {
        "text": product([["a", "b"], ["c"]]),
        "python text": pd.MultiIndex([pd.Index(["a", "b"], dtype=pd.StringDtype("python"))], [[0, 1]]),
        "objects": pd.MultiIndex.from_arrays([pd.Index(["a", 1], dtype=object), pd.RangeIndex(2)]),
        "missing": pd.MultiIndex.from_arrays([["a", None], [1.0, np.nan], [pd.NaT, pd.Timestamp("2020")]]),
        "dates": product([moments, moments.tz_localize("UTC"), pd.timedelta_range("1D", periods=2)]),
        "periods": product([pd.period_range("2020", periods=3, freq="M"), pd.interval_range(0, 2)]),
        "categories": pd.MultiIndex.from_arrays([pd.Categorical(["a", None]), pd.Categorical(pd.interval_range(0, 2))]),
        "empty": pd.MultiIndex.from_arrays([[], []]),
        "sliced": product([range(70), range(70)])[::3],
        "large": pd.DataFrame({"a": pd.Categorical(np.arange(ROWS) % 70_000)}, pd.MultiIndex.from_arrays([np.arange(ROWS)] * 2)),
        "grouped": frame.groupby(["a", "b"]).agg(["mean", "sum"]),
        "stacked": frame[["a", "c"]].stack(),
        "unstacked": frame.groupby(["a", "b"]).sum().unstack(),
        "pivoted": frame.pivot_table(index="a", columns="b", margins=True),
        "one above the other": pd.concat({"a": frame, "b": frame}),
        "no category": pd.Categorical([]),
        "ordered": pd.Categorical([3, 1, None], categories=[3, 1], ordered=True),
        "cut": pd.cut(frame.c, 2),
        "dates as categories": pd.Series(pd.Categorical(moments)),
        "periods as categories": pd.Categorical(pd.period_range("2020", periods=3, freq="M")),
        "tuples as categories": pd.Categorical(pd.Index([(1, 2), (3, 4)], tupleize_cols=False)),
        "index of categories": frame.set_index(pd.CategoricalIndex(["x", "y", "x"])),
    }


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("name", honest())
def test_codes_that_pandas_writes_are_silent(name: str, protocol: int) -> None:
    assert not asks(pickle.dumps(honest()[name], protocol))


@pytest.mark.parametrize("name", honest())
def test_codes_in_joblib_are_silent(name: str) -> None:
    joblib = pytest.importorskip("joblib")
    file = io.BytesIO()
    joblib.dump(honest()[name], file)
    assert not asks(file.getvalue(), "joblib")


@pytest.mark.parametrize("writer", ["dill", "cloudpickle"])
def test_codes_of_other_writers_are_silent(writer: str) -> None:
    write = pytest.importorskip(writer).dumps
    assert not asks(write({name: value for name, value in honest().items() if name != "large"}))


TEXT = pd.Index(["a", "b"], dtype=object)


@pytest.mark.parametrize(
    "made",
    [
        levels((TEXT, [0, 2])),
        levels((TEXT, [0, -2])),
        levels((TEXT, [0, 1]), (TEXT, [2, 0])),
        levels((TEXT, [0, 1]), (TEXT, [0])),
        levels((TEXT, [0, 2]), name="labels"),
        levels((TEXT, [0.0, 1.0])),
        levels((TEXT, [[0, 1]])),
        levels((TEXT, np.array([0, 1], "M8[ns]"))),
        levels((TEXT[:0], [0])),
        levels((pd.RangeIndex(0, 4, 2), [2])),
        levels((pd.RangeIndex(4, 0, -2), [2])),
        levels((pd.date_range("2020", periods=2), [2])),
        levels((pd.period_range("2020", periods=2, freq="M"), [2])),
        levels((pd.timedelta_range("1D", periods=2), [2])),
        levels((pd.interval_range(0, 2), [2])),
        levels((pd.CategoricalIndex(["a", "b"]), [2])),
        levels((pd.Index(["a", "b"]), [2])),
        levels((pd.MultiIndex.from_arrays([[1, 2]]), [0])),
        categorical([0, 2]),
        categorical([0, -2]),
        categorical([0.0]),
        categorical([[0]]),
        categorical([0], values=[]),
        categorical([2], values=pd.interval_range(0, 2)),
        Made(*categorical([0]).parts[:2], {"_codes": np.array([2]), "_dtype": pd.CategoricalDtype(["a", "b"])}),
        Made(*categorical([0]).parts[:2], {"_codes": np.array([2]), "_categories": TEXT, "_ordered": False}),
        Made(
            *categorical([0]).parts[:2],
            {"_codes": np.array([0]), "_ndarray": np.array([2]), "_dtype": pd.CategoricalDtype(["a"])},
        ),
        Made(*categorical([0]).parts[:2], {"_codes": np.array([0]), "_dtype": pd.CategoricalDtype()}),
        Made(*categorical([0]).parts[:2], {"_codes": np.array([0]), "_dtype": np.dtype("i8")}),
    ],
)
@pytest.mark.parametrize("protocol", [2, 5])
def test_codes_that_pandas_would_not_write_ask(made: Made, protocol: int) -> None:
    assert asks(pickle.dumps(made, protocol))


def test_codes_of_these_tests_are_silent() -> None:
    assert not asks(
        pickle.dumps([levels((TEXT, [0, 1, -1]), (pd.RangeIndex(4, 0, -2), [1, 1, 0])), levels((TEXT, [1]), name="labels")])
    )
    assert not asks(pickle.dumps([categorical([0, 1, -1]), categorical(np.array([1], ">i2"))]))
    older = {"_codes": np.array([1]), "_categories": TEXT, "_ordered": False}
    assert not asks(pickle.dumps(Made(*categorical([0]).parts[:2], older)))


@pytest.mark.parametrize("place", [0, -1])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_codes_that_the_trace_passed_over_are_looked_at(protocol: int, place: int) -> None:
    codes = np.zeros(ROWS, "i8")
    assert codes.nbytes >= SKIP_AT_LEAST
    assert not asks(pickle.dumps([levels((TEXT, codes)), categorical(codes)], protocol))
    codes[place] = 2
    assert asks(pickle.dumps(levels((TEXT, codes)), protocol))
    assert asks(pickle.dumps(categorical(codes), protocol))


@pytest.mark.parametrize("made", [levels((pd.RangeIndex(40_000), np.zeros(9, "i4"))), categorical(np.zeros(9, "i4"))])
def test_codes_that_change_for_a_while_ask(made: Made) -> None:
    """Protocol 5 keeps an array in bytes that an opcode can change, and pandas goes by the very memory."""
    data = pickle.dumps(made, 5)
    assert not asks(data)
    plain = data[:2] + data[11:]  # without its one frame, which an opcode more would not fit into
    assert not asks(plain)
    place = -1
    for opcode, argument, _ in pickletools.genops(plain):
        place += opcode.name == "MEMOIZE"
        if opcode.name == "BYTEARRAY8" and len(argument) == 36:
            break
    to_and_fro = b"h" + bytes([place + 1]) + b"K\x03K\x7fsK\x03K\x00s0"
    assert asks(plain[:-1] + to_and_fro + b".")


@pytest.mark.parametrize("count", [10, ROWS])
@pytest.mark.parametrize("kind", [levels, categorical])
def test_wrong_codes_in_joblib_ask(kind: Any, count: int) -> None:
    pickler = pytest.importorskip("joblib").numpy_pickle.NumpyPickler

    def wrote(codes: Any) -> bytes:
        file = io.BytesIO()
        pickler(file).dump(levels((TEXT, codes)) if kind is levels else categorical(codes))
        return file.getvalue()

    codes = np.zeros(count, "i8")
    assert not asks(wrote(codes), "joblib")
    codes[-1] = 2
    assert asks(wrote(codes), "joblib")
