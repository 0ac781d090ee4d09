"""The wrappers and the floor with a gate that answers at once: what is held, what passes, what is put back."""

import collections
import concurrent.futures
import datetime as dt
import importlib
import io
import marshal
import multiprocessing
import os
import pickle
import threading

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.hooks.floor import FLOOR
from jupyter_modelguard.hooks.scopes import LoadHeld, Mode, Scope

EARLY = {"load": pickle.load, "loads": pickle.loads, "Unpickler": pickle.Unpickler}
WAYS = {
    "load": lambda data: pickle.load(io.BytesIO(data)),
    "loads": lambda data: pickle.loads(data),  # noqa: PLW0108 looked up when it runs
    "loads of a bytearray": lambda data: pickle.loads(bytearray(data)),
    "Unpickler": lambda data: pickle.Unpickler(io.BytesIO(data)).load(),
    "the Python Unpickler": lambda data: pickle._Unpickler(io.BytesIO(data)).load(),
    "a subclass": lambda data: type("Mine", (pickle.Unpickler,), {})(io.BytesIO(data)).load(),
    "a subclass that resolves for itself": lambda data: type(
        "Mine", (pickle.Unpickler,), {"find_class": lambda _, module, name: getattr(importlib.import_module(module), name)}
    )(io.BytesIO(data)).load(),
}


@pytest.mark.parametrize("way", WAYS)
def test_armed_stream_runs_without_the_guard(way, armed, canary):
    WAYS[way](armed)
    assert canary.exists()


@pytest.mark.parametrize("way", WAYS)
def test_armed_stream_is_held(way, gate, armed, canary):
    with pytest.raises(ModelLoadBlockedError):
        WAYS[way](armed)
    assert not canary.exists()


@pytest.mark.parametrize("way", WAYS)
def test_approved_stream_runs(way, gate, armed, canary):
    gate.approve = True
    assert WAYS[way](armed)["weights"] == [1, 2]
    assert canary.exists()
    assert gate.kinds()[-1] == "settled"


@pytest.mark.parametrize("way", WAYS)
def test_proved_stream_loads(way, gate):
    value = [dt.date(2024, 2, 29), collections.OrderedDict(a=1)]
    assert WAYS[way](pickle.dumps(value)) == value


def test_names_bound_before_the_guard_are_held_by_the_floor(gate, armed, canary):
    ways = (
        lambda: EARLY["loads"](armed),
        lambda: EARLY["load"](io.BytesIO(armed)),
        lambda: EARLY["Unpickler"](io.BytesIO(armed)).load(),
    )
    for way in ways:
        with pytest.raises(LoadHeld):
            way()
    assert not canary.exists()


def test_refusal_that_no_wrapper_sees_tells_the_guard(armed, closed, canary):
    told = []
    FLOOR.open(closed, lambda *_: False, lambda *_: None, lambda *about: told.append(about) or LoadHeld("how to go on"))
    try:
        with pytest.raises(LoadHeld, match="how to go on"):
            exec("EARLY['loads'](armed)", {"__name__": "__main__", "EARLY": EARLY, "armed": armed})
    finally:
        FLOOR.close()
    assert told == [("__main__", "posix.system")]
    assert not canary.exists()


def test_plain_data_and_closed_globals_pass_unlooked_at(gate):
    assert pickle.loads(pickle.dumps({"a": [1, 2.5, "x", b"y", None, (1,), {3}]})) == {"a": [1, 2.5, "x", b"y", None, (1,), {3}]}
    pickle.loads(pickle.dumps(collections.OrderedDict(a=1)))
    assert gate.events == []
    assert next(gate.counted["pickle.loads"]) == 2


def test_file_is_left_where_the_plain_load_leaves_it(gate, tmp_path):
    date = pickle.dumps(dt.date(2024, 2, 29))
    path = tmp_path / "several.pkl"
    path.write_bytes(date + pickle.dumps("between") + date + b"rest")
    for open_it in (lambda: path.open("rb"), lambda: path.open("rb", buffering=0), lambda: io.BytesIO(path.read_bytes())):
        with open_it() as file:
            assert pickle.load(file) == dt.date(2024, 2, 29)
            assert pickle.load(file) == "between"
            assert pickle.Unpickler(file).load() == dt.date(2024, 2, 29)
            assert file.read() == b"rest"


