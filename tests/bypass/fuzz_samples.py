"""Files to start from, armed and honest, as the libraries that are here write them."""

from __future__ import annotations

import contextlib
import importlib
import io
import pickle
import warnings
from typing import TYPE_CHECKING, Any

import fuzz_canary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["samples"]


def samples(*, armed: bool) -> list[bytes]:
    """Write one file for each way to save."""
    found = []
    for make in (_pickled, _numpys, _joblibs, _torches):
        with contextlib.suppress(ImportError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found += list(make([fuzz_canary.Armed()] if armed else []))
    return found


def _written(write: Callable[[Any], object]) -> bytes:
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def _pickled(extra: list[Any]) -> Iterator[bytes]:
    value = {"layers": [1, 2.5, "three"], "shape": (3, 4), "names": {"a", "b"}, "extra": extra, "bytes": bytes(range(99))}
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        yield pickle.dumps(value, protocol)


def _numpys(extra: list[Any]) -> Iterator[bytes]:
    numpy = importlib.import_module("numpy")
    objects = numpy.array([None, *extra, {"a": 1}], dtype=object)
    numbers = numpy.arange(12.0).reshape(3, 4)
    yield _written(lambda file: numpy.save(file, objects))
    yield _written(lambda file: numpy.savez(file, numbers=numbers, objects=objects))
    yield _written(lambda file: numpy.savez_compressed(file, objects=objects, numbers=numbers))
    yield pickle.dumps({"weights": numbers, "extra": extra})
    if not extra:
        yield _written(lambda file: numpy.save(file, numbers))


def _joblibs(extra: list[Any]) -> Iterator[bytes]:
    numpy = importlib.import_module("numpy")
    joblib = importlib.import_module("joblib")
    value = {"weights": numpy.arange(12.0), "objects": numpy.array([None, *extra], dtype=object), "extra": extra}
    for compress in (0, ("zlib", 3), ("gzip", 1), ("bz2", 1), ("lzma", 1), ("xz", 1)):
        yield _written(lambda file, how=compress: joblib.dump(value, file, compress=how))  # type: ignore[misc]


def _torches(extra: list[Any]) -> Iterator[bytes]:
    torch = importlib.import_module("torch")
    value = {"weight": torch.arange(6.0).reshape(2, 3), "epoch": 3, "extra": extra}
    for zipped in (True, False):
        yield _written(lambda file, how=zipped: torch.save(value, file, _use_new_zipfile_serialization=how))  # type: ignore[misc]
    yield pickle.dumps(value)
