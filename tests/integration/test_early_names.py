"""Loaders and readers that were bound or made before the guard: held, and honest use of them unharmed."""

import collections
import concurrent.futures
import copyreg
import datetime as dt
import importlib
import io
import pickle
import sys
import threading

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.hooks.scopes import LoadHeld

EARLY = (pickle.Unpickler, pickle.loads)  # where no rebinding finds them
HELD = (ModelLoadBlockedError, LoadHeld)


class Plain(pickle.Unpickler):
    pass


class Renaming(pickle.Unpickler):
    """As people write it when a module has moved."""

    def find_class(self, module, name):
        return super().find_class("collections" if module == "old_collections" else module, name)


class Resolving(pickle.Unpickler):
    """Resolves by itself: the interpreter raises no event at all."""

    def find_class(self, module, name):
        return getattr(importlib.import_module(module), name)


class ResolvingInSlots(pickle.Unpickler):
    __slots__ = ()

    def find_class(self, module, name):
        return getattr(importlib.import_module(module), name)


class Twisting(pickle.Unpickler):
    """Makes something else of what was looked at."""

    def find_class(self, module, name):
        if (module, name) == ("datetime", "date"):
            import os

            return lambda *_: os.system(f"touch '{self.canary}'")
        return super().find_class(module, name)


READERS = [Plain, Renaming, Resolving, ResolvingInSlots]


@pytest.fixture
def data(armed):
    return pickle.dumps({"weights": [1.0], "extra": armed})


@pytest.mark.parametrize("reader", READERS)
def test_reader_made_before_the_guard_runs_without_it(reader, data, canary):
    reader(io.BytesIO(data)).load()
    assert canary.exists()


@pytest.mark.parametrize("reader", READERS)
def test_reader_made_before_the_guard_is_held(reader, data, canary, hold):
    hold()
    with pytest.raises(HELD):
        reader(io.BytesIO(data)).load()
    assert not canary.exists()


@pytest.mark.parametrize("reader", READERS)
def test_instance_made_before_the_guard_is_held(reader, data, canary, hold):
    instance = reader(io.BytesIO(data))
    hold()
    with pytest.raises(HELD):
        instance.load()
    assert not canary.exists()


@pytest.mark.parametrize("reader", [Plain, Renaming, Resolving])
def test_honest_stream_of_such_a_reader_is_proved(reader, hold):
    value = [dt.date(2024, 2, 29), collections.OrderedDict(a=1)]
    running = hold()
    assert reader(io.BytesIO(pickle.dumps(value))).load() == value
    assert running.outcomes() == [("pickle.Unpickler", "loaded")]


def test_such_a_reader_is_as_it_was_after_the_guard(hold, worker):
    running = hold()
    assert Plain.__bases__ != EARLY[:1]
    assert issubclass(Plain, pickle.Unpickler)
    running.guard.close()
    assert Plain.__bases__ == EARLY[:1]
    assert pickle.Unpickler is EARLY[0]


def test_class_made_while_guarded_reads_as_before_after_the_guard(hold, data, canary):
    running = hold()

    class Mine(pickle.Unpickler):
        def find_class(self, module, name):
            return super().find_class(module, name)

    running.guard.close()
    Mine(io.BytesIO(data)).load()
    assert canary.exists()


def test_override_gets_only_what_was_looked_at(hold, canary):
    hold()
    reader = Twisting(io.BytesIO(pickle.dumps(dt.date(2024, 2, 29))))
    reader.canary = canary
    with pytest.raises(ModelLoadBlockedError, match="something else"):
        reader.load()
    assert not canary.exists()


