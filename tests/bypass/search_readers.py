"""The readers that people load with, and how each wants a stream to be wrapped."""

from __future__ import annotations

import importlib.util
import io
import pickle
from collections.abc import Callable
from itertools import repeat
from typing import Any

from jupyter_modelguard.hooks import unpickler

__all__ = ["C_READERS", "READERS", "Reader", "end_of_c_file", "readers", "wrap"]

Reader = Callable[[bytes], Any]
_MAGIC = 0x1950A86A20F9469CFC6C
_SYSTEM = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
_LEGACY = b"".join(pickle.dumps(part, 2) for part in (_MAGIC, 1001, _SYSTEM))


class _Inside:
    """A passage of a load that was proved: pure Python readers then read as the C one does, which was traced."""

    @staticmethod
    def inside() -> bool:
        return True


_python_load = unpickler.guard_python_load(pickle._Unpickler.load, _Inside())


def c(data: bytes) -> Any:
    return pickle.loads(data)


def c_file(data: bytes) -> Any:
    _last[0] = io.BytesIO(data)
    return pickle.Unpickler(_last[0], buffers=repeat(b"outofband")).load()


def end_of_c_file() -> int:
    """Say where the last load of `c_file` left the file."""
    return _last[0].tell()


_last = [io.BytesIO()]


def c_without_renames(data: bytes) -> Any:
    return pickle.loads(data, fix_imports=False)


def c_text_as_bytes(data: bytes) -> Any:
    return pickle.loads(data, encoding="bytes")


def python(data: bytes) -> Any:
    return _python_load(pickle._Unpickler(io.BytesIO(data), encoding="latin1", buffers=repeat(b"outofband")))


def dill(data: bytes) -> Any:
    pickle._Unpickler.load, plain = _python_load, pickle._Unpickler.load
    try:
        return importlib.import_module("dill").loads(data)
    finally:
        pickle._Unpickler.load = plain


def pandas(data: bytes) -> Any:
    pickle._Unpickler.load, plain = _python_load, pickle._Unpickler.load
    try:
        return importlib.import_module("pandas").read_pickle(io.BytesIO(data))
    finally:
        pickle._Unpickler.load = plain


def joblib(data: bytes) -> Any:
    pickle._Unpickler.load, plain = _python_load, pickle._Unpickler.load
    try:
        return importlib.import_module("joblib").load(io.BytesIO(data))
    finally:
        pickle._Unpickler.load = plain


def torch(data: bytes) -> Any:
    return importlib.import_module("torch").load(io.BytesIO(data), weights_only=False)


C_READERS = frozenset({"c", "c_file", "c_without_renames", "c_text_as_bytes"})
READERS: dict[str, dict[str, Reader]] = {
    "pickle": {
        "c": c,
        "c_file": c_file,
        "c_without_renames": c_without_renames,
        "c_text_as_bytes": c_text_as_bytes,
        "python": python,
        "dill": dill,
        "pandas": pandas,
    },
    "joblib": {"joblib": joblib},
    "torch": {"torch": torch},
}


def readers(dialect: str) -> dict[str, Reader]:
    """Give the readers of a dialect whose libraries are here."""
    return {name: run for name, run in READERS[dialect].items() if name not in _LIBRARIES or importlib.util.find_spec(name)}


_LIBRARIES = frozenset({"dill", "pandas", "joblib", "torch"})


def wrap(stream: bytes, dialect: str) -> bytes:
    """Put a stream into a file of its dialect."""
    if dialect != "torch":
        return stream
    return _LEGACY + stream + pickle.dumps([], 2)
