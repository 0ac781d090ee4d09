"""Neighbour trees of scipy whose numbers reach past their memory are asked about; those that scipy writes are not."""

from __future__ import annotations

import copyreg
import io
import pickle
import pickletools
import subprocess
import sys
from typing import Any

import pytest

from jupyter_modelguard.artifacts.copy import SKIP_AT_LEAST
from jupyter_modelguard.artifacts.source import StreamSource
from jupyter_modelguard.engines.inspection import inspect_open
from jupyter_modelguard.engines.trace import trace_stream
from jupyter_modelguard.policy.evaluate import evaluate
from jupyter_modelguard.policy.neighbour_trees import _NODE

np = pytest.importorskip("numpy")
spatial = pytest.importorskip("scipy.spatial", reason="the trees are scipy's")

NUMBERS = np.random.default_rng(3)


def asks(data: bytes, dialect: str = "pickle") -> bool:
    return evaluate(inspect_open(trace_stream(StreamSource(data=data), dialect)).report).level.asks


class Trees(pickle.Pickler):
    """Gives each tree that it has a state for that state."""

    states: dict[int, tuple[Any, ...]]

    def reducer_override(self, value: Any) -> Any:
        known = self.states.get(id(value))
        return NotImplemented if known is None else (copyreg.__newobj__, (spatial.cKDTree,), known)  # type: ignore[attr-defined]


def stream(state: tuple[Any, ...], protocol: int = 4, *, before: Any = None, behind: Any = None) -> bytes:
    """Pickle a tree with a state of its own, and what stands before and behind it."""
    made = spatial.cKDTree.__new__(spatial.cKDTree)
    file = io.BytesIO()
    pickler = Trees(file, protocol)
    pickler.states = {id(made): state}
    pickler.dump([before, made, behind])
    return file.getvalue()


def points(rows: int = 60, columns: int = 3) -> Any:
    return NUMBERS.normal(size=(rows, columns))


def honest() -> dict[str, Any]:
    return {
        "in C": spatial.cKDTree(points()),
        "in Python": spatial.KDTree(points(), leafsize=1),
        "periodic": spatial.cKDTree(NUMBERS.random((50, 2)), boxsize=1.0),
        "one point": spatial.cKDTree([[1.0, 2.0]]),
        "no point": spatial.cKDTree(np.zeros((0, 3))),
        "the same points": spatial.cKDTree(np.ones((100, 2))),
        "loose": spatial.cKDTree(points(500), compact_nodes=False, balanced_tree=False, leafsize=2),
        "deep": spatial.cKDTree(2.0 ** -np.arange(900.0)[:, None], leafsize=1, balanced_tree=False, compact_nodes=False),
        "large": spatial.KDTree(points(9000)),
        "beside its points": {"points": points(9000), "tree": spatial.KDTree(points(9000))},
    }


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("name", honest())
def test_tree_that_scipy_writes_is_silent(name: str, protocol: int) -> None:
    assert not asks(pickle.dumps(honest()[name], protocol))


@pytest.mark.parametrize("name", honest())
def test_tree_in_joblib_is_silent(name: str) -> None:
    joblib = pytest.importorskip("joblib")
    file = io.BytesIO()
    joblib.dump(honest()[name], file)
    assert not asks(file.getvalue(), "joblib")


def state(**changes: Any) -> tuple[Any, ...]:
    """A tree of 60 points in three dimensions whose nodes or other parts are changed; `root` is the first node, `leaf` the last."""
    names = ["nodes", "points", "count", "dimensions", "leafsize", "maxes", "mins", "indices", "boxsize", "boxes"]
    parts = dict(zip(names, spatial.cKDTree(NUMBERS.normal(size=(60, 3))).__getstate__(), strict=True))
    nodes = np.frombuffer(parts["nodes"].tobytes(), np.dtype(_NODE)).copy()
    for place, which in (("root", 0), ("leaf", -1)):
        for name, value in changes.pop(place, {}).items():
            nodes[which][name] = value
    parts["nodes"] = np.frombuffer(nodes.tobytes(), "S1")
    return tuple({**parts, **changes}.values())


