"""A trace is remembered for the very same bytes, and for nothing else."""

import pickle

import pytest

from jupyter_modelguard.artifacts.parts_read import MOST_COMPARED
from jupyter_modelguard.artifacts.reach import Reached
from jupyter_modelguard.engines import trace_cache
from jupyter_modelguard.engines.trace_cache import TraceCache

from kept import Counting  # isort: skip


@pytest.fixture
def worker():
    return Counting()


def test_same_bytes_are_traced_once(worker, tmp_path):
    path = tmp_path / "set.pkl"
    path.write_bytes(pickle.dumps({1, 2}))
    cache = TraceCache(worker)
    with Reached.at_path(str(path)) as reached:
        first = cache.trace(reached, "pickle")
    with Reached.of_bytes(path.read_bytes()) as reached:
        assert cache.trace(reached, "pickle") is first
    assert worker.asked == 1


def test_other_bytes_and_other_dialects_are_traced_again(worker):
    cache = TraceCache(worker)
    for data, dialect in ((pickle.dumps(1), "pickle"), (pickle.dumps(2), "pickle"), (pickle.dumps(1), "joblib")):
        with Reached.of_bytes(data) as reached:
            cache.trace(reached, dialect)
    assert worker.asked == 3


def test_file_that_changes_under_the_worker_is_not_remembered(worker, tmp_path):
    path = tmp_path / "swapped.pkl"
    path.write_bytes(pickle.dumps([1, 2, 3]))
    worker.before = lambda: path.write_bytes(pickle.dumps([9, 9, 9]))
    cache = TraceCache(worker)
    with Reached.at_path(str(path)) as reached:
        cache.trace(reached, "pickle")
    path.write_bytes(pickle.dumps([1, 2, 3]))
    worker.before = lambda: None
    with Reached.at_path(str(path)) as reached:
        trace = cache.trace(reached, "pickle")
    assert worker.asked == 2
    assert trace.copy.segments[0][1] == pickle.dumps([1, 2, 3])


def test_broken_and_large_streams_are_never_remembered(worker, monkeypatch):
    cache = TraceCache(worker)
    monkeypatch.setattr(trace_cache, "MOST_COMPARED", 1000)
    monkeypatch.setattr(trace_cache, "_HASHED", 1000)
    for data in (pickle.dumps([1, 2])[:-1], pickle.dumps("x" * 2000)):
        for _ in range(2):
            with Reached.of_bytes(data) as reached:
                cache.trace(reached, "pickle")
    assert worker.asked == 4


@pytest.fixture
def large(tmp_path):
    """A file of which most is passed over."""
    path = tmp_path / "large.pkl"
    path.write_bytes(pickle.dumps(["first", bytes(3 * MOST_COMPARED), "second"], 5))
    return path


def traced(cache, path):
    with Reached.at_path(str(path)) as reached:
        return cache.trace(reached, "pickle")


def test_large_file_is_traced_once_whatever_its_payloads_hold(worker, large):
    cache = TraceCache(worker)
    first = traced(cache, large)
    content = large.read_bytes()
    large.write_bytes(content[: len(content) // 2] + b"x" + content[len(content) // 2 + 1 :])
    assert traced(cache, large) is first
    assert worker.asked == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"first", b"First"), (b"second", b"Second"), (b"second\x94e.", b"second\x94e..")],
    ids=["head", "tail", "size"],
)
def test_large_file_that_changed_where_it_was_read_is_traced_again(worker, large, old, new):
    cache = TraceCache(worker)
    traced(cache, large)
    large.write_bytes(large.read_bytes().replace(old, new))
    again = traced(cache, large)
    assert worker.asked == 2
    assert any(new.rstrip(b".") in data for _, data in again.copy.segments)


def test_large_file_that_changes_between_the_look_and_the_comparison_is_never_taken_for_the_old_one(worker, large):
    """What is compared is the file that the load has open, whatever lies at its path by then."""
    cache = TraceCache(worker)
    first = traced(cache, large)
    armed = large.read_bytes().replace(b"first", b"armed")
    large.unlink()
    large.write_bytes(armed)
    with Reached.at_path(str(large)) as reached:
        large.write_bytes(armed.replace(b"armed", b"ARMED"))
        assert cache.trace(reached, "pickle") is not first
    assert worker.asked == 2


@pytest.fixture
def numbers(tmp_path):
    """A file all of which is read."""
    path = tmp_path / "numbers.pkl"
    path.write_bytes(pickle.dumps(list(range(1 << 20))))
    assert path.stat().st_size > MOST_COMPARED
    return path


def test_file_of_which_much_is_read_is_known_by_its_content(worker, numbers):
    cache = TraceCache(worker)
    first = traced(cache, numbers)
    assert first.parts is None
    assert traced(cache, numbers) is first
    content = numbers.read_bytes()
    numbers.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
    assert traced(cache, numbers) is not first
    assert worker.asked == 2


def test_file_that_is_too_large_to_hash_is_traced_again(worker, numbers, monkeypatch):
    monkeypatch.setattr(trace_cache, "_HASHED", MOST_COMPARED)
    cache = TraceCache(worker)
    traced(cache, numbers)
    traced(cache, numbers)
    assert worker.asked == 2


def test_what_was_not_used_for_longest_goes_first(worker, monkeypatch):
    monkeypatch.setattr(trace_cache, "_ALL", 250)
    cache = TraceCache(worker)
    streams = [pickle.dumps(str(number) * 90) for number in range(3)]
    for data in (streams[0], streams[1], streams[0], streams[2], streams[0]):
        with Reached.of_bytes(data) as reached:
            cache.trace(reached, "pickle")
    assert worker.asked == 3
    with Reached.of_bytes(streams[1]) as reached:
        cache.trace(reached, "pickle")
    assert worker.asked == 4
