"""Readers of their own over a path or a file, looked at before they start: `joblib.load` and `dill.load`.

joblib keeps raw arrays between the opcodes and may compress the whole file; what is unpacked here is unpacked once, as far as the
stream goes, and those bytes are both looked at and loaded.
"""

from __future__ import annotations

import io
import os
import re
import sys
import threading
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from jupyter_modelguard.artifacts.reach import Reached, file_name, path_of
from jupyter_modelguard.artifacts.unpacked import Unpacked
from jupyter_modelguard.hooks.attribution import Caller, attribute
from jupyter_modelguard.hooks.passage import Passage, call_text
from jupyter_modelguard.hooks.scopes import Suspended, for_each_thread, thread_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.hooks.gate import Permit

__all__ = ["guard_dill_load", "guard_joblib_load", "stay_beside", "swap_joblib_file", "swap_old_joblib_stream", "unpack_joblib"]


_OLD: Final = b"ZF"
_OLD_HEADER: Final = len(_OLD) + len(hex(1 << 64))


class _Proved(threading.local):
    file: BinaryIO | None = None
    old: bool | None = None  # whether joblib's reader of files from before 0.10 is to read it; None outside a load


_proved = for_each_thread(_Proved())


def guard_dill_load(passage: Passage) -> Callable[..., Any]:
    """Return a wrapt wrapper for `dill.load`, whose `find_class` hands out `__main__` without an audit event."""

    def run(
        reached: Reached,
        _dialect: str,
        permit: Permit,
        wrapped: Callable[..., Any],
        args: tuple[Any, ...],
        options: dict[str, Any],
    ) -> Any:
        return wrapped(reached.replay(permit.copy), *args[1:], **options)

    return _guard(passage, "dill.load", "pickle", run)


def guard_joblib_load(passage: Passage) -> Callable[..., Any]:
    """Return a wrapt wrapper for `joblib.load`; joblib opens the file its own way and reads the proved bytes."""

    def run(
        reached: Reached,
        dialect: str,
        permit: Permit,
        wrapped: Callable[..., Any],
        args: tuple[Any, ...],
        options: dict[str, Any],
    ) -> Any:
        _proved.file, _proved.old = reached.replay(permit.copy), dialect == "pickle"
        mode = args[1] if len(args) > 1 else options.get("mmap_mode")
        if thread_state.scope is not None:
            thread_state.scope.maps_for_writing = mode in ("r+", "w+")  # what the caller asked for, not the file
        try:
            return wrapped(*args, **options)
        finally:
            _proved.file = _proved.old = None

    return _guard(passage, "joblib.load", "joblib", run)


def swap_joblib_file(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Hand joblib's unpickler the proved bytes in place of the file that it opened (`NumpyUnpickler.__init__`)."""
    opened = args[1] if len(args) > 1 else options.get("file_handle")
    if _proved.old is None or isinstance(
        opened, str
    ):  # a file object of an old format, which joblib takes for a path and fails at
        return wrapped(*args, **options)
    proved = _take(old=False)
    if len(args) > 1:
        return wrapped(args[0], proved, *args[2:], **options)
    return wrapped(*args, **{**options, "file_handle": proved})


def swap_old_joblib_stream(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Hand joblib's reader of very old files what was unpacked already (`ZipNumpyUnpickler._open_pickle`)."""
    return wrapped(*args, **options) if _proved.old is None else _take(old=True)


def stay_beside(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Refuse an array of an old file that lies elsewhere than the file itself (`NDArrayWrapper.read`): nobody was shown that."""
    scope = thread_state.scope
    if scope is not None and not thread_state.suspended:
        name = vars(instance).get("filename")
        if type(name) is not str or os.path.isabs(name) or os.path.splitdrive(name)[0] or ".." in re.split(r"[/\\]", name):
            raise scope.refuse(f"an array in {name!r:.200}, which is not beside the file")
    return wrapped(*args, **options)


def _take(*, old: bool) -> BinaryIO | None:
    """Give out the proved bytes once, to the reader that they were looked at for."""
    proved, looked_at_for = _proved.file, _proved.old
    _proved.file = _proved.old = None
    if looked_at_for is not old:
        assert thread_state.scope is not None  # noqa: S101 the passage opened one
        raise thread_state.scope.refuse("another file: it was replaced after it was looked at")
    return proved


def _guard(passage: Passage, loader: str, dialect: str, run: Callable[..., Any]) -> Callable[..., Any]:
    gate = passage.gate

    def reader(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        frame = sys._getframe(1)
        if passage.inside() or not args:
            return wrapped(*args, **options)
        if attribute(frame)[0] is Caller.TRAFFIC:
            with Suspended():  # the readers inside must not take it for a load of their own
                return wrapped(*args, **options)
        with Suspended():
            path = path_of(args[0])
            request = gate.request(loader, call_text(loader, options), path or file_name(args[0]) or "<file object>", frame)
            try:
                reached, old = _decompressed(
                    Reached.at_path(path) if path is not None else Reached.of_file(args[0], args[0].tell())
                )
            except Exception as error:
                gate.failed(request, error)
                raise
        with reached:
            kind = "pickle" if old else dialect
            return passage.stream(
                request,
                reached,
                kind,
                lambda permit: run(reached, kind, permit, wrapped, args, options),
                alone=len(args) == 1 and not options,  # options have joblib map the file, and dill read in other ways
            )

    return reader


def _decompressed(reached: Reached) -> tuple[Reached, bool]:
    """Unpack a compressed file; the look and the load share what came out, which is less than all of a file that is cut off.

    Returns
    -------
    tuple
        What came out, and whether it is a file of joblib before 0.10: a plain pickle without arrays in it.
    """
    with reached.source.open() as file:
        head = file.read(len(_OLD))
    if head != _OLD:
        return Unpacked.of(reached), False
    try:
        data = _unpack_old(io.BytesIO(reached.everything()))
    except (ValueError, zlib.error):
        return reached, False  # not what its first bytes say
    with reached:
        return Reached.of_bytes(data, reached.name), True


def unpack_joblib(reached: Reached) -> Reached:
    """Unpack a file that `joblib.dump` wrote, as `joblib.load` will; whatever it is compressed with."""
    return _decompressed(reached)[0]


def _unpack_old(file: io.BytesIO) -> bytes:
    """Read as `joblib.numpy_pickle_compat.read_zfile`: the length in hexadecimal digits, then a zlib stream; it too reads all of it."""
    header = file.read(_OLD_HEADER)
    length = int(header[len(_OLD) :], 16)
    if file.read(1) != b" ":
        file.seek(_OLD_HEADER)
    data = zlib.decompress(file.read())
    if len(data) != length:
        message = "another length than the file says"
        raise ValueError(message)
    return data