def test_tree_without_a_state_asks() -> None:
    """The first search would go by whatever stands in its memory."""
    assert asks(pickle.dumps(spatial.cKDTree, 2)[:-1] + b")\x81.")


def test_state_of_these_tests_is_silent() -> None:
    assert not asks(stream(state()))


@pytest.mark.parametrize(
    "changes",
    [
        {"root": {"less": 1 << 40}},
        {"root": {"greater": 1 << 40}},
        {"root": {"less": -5}},
        {"root": {"less": 0}},
        {"root": {"greater": 1}},
        {"leaf": {"split_dim": 0, "less": 1, "greater": 2}},
        {"leaf": {"split_dim": 3}},
        {"leaf": {"split_dim": -2}},
        {"leaf": {"start": -1}},
        {"leaf": {"end": 61}},
        {"leaf": {"start": 50, "end": 40, "children": -10}},
        {"leaf": {"children": 1 << 40}},
        {"root": {"split_dim": -1}},
        {"nodes": np.zeros(0, "S1")},
        {"nodes": np.zeros(71, "S1")},
        {"nodes": np.zeros((1, 72), "S1")},
        {"nodes": np.zeros(72, "i1")},
        {"indices": np.arange(60) + 1},
        {"indices": np.arange(60) - 1},
        {"indices": np.arange(59)},
        {"indices": np.arange(60, dtype="i4")},
        {"indices": np.arange(60, dtype=">i8")},
        {"points": np.zeros((59, 3))},
        {"points": np.zeros((60, 3), "f4")},
        {"points": np.zeros((60, 3), order="F")},
        {"points": np.zeros((20, 9))},
        {"count": 61},
        {"count": -1},
        {"dimensions": 4},
        {"dimensions": 0},
        {"leafsize": 0},
        {"maxes": np.zeros(2)},
        {"mins": np.zeros(2)},
        {"boxsize": np.zeros(3)},
        {"boxes": np.zeros(6)},
        {"boxsize": np.zeros(3), "boxes": np.zeros(5)},
    ],
    ids=str,
)
@pytest.mark.parametrize("protocol", [2, 5])
def test_tree_that_reaches_past_its_memory_asks(changes: dict[str, Any], protocol: int) -> None:
    assert asks(stream(state(**changes), protocol))


@pytest.mark.parametrize("changes", [{"root": {"less": 1 << 40}}, {"root": {"less": 0}}], ids=["far away", "in a circle"])
def test_such_a_tree_ends_the_process_without_a_guard(changes: dict[str, Any]) -> None:
    data = stream(state(**changes))
    done = subprocess.run(
        [sys.executable, "-c", "import pickle, sys; pickle.loads(sys.stdin.buffer.read())"],
        input=data,
        capture_output=True,
        check=False,
    )
    assert done.returncode < 0
    assert asks(data)


def test_nodes_that_are_deeper_than_a_stack_ask() -> None:
    count = 5001  # each inner node has a leaf and the next inner node
    nodes = np.zeros(count, np.dtype(_NODE))
    place = np.arange(count)
    nodes["split_dim"] = -(place % 2) - (place == count - 1) * (place % 2 == 0)
    nodes["less"], nodes["greater"] = place + 1, place + 2
    parts = list(state())
    parts[0] = np.frombuffer(nodes.tobytes(), "S1")
    assert asks(stream(tuple(parts)))
    nodes = nodes[:101]
    nodes["split_dim"][-1] = -1
    parts[0] = np.frombuffer(nodes.tobytes(), "S1")
    assert not asks(stream(tuple(parts)))


