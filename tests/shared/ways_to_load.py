"""Every way to load that the table of loaders has, with the library that writes the file and what the history calls it."""

import collections
import datetime as dt
import io
import pickle
from dataclasses import dataclass
from typing import Any

import pytest

__all__ = ["ALL", "VALUES", "Loader", "alike", "checkpoint", "library_of", "numpy_objects"]

np = pytest.importorskip("numpy", reason="the arrays of these tests are numpy's")


torch_test = pytest.mark.torch


@dataclass(frozen=True)
class Loader:
    """One way to load: how the file is made, how it is read, and what the history calls it."""

    name: str
    recorded: str
    dump: Any  # (library, value, path)
    load: Any  # (library, path)
    library: str = "pickle"
    value: str = "arrays"
    before: tuple[tuple[str, str], ...] = ()  # what the history says of the call that only opened the file


def dump_pickle(_library, value, path, protocol=None):
    path.write_bytes(pickle.dumps(value, protocol))


def read(path):
    return path.read_bytes()


def with_open(path, load):
    with path.open("rb") as file:
        return load(file)


class TheirUnpickler:
    """Named like a class of the user's own: one that resolves globals by its own `find_class`."""

    @staticmethod
    def load(library, path):
        class Mine(library.Unpickler):
            def find_class(self, module, name):
                return super().find_class(module, name)

        return with_open(path, lambda file: Mine(file).load())


def numpy_objects(_library, value, path):
    array = np.empty(1, dtype=object)
    array[0] = value
    with path.open("wb") as file:
        np.save(file, array, allow_pickle=True)


def numpy_archive(_library, value, path):
    array = np.empty(1, dtype=object)
    array[0] = value
    with path.open("wb") as file:
        np.savez(file, first=array)


def load_archive(library, path):
    with library.load(path, allow_pickle=True) as archive:
        return archive["first"]


def legacy(library, value, path):
    library.save(value, path, _use_new_zipfile_serialization=False)


def compressed(method):
    return lambda library, value, path: library.dump(value, path, compress=(method, 3))


def torch_load(**options):
    return lambda library, path: library.load(path, weights_only=False, **options)


PICKLE = [
    Loader("pickle.load", "pickle.load", dump_pickle, lambda library, path: with_open(path, library.load)),
    Loader("pickle.loads", "pickle.loads", dump_pickle, lambda library, path: library.loads(read(path))),
    Loader(
        "pickle.loads of protocol 0",
        "pickle.loads",
        lambda library, value, path: dump_pickle(library, value, path, 0),
        lambda library, path: library.loads(read(path)),
    ),
    Loader(
        "pickle.Unpickler",
        "pickle.Unpickler",
        dump_pickle,
        lambda library, path: with_open(path, lambda file: library.Unpickler(file).load()),
    ),
    Loader(
        "pickle._Unpickler",
        "pickle.Unpickler",
        dump_pickle,
        lambda library, path: with_open(path, lambda file: library._Unpickler(file).load()),
    ),
    Loader("a subclass of Unpickler", "pickle.Unpickler", dump_pickle, TheirUnpickler.load),
    Loader(
        "cloudpickle.load",
        "cloudpickle.load",
        lambda library, value, path: path.write_bytes(library.dumps(value)),
        lambda library, path: with_open(path, library.load),
        "cloudpickle",
    ),
    Loader(
        "cloudpickle.loads",
        "cloudpickle.loads",
        lambda library, value, path: path.write_bytes(library.dumps(value)),
        lambda library, path: library.loads(read(path)),
        "cloudpickle",
    ),
    Loader(
        "dill.load",
        "dill.load",
        lambda library, value, path: path.write_bytes(library.dumps(value)),
        lambda library, path: with_open(path, library.load),
        "dill",
        "plain",
    ),
    Loader(
        "dill.loads",
        "dill.load",
        lambda library, value, path: path.write_bytes(library.dumps(value)),
        lambda library, path: library.loads(read(path)),
        "dill",
        "plain",
    ),
]


