"""Load a file with every real loader that could be pointed at it, and say which of them ran the canary.

Only for a forked child that may be lost: what an armed and changed file does is not known before. An audit hook ends the child, with the
canary marked, at anything that starts a program or writes or removes a file.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import importlib
import lzma
import os
import pickle
import signal
import sys
import tarfile
import tempfile
import warnings
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import fuzz_canary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["fired_by", "forbid", "warm_up"]

_LARGEST = 1 << 24  # bytes that are unpacked to be loaded
_DEEPEST = 3
_STARTS = ("os.system", "subprocess.", "os.exec", "os.posix_spawn", "os.fork", "socket.connect")
_CHANGES = ("os.remove", "os.rename", "os.rmdir", "shutil.")
_SECONDS = 5


def forbid(folder: str) -> None:
    """End this process when something is done that no load of data does."""

    tempfile.tempdir = folder  # where torch unpacks tar archives
    mine = (folder, os.devnull)

    def hook(event: str, args: tuple[Any, ...]) -> None:
        changes = event.startswith(_CHANGES)
        if event == "open" and isinstance(args[2], int):
            changes = bool(args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        outside = changes and str(args[0]).startswith("/") and not str(args[0]).startswith(mine)
        if event.startswith(_STARTS) or outside:
            fuzz_canary.fire()
            os._exit(77)

    sys.addaudithook(hook)


def warm_up() -> None:
    """Import what loads, once, before anything is forked."""
    for name in ("numpy", "joblib", "torch", "pandas"):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def fired_by(path: str, folder: str, depth: int = 0) -> Iterator[str]:
    """Give the loaders that run the canary of a file, and of what they find in it."""
    for name, load in _LOADERS.items():
        fuzz_canary.rest()
        signal.alarm(_SECONDS)
        parts: list[bytes] = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with contextlib.suppress(Exception):
                load(path, parts)
        signal.alarm(0)
        if fuzz_canary.fired():
            yield name
        for part in parts if depth < _DEEPEST else ():
            inside = os.path.join(folder, f"inside-{depth}")
            with open(inside, "wb") as file:
                file.write(part)
            for inner in fired_by(inside, folder, depth + 1):
                yield f"{inner} inside {name}"


def _pickles(path: str, _: list[bytes]) -> None:
    with open(path, "rb") as file:
        while True:
            pickle.load(file)


def _python_pickles(path: str, _: list[bytes]) -> None:
    with open(path, "rb") as file:
        pickle._Unpickler(file).load()  # type: ignore[attr-defined]


def _torch(path: str, _: list[bytes]) -> None:
    if "torch" in sys.modules:
        sys.modules["torch"].load(path, map_location="cpu", weights_only=False)


def _numpy(path: str, _: list[bytes]) -> None:
    if "numpy" in sys.modules:
        found = sys.modules["numpy"].load(path, allow_pickle=True)
        for name in getattr(found, "files", ()):
            with contextlib.suppress(Exception):
                found[name]


def _joblib(path: str, _: list[bytes]) -> None:
    if "joblib" in sys.modules:
        sys.modules["joblib"].load(path)


def _zip(path: str, parts: list[bytes]) -> None:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist()[:20]:
            with contextlib.suppress(Exception), archive.open(info) as stream:
                parts.append(stream.read(_LARGEST))


def _tar(path: str, parts: list[bytes]) -> None:
    with tarfile.open(path, "r:*") as archive:
        for info in archive:
            stream = archive.extractfile(info) if info.isreg() and len(parts) < 20 else None
            if stream is not None:
                parts.append(stream.read(_LARGEST))


def _unpacks(module: Any) -> Callable[[str, list[bytes]], None]:
    def load(path: str, parts: list[bytes]) -> None:
        with module.open(path, "rb") as stream:
            with contextlib.suppress(pickle.UnpicklingError, AttributeError, ImportError, ValueError, IndexError, TypeError):
                pickle.load(stream)  # which does not read to the end, where a checksum may be wrong
            stream.seek(0)
            parts.append(stream.read(_LARGEST))

    return load


def _zlib(path: str, parts: list[bytes]) -> None:
    with open(path, "rb") as file:
        parts.append(zlib.decompressobj().decompress(file.read(_LARGEST), _LARGEST))


_LOADERS: dict[str, Callable[[str, list[bytes]], None]] = {
    "pickle": _pickles,
    "pickle.py": _python_pickles,
    "torch": _torch,
    "numpy": _numpy,
    "joblib": _joblib,
    "zipfile": _zip,
    "tarfile": _tar,
    "gzip": _unpacks(gzip),
    "bz2": _unpacks(bz2),
    "lzma": _unpacks(lzma),
    "zlib": _zlib,
}
