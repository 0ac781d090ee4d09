"""What makes traffic cheap covers traffic alone: its plain loaders in other hands, and modules that only bear its names, are held.

The floor remembers the namespaces of modules that it found to unpickle traffic. Each test lets real traffic pass first, so that there is
something to remember.
"""

import contextlib
import copyreg
import multiprocessing
import multiprocessing.connection
import multiprocessing.reduction
import pickle
import types

import pytest

from jupyter_modelguard.artifacts import trusted_paths
from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.hooks.scopes import LoadHeld

HELD = (ModelLoadBlockedError, LoadHeld)
UNKNOWN = pickle.dumps(copyreg._reconstructor)  # on no list


def pass_through_a_pipe(value):
    receiver, sender = multiprocessing.Pipe(duplex=False)
    with receiver, sender:
        sender.send(value)
        return receiver.recv()


@pytest.fixture
def known(hold):
    """A guard that knows the traffic of multiprocessing."""
    running = hold()
    for _ in range(2):
        assert pass_through_a_pipe(copyreg._reconstructor) is copyreg._reconstructor
    return running


BORROWED = {
    "by its class": multiprocessing.reduction.ForkingPickler.loads,
    "by the name of another module": multiprocessing.connection._ForkingPickler.loads,
    "by a method of a subclass": lambda data: type("Mine", (multiprocessing.reduction.ForkingPickler,), {}).loads(data),
}


@pytest.mark.parametrize("way", BORROWED)
def test_plain_loader_of_traffic_is_held_in_other_hands(way, known, armed, canary):
    data = pickle.dumps(armed)
    with pytest.raises(HELD):
        BORROWED[way](data)
    assert not canary.exists()
    assert BORROWED[way](pickle.dumps([1, 2])) == [1, 2]


def test_borrowed_loader_runs_the_file_without_the_guard(armed, canary):
    BORROWED["by its class"](pickle.dumps(armed))
    assert canary.exists()


def test_unknown_global_is_held_as_well(known):
    with pytest.raises(HELD):
        multiprocessing.reduction.ForkingPickler.loads(UNKNOWN)


@pytest.mark.parametrize("place", ["/tmp/reader.py", "<ipython-input-1>"])
def test_module_that_bears_the_name_of_traffic_is_held(place, known, armed, canary):
    claims = types.ModuleType("multiprocessing.connection")
    claims.loads = multiprocessing.reduction.ForkingPickler.loads
    if place.startswith("<"):
        claims.__name__ = "__main__"
    exec(compile("def read(data):\n    return loads(data)\n", place, "exec"), vars(claims))
    with pytest.raises(HELD):
        claims.read(pickle.dumps(armed))
    assert not canary.exists()


def test_name_that_cannot_be_looked_up_is_held(known, armed, canary):
    namespace = {"__name__": [], "loads": multiprocessing.reduction.ForkingPickler.loads}
    exec(compile("def read(data):\n    return loads(data)\n", "/tmp/reader.py", "exec"), namespace)
    with pytest.raises(HELD):
        namespace["read"](pickle.dumps(armed))
    assert not canary.exists()


def test_known_traffic_is_held_once_the_guard_is_strict(known):
    known.be_strict(True)
    with pytest.raises(HELD):
        pass_through_a_pipe(copyreg._reconstructor)
    known.be_strict(False)
    assert pass_through_a_pipe(copyreg._reconstructor) is copyreg._reconstructor


def test_library_that_traffic_calls_is_no_traffic(known, monkeypatch, armed, canary):
    """A module between the unpickler and the traffic answers for itself."""
    place = f"{trusted_paths.trusted_roots()[0]}some_library/reading.py"
    library = types.ModuleType("some_library.reading")
    library.loads = multiprocessing.reduction.ForkingPickler.loads
    exec(compile("def read(data):\n    return loads(data)\n", place, "exec"), vars(library))
    monkeypatch.setattr(
        multiprocessing.connection,
        "_ForkingPickler",
        types.SimpleNamespace(dumps=multiprocessing.reduction.ForkingPickler.dumps, loads=library.read),
    )
    with contextlib.suppress(LoadHeld):
        pass_through_a_pipe(armed)
    assert not canary.exists()