JOBLIB = [
    Loader(
        "joblib.load",
        "joblib.load",
        lambda library, value, path: library.dump(value, path),
        lambda library, path: library.load(path),
        "joblib",
    ),
    Loader(
        "joblib.load of a file object",
        "joblib.load",
        lambda library, value, path: library.dump(value, path),
        lambda library, path: with_open(path, library.load),
        "joblib",
    ),
    *(
        Loader(f"joblib.load of {method}", "joblib.load", compressed(method), lambda library, path: library.load(path), "joblib")
        for method in ("zlib", "gzip", "bz2", "lzma", "xz")
    ),
    Loader(
        "joblib.load mapped",
        "joblib.load",
        lambda library, value, path: library.dump(value, path),
        lambda library, path: library.load(path, mmap_mode="r"),
        "joblib",
    ),
]


ARRAYS = [
    Loader(
        "numpy.load of npy", "numpy.load", numpy_objects, lambda library, path: library.load(path, allow_pickle=True), "numpy"
    ),
    Loader("numpy.load of npz", "numpy.load", numpy_archive, load_archive, "numpy", before=(("numpy.load", "loaded"),)),
    Loader(
        "numpy.load of a pickle", "numpy.load", dump_pickle, lambda library, path: library.load(path, allow_pickle=True), "numpy"
    ),
    Loader(
        "pandas.read_pickle",
        "pandas.read_pickle",
        lambda library, value, path: library.to_pickle(value, path),
        lambda library, path: library.read_pickle(path),
        "pandas",
    ),
    Loader(
        "pandas.read_pickle of gzip",
        "pandas.read_pickle",
        lambda library, value, path: library.to_pickle(value, path, compression="gzip"),
        lambda library, path: library.read_pickle(path, compression="gzip"),
        "pandas",
    ),
]


TORCH = [
    Loader(
        "torch.load", "torch.load", lambda library, value, path: library.save(value, path), torch_load(), "torch", "checkpoint"
    ),
    Loader("torch.load of the old format", "torch.load", legacy, torch_load(), "torch", "checkpoint"),
    Loader(
        "torch.load of a BytesIO",
        "torch.load",
        lambda library, value, path: library.save(value, path),
        lambda library, path: library.load(io.BytesIO(read(path)), weights_only=False),
        "torch",
        "checkpoint",
    ),
    Loader(
        "torch.load of an open file",
        "torch.load",
        lambda library, value, path: library.save(value, path),
        lambda library, path: with_open(path, lambda file: library.load(file, weights_only=False)),
        "torch",
        "checkpoint",
    ),
    Loader(
        "torch.load mapped",
        "torch.load",
        lambda library, value, path: library.save(value, path),
        torch_load(mmap=True),
        "torch",
        "checkpoint",
    ),
    Loader(
        "torch.load with a pickle module",
        "torch.load",
        lambda library, value, path: library.save(value, path),
        torch_load(pickle_module=pickle),
        "torch",
        "checkpoint",
    ),
    Loader(
        "torch.serialization.load",
        "torch.load",
        lambda library, value, path: library.save(value, path),
        lambda library, path: library.serialization.load(path, weights_only=False),
        "torch",
        "checkpoint",
    ),
]


ALL = [
    *(pytest.param(loader, id=loader.name) for loader in (*PICKLE, *JOBLIB, *ARRAYS)),
    *(pytest.param(loader, id=loader.name, marks=torch_test) for loader in TORCH),
]


def arrays():
    return {
        "weights": np.arange(12, dtype="float32").reshape(3, 4),
        "names": np.array(["a", "bc"]),
        "made": dt.datetime(2024, 2, 29, 12, 30),
        "order": collections.OrderedDict(a=1, b=(2, {3})),
        "rng": np.random.RandomState(3).get_state(legacy=False),
    }


def plain():
    return {"made": dt.datetime(2024, 2, 29, 12, 30), "order": collections.OrderedDict(a=1, b=(2, {3}))}


def checkpoint():
    import torch

    model = torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 2))
    optimizer = torch.optim.Adam(model.parameters())
    return {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}


VALUES = {"arrays": arrays, "plain": plain, "checkpoint": checkpoint}


def alike(one, other):
    """Whether two loaded values are the same, arrays and tensors included."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and all(map(alike, one.tolist(), other.tolist()))
    if hasattr(one, "storage_offset"):
        return one.dtype == other.dtype and one.shape == other.shape and bool((one == other).all())
    return bool(one == other)


def library_of(loader):
    return pytest.importorskip(loader.library, reason=f"{loader.library} is not installed")