def test_one_unpickler_reads_several_streams_with_one_memo(gate):
    buffer = io.BytesIO()
    pickler = pickle.Pickler(buffer)
    shared = ["shared"]
    for value in (shared, dt.date(2024, 2, 29), shared):
        pickler.dump(value)
    buffer.seek(0)
    unpickler = pickle.Unpickler(buffer)
    first = unpickler.load()
    assert unpickler.load() == dt.date(2024, 2, 29)
    assert unpickler.load() is first


def test_pipe_gives_up_exactly_one_stream(gate):
    stream = pickle.dumps(dt.date(2024, 2, 29))
    reading, writing = os.pipe()
    os.write(writing, stream + pickle.dumps("next"))
    with os.fdopen(reading, "rb") as file:
        assert pickle.load(file) == dt.date(2024, 2, 29)
        assert pickle.load(file) == "next"
    os.close(writing)


def test_loaders_own_errors_come_through(gate):
    with pytest.raises(EOFError):
        pickle.load(io.BytesIO(b""))
    with pytest.raises(pickle.UnpicklingError):
        pickle.loads(b"no pickle at all")
    with pytest.raises((EOFError, pickle.UnpicklingError)):
        pickle.loads(pickle.dumps([1, 2, 3])[:-1])
    assert gate.kinds() == ["failed"] * 3


def test_load_that_goes_beyond_its_permit_is_stopped(gate, touch, canary):
    """The bytes change between the look and the load: what was not looked at is not resolved."""
    honest = pickle.dumps(dt.date(2024, 2, 29))

    class Shifty(io.BytesIO):
        looks = 0

        def read(self, size=-1):
            self.looks += 1
            return super().read(size)

    gate.inert |= {("builtins", "eval")}  # as if it had been proved
    nested = pickle.dumps(touch)
    stream = (
        b"cbuiltins\neval\n(" + pickle.dumps(f"__import__('pickle').loads({nested!r})", 0)[:-1].replace(b"p0\n", b"") + b"tR."
    )
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(stream)
    assert not canary.exists()
    assert pickle.load(Shifty(honest)) == dt.date(2024, 2, 29)


def test_bytecode_is_read_by_imports_alone(gate):
    data = marshal.dumps(compile("1", "<test>", "eval"))
    with pytest.raises(LoadHeld), Scope(Mode.PROVED):
        marshal.loads(data)
    read_bytecode = importlib._bootstrap_external._compile_bytecode
    with Scope(Mode.PROVED):
        assert read_bytecode(data, "test", "test.pyc").co_filename == "<test>"


def test_refusal_swallowed_by_a_library_is_raised_all_the_same(gate, touch, canary):
    gate.inert |= {("builtins", "eval")}  # as if it had been proved
    script = f"try:\n __import__('pickle').loads({pickle.dumps(touch)!r})\nexcept BaseException: pass"
    code = f"exec({script!r})"
    stream = b"\x80\x04cbuiltins\neval\n" + b"X" + len(code.encode()).to_bytes(4, "little") + code.encode() + b"\x85R."
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(stream)
    assert not canary.exists()


def test_name_that_is_no_exact_str_is_refused(gate):
    class Two(str):
        __slots__ = ()

    class Sly(pickle._Unpickler):
        def find_class(self, module, name):
            return super().find_class(Two(module), name)

    with pytest.raises((ModelLoadBlockedError, LoadHeld)):
        EARLY["Unpickler"](io.BytesIO(b"\x80\x04")).find_class(Two("collections"), "OrderedDict")


def test_processes_and_pools_never_notice(gate):
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
        assert pool.submit(dt.date.today).result() == dt.date.today()
    queue = multiprocessing.get_context("fork").Queue()
    queue.put(os.system)
    assert queue.get() is os.system
    queue.close()
    assert gate.events == []


def test_threads_do_not_share_scopes(gate, armed):
    outcomes = []

    def honest():
        outcomes.extend(pickle.loads(pickle.dumps(dt.date(2024, 2, 29))).year for _ in range(200))

    def attacked():
        for _ in range(200):
            try:
                pickle.loads(armed)
            except ModelLoadBlockedError:
                outcomes.append("held")

    threads = [threading.Thread(target=target) for target in (honest, attacked, honest, attacked)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(2024) == 400
    assert outcomes.count("held") == 400
