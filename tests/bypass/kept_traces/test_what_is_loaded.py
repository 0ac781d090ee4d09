"""A trace that is found says something of the very bytes that are loaded, and of no others."""

import fractions
import pickle
import zlib

import pytest

from jupyter_modelguard.artifacts.parts_read import MOST_COMPARED
from jupyter_modelguard.artifacts.reach import Reached
from jupyter_modelguard.artifacts.unpacked import FIRST_PART, Unpacked
from jupyter_modelguard.engines.kept_traces import KeptTraces
from jupyter_modelguard.engines.trace_cache import TraceCache
from jupyter_modelguard.errors import ModelLoadBlockedError

from kept import Counting, kept  # isort: skip


@pytest.fixture
def guarded(hold, places):
    """A guard that finds what earlier kernels traced."""

    def start():
        made = hold()
        made.traces._kept = KeptTraces(lambda: places[0], lambda: places[1])
        made.traces.clear()
        return made

    return start


def honest_array(length):
    return pickle.dumps([bytearray(length), {"of": "an earlier kernel"}], 5)


@pytest.mark.parametrize("length", [10, 3 * MOST_COMPARED], ids=["small", "large"])
def test_file_that_is_swapped_as_its_trace_is_found_is_read_as_it_was(
    length, guarded, kernel, tmp_path, armed, canary, monkeypatch
):
    honest = pickle.dumps([fractions.Fraction(1, 2), [str(number) for number in range(length // 8)]], 5)
    path = tmp_path / "weights.pkl"
    path.write_bytes(pickle.dumps(armed))
    pickle.loads(path.read_bytes())
    assert canary.exists(), "the attack does not work"
    canary.unlink()

    kernel()[0](honest)
    path.write_bytes(honest)
    guarded()
    find, found = KeptTraces.find, []

    def find_then_swap(*arguments):
        found.append(find(*arguments))
        path.write_bytes(pickle.dumps(armed).ljust(len(honest), b"\0"))
        return found[-1]

    monkeypatch.setattr(KeptTraces, "find", find_then_swap)
    with path.open("rb") as file:
        loaded = pickle.load(file)
    assert found[0] is not None
    assert len(loaded[1]) == length // 8
    assert not canary.exists()


def test_trace_found_for_one_file_says_nothing_of_its_neighbour_of_the_same_size(guarded, kernel, armed, canary):
    body = pickle.dumps(armed)
    honest = pickle.dumps(["x" * (len(body) - len(pickle.dumps([""])))])
    assert len(honest) == len(body)
    kernel()[0](honest)
    guarded()
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(body)
    assert not canary.exists()


def test_trace_of_a_large_file_whose_payloads_were_passed_over_is_not_kept_by_its_place(kernel, places, tmp_path):
    """Such a trace is bound to bytes that were compared, and the next kernel has nothing to compare with."""
    path = tmp_path / "large.pkl"
    path.write_bytes(honest_array(3 * MOST_COMPARED))
    worker = Counting()
    cache = TraceCache(worker, KeptTraces(lambda: places[0], lambda: places[1]))
    with Reached.at_path(str(path)) as reached:
        assert cache.trace(reached, "pickle").parts is not None
    assert kept(places) == []


def test_no_more_is_unpacked_to_know_a_file_by_its_content(tmp_path):
    """Behind the end of a stream there may be any number of bytes, which no loader unpacks."""
    stream, path = pickle.dumps([f"name {number}" for number in range(250_000)]), tmp_path / "small.joblib"
    assert len(stream) > MOST_COMPARED
    packing = zlib.compressobj(1)
    with path.open("wb") as file:
        for piece in [stream, *[bytes(1 << 20)] * 80]:
            file.write(packing.compress(piece))
        file.write(packing.flush())
    cache = TraceCache(Counting())
    for _ in range(2):
        with Unpacked.of(Reached.at_path(str(path))) as reached:
            assert reached.size == FIRST_PART
            assert cache.trace(reached, "joblib").copy is not None
            assert reached.size == FIRST_PART
