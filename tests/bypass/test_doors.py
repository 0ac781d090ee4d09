"""Every way in, also the ones that a guard forgets: the Python twins, copies of the module, reloads, other libraries' names for it.

https://github.com/trailofbits/fickling/security/advisories: GHSA-wccx-j62j-r448 and GHSA-fphw-536r-4p88.
"""

import importlib
import importlib.util
import io
import pickle
import sys

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.hooks.scopes import LoadHeld

from assembly import call, stream  # isort: skip

HELD = (ModelLoadBlockedError, LoadHeld)


@pytest.fixture(autouse=True)
def pickle_as_it_was():
    """Other tests must not meet the second `_Unpickler` that executing the module again makes: libraries keep the first."""
    kept = dict(vars(pickle))
    yield
    vars(pickle).update(kept)


def reloaded(data):
    return importlib.reload(pickle).loads(data)


def imported_again(data):
    kept = {name: sys.modules.pop(name) for name in ("pickle", "_pickle")}
    try:
        return importlib.import_module("pickle").loads(data)
    finally:
        sys.modules.update(kept)


def imported_again_in_c(data):
    kept = sys.modules.pop("_pickle")
    try:
        return importlib.import_module("_pickle").Unpickler(io.BytesIO(data)).load()
    finally:
        sys.modules["_pickle"] = kept


def from_a_spec(data):
    spec = importlib.util.find_spec("pickle")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module._loads(data)


def of(module, name):
    def load(data):
        return getattr(pytest.importorskip(module), name)(data)

    return load


def of_file(module, name, *arguments, **options):
    def load(data):
        return getattr(pytest.importorskip(module), name)(io.BytesIO(data), *arguments, **options)

    return load


def of_reader(module, name, **options):
    def load(data):
        return getattr(pytest.importorskip(module), name)(io.BytesIO(data), **options).load()

    return load


def with_dispatch(data):
    class Reader(pickle._Unpickler):
        dispatch = dict(pickle._Unpickler.dispatch)  # noqa: RUF012 as pickle itself has it

    return Reader(io.BytesIO(data)).load()


def opcode_by_opcode(data):
    """Drive the Python reader's own table, without its `load`."""
    reader = pickle._Unpickler(file := io.BytesIO(data))
    reader._unframer = pickle._Unframer(file.read, file.readline)
    reader.read, reader.readline, reader.readinto = reader._unframer.read, reader._unframer.readline, reader._unframer.readinto
    reader.metastack, reader.stack, reader.proto = [], [], 0
    reader.append = reader.stack.append
    while key := reader.read(1):
        reader.dispatch[key[0]](reader)


def of_forking(data):
    from multiprocessing.reduction import ForkingPickler

    return ForkingPickler.loads(data)


def of_shelf(data):
    import shelve

    return shelve.Shelf({b"weights": data})["weights"]


def with_buffers(data):
    return pickle.loads(data, buffers=[])


def mapped(data):
    return list(map(pickle.loads, [data]))


def in_a_thread(data):
    import threading

    caught = []

    def run():
        try:
            pickle.loads(data)
        except HELD as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if caught:
        raise caught[0]


def in_a_finalizer(data):
    import weakref

    class Thing:
        pass

    caught = []

    def last():
        try:
            pickle.loads(data)
        except HELD as error:
            caught.append(error)

    thing = Thing()
    weakref.finalize(thing, last)
    del thing
    if caught:
        raise caught[0]


DOORS = {
    "pickle.load": of_file("pickle", "load"),
    "pickle.loads": of("pickle", "loads"),
    "pickle._load": of_file("pickle", "_load"),
    "pickle._loads": of("pickle", "_loads"),
    "pickle.Unpickler": of_reader("pickle", "Unpickler"),
    "pickle._Unpickler": of_reader("pickle", "_Unpickler"),
    "_pickle.load": of_file("_pickle", "load"),
    "_pickle.loads": of("_pickle", "loads"),
    "_pickle.Unpickler": of_reader("_pickle", "Unpickler"),
    "cloudpickle.loads": of("cloudpickle", "loads"),
    "cloudpickle.load": of_file("cloudpickle", "load"),
    "dill.loads": of("dill", "loads"),
    "dill.load": of_file("dill", "load"),
    "dill.Unpickler": of_reader("dill", "Unpickler"),
    "joblib.load": of_file("joblib", "load"),
    "joblib's own reader": lambda data: (
        pytest.importorskip("joblib.numpy_pickle").NumpyUnpickler("name", io.BytesIO(data), True).load()
    ),
    "numpy.load": of_file("numpy", "load", allow_pickle=True),  # CVE-2019-6446
    "pandas.read_pickle": of_file("pandas", "read_pickle", compression=None),
    "pandas' own reader": of_reader("pandas.compat.pickle_compat", "Unpickler"),
    "pandas' own loads": of("pandas.compat.pickle_compat", "loads"),
    "statsmodels": of_file("statsmodels.iolib.smpickle", "load_pickle"),
    "srsly": of("srsly", "pickle_loads"),
    "a fork's reader": of_forking,
    "a shelf": of_shelf,
    "a reload": reloaded,
    "another import": imported_again,
    "another import of the C part": imported_again_in_c,
    "a copy of the module": from_a_spec,
    "a table of its own": with_dispatch,
    "opcode by opcode": opcode_by_opcode,
    "with buffers": with_buffers,
    "a map": mapped,
    "a thread": in_a_thread,
    "a finalizer": in_a_finalizer,
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("door", DOORS)
def test_door_is_held(door, hold, canary):
    data = stream(call("builtins:open", str(canary), "w"))
    load = DOORS[door]
    try:
        load(data)
    except HELD:
        raise
    except Exception:  # noqa: BLE001 some stumble over what comes out
        assert canary.exists()
    assert canary.exists(), "not a way in"
    canary.unlink()
    hold()
    with pytest.raises(HELD):
        load(data)
    assert not canary.exists()


def test_module_that_was_read_again_is_plain_once_the_guard_is_gone(hold, canary):
    data = stream(call("builtins:open", str(canary), "w"))
    made = hold()
    importlib.reload(pickle)
    made.close()
    importlib.reload(pickle)
    pickle.loads(data).close()
    from_a_spec(data).close()
    assert canary.exists()
