"""Small files that cost much: a scan survives them, and a load of plain data is what it was without the guard."""

import pickle

import pytest

from jupyter_modelguard.artifacts.source import StreamSource
from jupyter_modelguard.engines.inspection import inspect_open
from jupyter_modelguard.engines.worker import Worker
from jupyter_modelguard.policy.evaluate import evaluate


def tuples_as_a_key(depth=40):
    """A tuple of two of the tuple before, forty times: its hash visits every path, beyond the reach of Ctrl-C."""
    pairs = b"".join(b"0h%ch%c\x86\x94" % (place, place) for place in range(depth))
    return b"\x80\x04K\x01\x94" + pairs + b"0}h%cNs." % depth


def nested_key(depth=150_000):
    return b"\x80\x04}" + b")" + b"\x85" * depth + b"Ns."


def memo_bomb():
    return b"\x80\x04Nr\xff\xff\xff\x7f."


def long_string():
    return b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7f."


def large_range():
    return b"\x80\x04cbuiltins\nlist\ncbuiltins\nrange\n\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x85R\x85R."


def decimal_bomb():
    return b"\x80\x04cdecimal\nDecimal\n\x8c\x0b1e999999999\x85R}h\x00Ns."


def number_bomb():
    return b"\x80\x04I" + b"9" * 400_000 + b"\n."


def bytes_bomb():
    return b"\x80\x04cbuiltins\nbytearray\n\x8a\x08\xff\xff\xff\xff\xff\x00\x00\x00\x85R."


BOMBS = [tuples_as_a_key, nested_key, memo_bomb, long_string, large_range, decimal_bomb, number_bomb, bytes_bomb]


@pytest.fixture(scope="module")
def impatient():
    made = Worker(seconds=5)  # the start of the process is in it
    yield made
    made.close()


@pytest.mark.parametrize("bomb", BOMBS)
def test_scan_survives(bomb, impatient):
    trace = impatient.trace(StreamSource(data=bomb()), "pickle")
    assert evaluate(inspect_open(trace).report).level.asks
    again = impatient.trace(StreamSource(data=pickle.dumps([1])), "pickle")
    assert not evaluate(inspect_open(again).report).level.asks


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_data_loads_as_without_a_guard(protocol, hold):
    deep = None
    for _ in range(400):
        deep = [deep]
    wide = dict.fromkeys(range(20_000), ("word",) * 9)
    shared = [wide] * 1000
    hold()
    assert pickle.loads(pickle.dumps([deep, wide, shared], protocol))[1] == wide


@pytest.mark.parametrize("bomb", [memo_bomb, long_string, number_bomb])
def test_broken_plain_data_ends_as_without_a_guard(bomb, hold):
    def outcome():
        try:
            return repr(pickle.loads(bomb()))
        except (ValueError, MemoryError, OverflowError, pickle.UnpicklingError, EOFError) as error:
            return type(error)

    before = outcome()
    hold()
    assert outcome() == before
