"""Tables whose numbers reach past their memory are asked about; those that pandas and Arrow write are not."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from jupyter_modelguard.artifacts.copy import SKIP_AT_LEAST
from jupyter_modelguard.artifacts.source import StreamSource
from jupyter_modelguard.engines.inspection import inspect_open
from jupyter_modelguard.engines.trace import trace_stream
from jupyter_modelguard.policy.evaluate import evaluate

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas", reason="the tables are of pandas")


class Call:
    """Pickles as a call, with a state if there is one."""

    def __init__(self, function: Any, *arguments: Any, state: Any = None) -> None:
        self.parts = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.parts


def asks(value: Any, protocol: int = 5) -> bool:
    report = inspect_open(trace_stream(StreamSource(data=pickle.dumps(value, protocol)), "pickle")).report
    return evaluate(report).level.asks


def old(axes: list[Any], *places: Any) -> Call:
    from pandas.core.internals.managers import BlockManager

    blocks = [{"values": np.zeros((1, 2)), "mgr_locs": place} for place in places]
    return Call(BlockManager, state=(None, None, None, {"0.14.1": {"axes": axes, "blocks": blocks}}))


def table(*places: Any) -> Call:
    from pandas._libs.internals import _unpickle_block
    from pandas.core.internals.managers import BlockManager

    blocks = tuple(Call(_unpickle_block, np.zeros((1, 2)), place, 2) for place in places)
    return Call(BlockManager, blocks, [pd.Index(["a", "b"], dtype=object), pd.RangeIndex(2)])


NAMES = pd.Index(["a", "b"], dtype=object)
ROWS = pd.RangeIndex(2)


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize(
    "value",
    [
        old([NAMES, ROWS], slice(0, 2, 1)),
        old([ROWS, ROWS], np.array([1]), slice(0, 1, 1)),
        old([pd.RangeIndex(0), ROWS]),
        table(slice(0, 2, 1)),
        table(np.array([1]), np.array([0])),
    ],
    ids=["old", "old with arrays", "old and empty", "table", "table with arrays"],
)
def test_table_whose_places_are_there_loads(value: Any, protocol: int) -> None:
    assert not asks(value, protocol)


@pytest.mark.parametrize("protocol", [2, 5])
@pytest.mark.parametrize(
    "value",
    [
        old([], -1),
        old([NAMES, ROWS], -1, 0),
        old([NAMES, ROWS], slice(0, 3, 1)),
        old([NAMES, ROWS], slice(1, 3, 1)),
        old([NAMES, ROWS], slice(None, None, None)),
        old([NAMES, ROWS], np.array([0, 1 << 40])),
        old([pd.RangeIndex(0), ROWS], 0),
        old([pd.CategoricalIndex(["a"]), ROWS], 0),
        table(-1, 0),
        table(slice(1, 3, 1)),
        table(np.array([0, -7])),
        table(np.array([0.0, 1.0])),
    ],
)
def test_table_that_writes_past_its_columns_asks(value: Any, protocol: int) -> None:
    assert asks(value, protocol)


def test_frames_with_mixed_columns_load() -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5], "c": [3, 4], "d": [5, 6], "e": ["x", "y"], "f": [True, False]})
    assert not asks(frame)
    assert not asks(frame, 2)


def test_places_that_the_trace_passes_over_ask() -> None:
    """What stands in their memory is whatever was there before."""
    assert asks(table(np.arange(SKIP_AT_LEAST // 8)))
    assert not asks(table(np.arange(SKIP_AT_LEAST // 8 - 8)))


def arrow(name: str, length: int, *buffers: Any, nulls: int = 0, offset: int = 0) -> Call:
    pa = pytest.importorskip("pyarrow", reason="the arrays are of Arrow")
    made = [None if data is None else Call(pa.py_buffer, data) for data in buffers]
    return Call(pa.lib._restore_array, (Call(pa.lib.type_for_alias, name), length, nulls, offset, made, [], None))


@pytest.mark.parametrize(
    "value",
    [
        ("int64", 2, None, bytes(16)),
        ("bool", 9, b"\0\0", b"\0\0"),
        ("large_string", 1, None, bytes(16), b"ab"),
        ("string", 0, None, None, None),
        ("null", 5, None),
    ],
)
def test_array_of_arrow_that_fits_its_buffers_loads(value: Any) -> None:
    assert not asks(arrow(*value))


@pytest.mark.parametrize(
    ("value", "more"),
    [
        (("int64", 3, None, bytes(16)), {}),
        (("int64", 2, None, None), {}),
        (("int64", 1, None, bytes(16)), {"offset": 2}),
        (("bool", 9, None, b"\0"), {}),
        (("bool", 9, b"\0", b"\0\0"), {}),
        (("int8", 1, None, b"\0"), {"nulls": 1}),
        (("large_string", 2, None, bytes(16), b"ab"), {}),
        (("string", 1, None, None, b"ab"), {}),
        (("string", 1, None, bytes(8)), {}),
        (("month_day_nano_interval", 1, None, bytes(16)), {}),
    ],
)
def test_array_of_arrow_that_is_longer_than_its_buffers_asks(value: Any, more: dict[str, int]) -> None:
    assert asks(arrow(*value, **more))


def test_real_tables_of_arrow_load() -> None:
    pa = pytest.importorskip("pyarrow", reason="the tables are of Arrow")
    columns = {"a": [1, None, 3], "b": ["x", "", None], "c": [True, None, False], "d": [0.5, 1.5, None], "e": [None] * 3}
    assert not asks(pa.table(columns))
    assert not asks(pa.table(columns).slice(1, 2))
    assert not asks(pa.table(columns), 2)
    assert not asks(pa.table(columns).slice(0, 0))