def test_what_an_override_does_runs_without_the_guard_s_limits(hold, tmp_path, monkeypatch):
    (tmp_path / "moved_classes.py").write_text("import subprocess, sys\nsubprocess.run([sys.executable, '-c', ''], check=True)\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    class Importing(pickle.Unpickler):
        def find_class(self, module, name):
            importlib.import_module("moved_classes")
            return super().find_class(module, name)

    hold()
    assert Importing(io.BytesIO(pickle.dumps(dt.date(2024, 2, 29)))).load().year == 2024
    assert "moved_classes" in sys.modules
    del sys.modules["moved_classes"]


@pytest.mark.parametrize("inner", [pickle.loads, lambda data: pickle.loads(data)])  # noqa: PLW0108
def test_load_within_an_override_is_held(inner, hold, data, canary):
    class Nesting(pickle.Unpickler):
        def find_class(self, module, name):
            inner(data)
            return super().find_class(module, name)

    stream = pickle.dumps(dt.date(2024, 2, 29))
    Nesting(io.BytesIO(stream)).load()
    canary.unlink()
    hold()
    with pytest.raises(HELD):
        Nesting(io.BytesIO(stream)).load()
    assert not canary.exists()


def persistent_stream(armed):
    """A stream whose persistent id stands for something that it then calls."""
    return b"\x80\x04\x8c\x06systemQ" + pickle.dumps((f"touch '{armed.canary}'",), 4)[2:-1] + b"R."


SETS_NONE = pytest.mark.skipif(sys.version_info >= (3, 13), reason="from Python 3.13 on nobody can set it on a plain reader")


@pytest.mark.parametrize("own", [pytest.param(False, marks=SETS_NONE), True])
def test_persistent_ids_that_stand_for_functions_are_asked_about(own, hold, armed, canary):
    import os

    registry = {"system": os.system}

    def load():
        if own:

            class Mine(pickle.Unpickler):
                def persistent_load(self, pid):
                    return registry[pid]

            return Mine(io.BytesIO(persistent_stream(armed))).load()
        reader = pickle.Unpickler(io.BytesIO(persistent_stream(armed)))
        reader.persistent_load = registry.get
        return reader.load()

    load()
    canary.unlink()
    running = hold(says=False)
    with pytest.raises(ModelLoadBlockedError):
        load()
    assert not canary.exists()
    assert len(running.guard.approver.asked) == 1


def test_class_taken_from_the_accelerator_is_guarded_too(hold, data, canary):
    import _pickle

    hold()

    class Mine(_pickle.Unpickler):
        def find_class(self, module, name):
            return getattr(importlib.import_module(module), name)

    with pytest.raises(HELD):
        Mine(io.BytesIO(data)).load()
    assert not canary.exists()


def test_early_name_in_a_module_of_the_user_is_held(hold, tmp_path, monkeypatch):
    # it is bound where no rebinding finds it; only attribution holds it
    (tmp_path / "readers_of_mine.py").write_text(
        "from pickle import loads\n\nclass Reader:\n    load = staticmethod(loads)\n\ndef read(data):\n    return Reader.load(data)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    mine = importlib.import_module("readers_of_mine")
    stream = pickle.dumps(copyreg._reconstructor)
    assert mine.read(stream) is copyreg._reconstructor
    hold()
    with pytest.raises(LoadHeld):
        mine.read(stream)
    assert mine.read(pickle.dumps([1, collections.OrderedDict()])) == [1, collections.OrderedDict()]
    del sys.modules["readers_of_mine"]


def test_early_name_handed_to_a_pool_is_held(hold):
    stream = pickle.dumps(copyreg._reconstructor)
    hold()
    with concurrent.futures.ThreadPoolExecutor(1) as pool, pytest.raises(LoadHeld):
        pool.submit(EARLY[1], stream).result()


def test_early_name_as_the_target_of_a_thread_is_held(hold, monkeypatch):
    ends = []
    stream = pickle.dumps(copyreg._reconstructor)
    monkeypatch.setattr(threading, "excepthook", lambda error: ends.append(error.exc_type))
    hold()
    thread = threading.Thread(target=EARLY[1], args=(stream,))
    thread.start()
    thread.join()
    assert ends == [LoadHeld]


def test_module_planted_under_the_name_of_a_cache_is_user_code(hold, tmp_path, canary, data):
    # traffic is a module's name and a file of a library
    namespace = {"__name__": "parso.cache", "loads": EARLY[1]}
    code = compile("def read(data):\n    return loads(data)\n", str(tmp_path / "parso" / "cache.py"), "exec")
    exec(code, namespace)
    hold()
    with pytest.raises(LoadHeld):
        namespace["read"](data)
    assert not canary.exists()
