"""Functions that save: what they wrote is handed on, so that this user's own files are known when they are loaded again.

A save is left as it is: it writes where and what it would have written, returns the same and raises the same. What goes wrong here is
logged, and the file is then asked about if it would be.
"""

from __future__ import annotations

import contextlib
import functools
import io
import logging
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.artifacts.reach import file_name, path_of
from jupyter_modelguard.artifacts.saved import MOST_TAKEN, Saved, names_of_the_notebook
from jupyter_modelguard.hooks.attribution import Caller, attribute
from jupyter_modelguard.hooks.scopes import Suspended, for_each_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.artifacts.reach import Reached
    from jupyter_modelguard.hooks.passage import Passage

__all__ = ["guard_dump", "guard_save", "guard_saving_call"]

_LOG = logging.getLogger(__name__)
_NAMES_BY_STACK = 4  # the first protocol in which a pickler names every global by one opcode
_STACK_GLOBAL = b"\x93"


class _Saves(threading.local):
    loaders: tuple[str, ...] = ()  # those that read what is saved in the call that a person wrote


_saves = for_each_thread(_Saves())


class _Written:
    """A file for a pickler, that keeps what goes through it as long as that is little."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._write = file.write
        self.pieces: list[bytes] = []
        self.length = 0

    def write(self, data: Any) -> Any:
        written = self._write(data)
        self.length += len(data)
        if self.length <= MOST_TAKEN:
            self.pieces.append(data if type(data) is bytes else bytes(data))
        elif self.pieces:
            self.pieces.clear()
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def guard_dump(original: Callable[..., Any], passage: Passage, *loaders: str) -> Callable[..., Any]:
    """Guard a function that pickles an object into an open file, `pickle.dump` and its like.

    Parameters
    ----------
    original
        The function.
    passage
        The way to the guard.
    loaders
        By which its files are loaded again.
    """
    gate, inside = passage.gate, passage.inside

    def dump(*args: Any, **options: Any) -> Any:
        if len(args) < 2 or inside() or "buffer_callback" in options or not gate.remembers():  # noqa: PLR2004 an object and a file
            return original(*args, **options)
        try:
            start = args[1].tell() if type(args[1]) is io.BufferedWriter else -1
            file = _Written(args[1])
        except Exception:  # noqa: BLE001 no file: the function says so
            return original(*args, **options)
        value = original(args[0], file, *args[2:], **options)
        if not _names_nothing(file):
            with _logged(), Suspended():
                if attribute(sys._getframe(1))[0] is not Caller.TRAFFIC:
                    _hand_over(passage, file, args[1], start, (*_saves.loaders, *loaders))
        return value

    functools.update_wrapper(dump, original)
    dump.__modelguard__ = original  # type: ignore[attr-defined]
    return dump


def guard_save(
    passage: Passage,
    dialect: str,
    parameter: str,
    *loaders: str,
    unpack: Callable[[Reached], Reached] | None = None,
) -> Callable[..., Any]:
    """Return a wrapt wrapper for a function that writes a file of its own, named by its second argument.

    Parameters
    ----------
    passage
        The way to the guard.
    dialect, loaders
        How its files are read, and by what.
    parameter
        Name of that argument.
    unpack
        See `Saved`.
    """
    gate = passage.gate

    def save(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if passage.inside() or not gate.remembers():
            return wrapped(*args, **options)
        traffic = attribute(sys._getframe(1))[0] is Caller.TRAFFIC
        value = wrapped(*args, **options)
        if traffic:
            return value
        with _logged(), Suspended():
            target = args[1] if len(args) > 1 else options.get(parameter)
            path = path_of(target) or _flushed(target)
            saved = Saved.at_path(path, (*_saves.loaders, *loaders), dialect, unpack) if path else None
            if saved is not None:
                gate.saved(saved)
        return value

    return save


def guard_saving_call(_passage: Passage, *loaders: str) -> Callable[..., Any]:
    """Return a wrapt wrapper for a call that saves through one of the functions above, for loaders of its own."""

    def call(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        outer, _saves.loaders = _saves.loaders, loaders
        try:
            return wrapped(*args, **options)
        finally:
            _saves.loaders = outer

    return call


def _names_nothing(file: _Written) -> bool:
    """Whether a stream names no global, as most small ones do; one that only might is looked at."""
    pieces = file.pieces
    if not pieces:
        return not file.length
    first = pieces[0]
    return first[:1] == b"\x80" and first[1:2] >= bytes([_NAMES_BY_STACK]) and not any(_STACK_GLOBAL in piece for piece in pieces)


def _hand_over(passage: Passage, written: _Written, file: Any, start: int, loaders: tuple[str, ...]) -> None:
    if written.length <= MOST_TAKEN:
        data = b"".join(written.pieces)
        passage.gate.saved(Saved(loaders, "pickle", file_name(file), data, notebook=names_of_the_notebook(data)))
        return
    path = _flushed(file) if start == 0 else ""
    saved = Saved.at_path(path, loaders, "pickle") if path else None
    if saved is None:
        return
    if saved.state is not None and saved.state.st_size == written.length:
        passage.gate.saved(saved)
    else:
        saved.close()


def _flushed(file: Any) -> str:
    """Write out what a plain file still holds back, and give its path; empty where it is no file of this kind, or has another name now."""
    if type(file) is not io.BufferedWriter or type(file.raw) is not io.FileIO:
        return ""
    file.flush()
    path = file_name(file)
    if not path:
        return ""
    here, there = os.fstat(file.fileno()), os.stat(path)
    return path if (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino) else ""


@contextlib.contextmanager
def _logged() -> Any:
    """Let no fault of ours reach a save that has succeeded."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 whatever it is, the file is asked about instead
        _LOG.info("What was saved is not remembered: %s", error, exc_info=True)
