"""Honest files: what people really save, each written by the real library and loaded by the loader they use for it.

A file is one `Honest`: how it is written, how it is loaded, and what to use of it, so that a load under the guard can be compared with
a plain one. The files of one family of libraries are in one module beside this one, each a function decorated with `honest`.
"""

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["FILES", "Format", "Honest", "alike", "features", "honest", "target"]

FILES = {}


@dataclass(frozen=True)
class Format:
    """A way to write one object to a file, and the loader that people read it with."""

    library: str
    dump: Any  # (library, value, path)
    load: Any  # (library, path)


@dataclass(frozen=True)
class Honest:
    """One file.

    Attributes
    ----------
    libraries
        The modules that must be installed.
    write
        Writes the file to a path.
    load
        Loads it from there.
    use
        Gives of what was loaded that which two loads must agree on.
    """

    name: str
    libraries: tuple[str, ...]
    write: Any
    load: Any
    use: Any


def honest(name, *libraries, format=None, load=None, use=lambda value: value):  # noqa: A002 the word for it
    """Register a function that writes a file: it gets the path; or, with a format, one that returns the object to write."""

    def register(make):
        if name in FILES:
            raise ValueError(f"two files are called {name}")
        if format is None:
            FILES[name] = Honest(name, libraries, make, load, use)
        else:
            FILES[name] = Honest(
                name,
                tuple(dict.fromkeys((*libraries, format.library))),
                lambda path: format.dump(importlib.import_module(format.library), make(), path),
                load or (lambda path: format.load(importlib.import_module(format.library), path)),
                use,
            )
        return make

    return register


def _open(path, load):
    with path.open("rb") as file:
        return load(file)


PICKLE = Format(
    "pickle",
    lambda library, value, path: path.write_bytes(library.dumps(value)),
    lambda library, path: _open(path, library.load),
)
PICKLE2 = Format(
    "pickle",
    lambda library, value, path: path.write_bytes(library.dumps(value, 2)),
    lambda library, path: _open(path, library.load),
)
PICKLE5 = Format(
    "pickle",
    lambda library, value, path: path.write_bytes(library.dumps(value, 5)),
    lambda library, path: library.loads(path.read_bytes()),
)
CLOUDPICKLE = Format(
    "cloudpickle",
    lambda library, value, path: path.write_bytes(library.dumps(value)),
    lambda library, path: _open(path, library.load),
)
DILL = Format(
    "dill", lambda library, value, path: path.write_bytes(library.dumps(value)), lambda library, path: _open(path, library.load)
)
JOBLIB = Format("joblib", lambda library, value, path: library.dump(value, path), lambda library, path: library.load(path))
JOBLIB_COMPRESSED = Format(
    "joblib", lambda library, value, path: library.dump(value, path, compress=3), lambda library, path: library.load(path)
)
PANDAS = Format(
    "pandas", lambda library, value, path: library.to_pickle(value, path), lambda library, path: library.read_pickle(path)
)
TORCH = Format(
    "torch", lambda library, value, path: library.save(value, path), lambda library, path: library.load(path, weights_only=False)
)
TORCH_DEFAULT = Format("torch", lambda library, value, path: library.save(value, path), lambda library, path: library.load(path))
TORCH_LEGACY = Format(
    "torch",
    lambda library, value, path: library.save(value, path, _use_new_zipfile_serialization=False),
    lambda library, path: library.load(path, weights_only=False),
)


def features(rows=40, columns=4):
    """The same numbers every time."""
    return np.random.default_rng(3).normal(size=(rows, columns))


def target(rows=40):
    """Two classes that the features tell apart."""
    return (features(rows)[:, 0] > 0).astype(int)


def alike(one, other):
    """Whether two loaded values are the same, arrays and tensors included."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(alike, one, other))
    if hasattr(one, "detach"):
        if one.dtype != other.dtype or one.shape != other.shape:
            return False
        one, other = one.detach().to_dense(), other.detach().to_dense()
        return one.equal(other) or alike(one.tolist(), other.tolist())  # the second where some are not numbers
    if isinstance(one, np.ndarray):
        if one.dtype != other.dtype or one.shape != other.shape:
            return False
        return (one.dtype != object and np.array_equal(one, other)) or alike(one.tolist(), other.tolist())
    if hasattr(one, "equals"):
        return bool(one.equals(other))
    if isinstance(one, float) and one != one:
        return other != other
    return bool(one == other)


__all__ += [
    "CLOUDPICKLE",
    "DILL",
    "JOBLIB",
    "JOBLIB_COMPRESSED",
    "PANDAS",
    "PICKLE",
    "PICKLE2",
    "PICKLE5",
    "TORCH",
    "TORCH_DEFAULT",
    "TORCH_LEGACY",
]