@pytest.mark.parametrize("protocol", [3, 4])
def test_nodes_that_the_trace_passed_over_are_looked_at(protocol: int) -> None:
    """They stand in the stream before it says that they are those of a tree."""
    parts = spatial.cKDTree(points(20_000)).__getstate__()
    assert parts[0].nbytes >= SKIP_AT_LEAST
    assert not asks(stream(parts, protocol, behind=parts[0]))
    assert not asks(stream(parts, protocol, before=parts[0]))
    for place in (0, -1):
        nodes = np.frombuffer(parts[0].tobytes(), np.dtype(_NODE)).copy()
        nodes["end"][place] = 1 << 40
        wrong = np.frombuffer(nodes.tobytes(), "S1")
        assert asks(stream((wrong, *parts[1:]), protocol))
        assert asks(stream((wrong, *parts[1:]), protocol, before=wrong))
        places = parts[7].copy()
        places[place] = 20_000
        assert asks(stream((*parts[:7], places, *parts[8:]), protocol, before=places))


def test_nodes_in_bytes_that_could_be_changed_before_the_tree_was_named_ask() -> None:
    """Protocol 5 keeps arrays that can be written in bytes that an opcode can change, and nothing tells whether one did."""
    parts = spatial.cKDTree(points(20_000)).__getstate__()
    writable = np.frombuffer(bytearray(parts[0].tobytes()), "S1")
    assert asks(stream((writable, *parts[1:]), 5, before=writable))
    assert not asks(stream((writable, *parts[1:]), 5))


@pytest.mark.parametrize("place", [0, -1])
def test_wrong_numbers_of_a_large_tree_in_joblib_ask(place: int) -> None:
    joblib = pytest.importorskip("joblib")
    parts = list(spatial.cKDTree(points(20_000)).__getstate__())
    parts[7] = parts[7].copy()
    parts[7][place] = 20_000
    file = io.BytesIO()
    made = spatial.cKDTree.__new__(spatial.cKDTree)

    class Pickler(joblib.numpy_pickle.NumpyPickler):  # type: ignore[misc]
        def save_reduce(self, *arguments: Any, **options: Any) -> None:
            if options.get("obj") is made:
                arguments = (copyreg.__newobj__, (spatial.cKDTree,), tuple(parts))  # type: ignore[attr-defined]
            super().save_reduce(*arguments, **options)

        def save(self, value: Any) -> None:
            if value is made:
                self.save_reduce(obj=value)
            else:
                super().save(value)

    Pickler(file).dump(made)
    assert asks(file.getvalue(), "joblib")
    file.seek(0)
    file.truncate()
    parts[7][place] = 0
    Pickler(file).dump(made)
    assert not asks(file.getvalue(), "joblib")


def test_list_of_points_that_changes_after_the_tree_took_it_asks() -> None:
    """Protocol 5 keeps an array in bytes that an opcode can change, and scipy goes by the very memory."""
    parts = list(state())
    parts[7] = np.frombuffer(bytearray(parts[7].tobytes()), "<i8")
    data = stream(tuple(parts), 5)
    assert not asks(data)
    plain = data[:2] + data[11:]  # without its one frame, which an opcode more would not fit into
    place = -1
    for opcode, argument, _ in pickletools.genops(plain):
        place += opcode.name == "MEMOIZE"
        if opcode.name == "BYTEARRAY8" and len(argument) == 8 * 60:
            break
    change = b"h" + bytes([place + 1]) + b"K\x07K\xffs0"  # the highest byte of the first number
    assert not asks(plain)
    assert asks(plain[:-1] + change + b".")


@pytest.mark.parametrize(
    ("old", "new"), [(b"K\x3cK\x03\x86", b"NK\x03\x86"), (b"K\x3cK\x03\x86", b"J\xff\xff\xff\xffK\x03\x86"), (b"\x89B", b"NB")]
)
def test_array_that_numpy_would_not_write_asks(old: bytes, new: bytes) -> None:
    data = stream(state(), 3)
    assert data.count(old)
    assert asks(data.replace(old, new))
