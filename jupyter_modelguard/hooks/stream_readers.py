"""Readers of their own over a path or a file, looked at before they start: `joblib.load` and `dill.load`.

joblib keeps raw arrays between the opcodes and may compress the whole file; what is decompressed here is decompressed once, and those
bytes are both looked at and loaded.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import threading
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from jupyter_modelguard.artifacts.reach import Reached, file_name, path_of
from jupyter_modelguard.hooks.attribution import Caller, attribute
from jupyter_modelguard.hooks.passage import Passage, call_text
from jupyter_modelguard.hooks.scopes import Mode, Suspended, for_each_thread, thread_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.hooks.gate import Permit

__all__ = ["guard_dill_load", "guard_joblib_load", "refuse_other_format", "swap_joblib_file"]


def _open_zlib(file: io.BytesIO) -> io.BytesIO:
    return io.BytesIO(zlib.decompressobj().decompress(file.getvalue()))


_PIECE = 1 << 20  # bytes
_DECOMPRESS: Final[dict[bytes, Callable[[io.BytesIO], Any]]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZ": bz2.BZ2File,
    b"\xfd7zXZ": lzma.LZMAFile,
    b"\x5d\x00": lzma.LZMAFile,
    b"\x78\x01": _open_zlib,
    b"\x78\x5e": _open_zlib,
    b"\x78\x9c": _open_zlib,
    b"\x78\xda": _open_zlib,
}


class _Proved(threading.local):
    file: BinaryIO | None = None


_proved = for_each_thread(_Proved())


def guard_dill_load(passage: Passage) -> Callable[..., Any]:
    """Return a wrapt wrapper for `dill.load`, whose `find_class` hands out `__main__` without an audit event."""

    def run(reached: Reached, permit: Permit, wrapped: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        return wrapped(reached.replay(permit.copy), *args[1:], **options)

    return _guard(passage, "dill.load", "pickle", run)


def guard_joblib_load(passage: Passage) -> Callable[..., Any]:
    """Return a wrapt wrapper for `joblib.load`; joblib opens the file its own way and reads the proved bytes."""

    def run(reached: Reached, permit: Permit, wrapped: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        _proved.file = reached.replay(permit.copy)
        mode = args[1] if len(args) > 1 else options.get("mmap_mode")
        if thread_state.scope is not None:
            thread_state.scope.maps_for_writing = mode in ("r+", "w+")  # what the caller asked for, not the file
        try:
            return wrapped(*args, **options)
        finally:
            _proved.file = None

    return _guard(passage, "joblib.load", "joblib", run)


def swap_joblib_file(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Hand joblib's unpickler the proved bytes in place of the file that it opened (`NumpyUnpickler.__init__`)."""
    proved, _proved.file = _proved.file, None
    if proved is None:
        return wrapped(*args, **options)
    if len(args) > 1:
        return wrapped(args[0], proved, *args[2:], **options)
    return wrapped(*args, **{**options, "file_handle": proved})


def refuse_other_format(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Hold joblib's reader of very old files when a load was proved: then the file was replaced after it was looked at."""
    scope = thread_state.scope
    if scope is not None and scope.mode is Mode.PROVED and not thread_state.suspended:
        raise scope.refuse("another file: it was replaced after it was looked at")
    return wrapped(*args, **options)


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
                reached = _decompressed(Reached.at_path(path) if path is not None else Reached.of_file(args[0], args[0].tell()))
            except Exception as error:
                gate.failed(request, error)
                raise
        with reached:
            return passage.stream(request, reached, dialect, lambda permit: run(reached, permit, wrapped, args, options))

    return reader


def _decompressed(reached: Reached) -> Reached:
    """Unpack a compressed file once; the look and the load share what came out, which is less than all of a file that is cut off."""
    with reached.source.open() as file:
        head = file.read(6)
    opener = next((opener for magic, opener in _DECOMPRESS.items() if head.startswith(magic)), None)
    if opener is None:
        return reached
    pieces: list[bytes] = []
    try:
        with opener(io.BytesIO(reached.everything())) as unpacked:
            while piece := unpacked.read1(_PIECE):
                pieces.append(piece)
    except EOFError:
        pass
    except (OSError, ValueError, zlib.error, lzma.LZMAError):
        return reached  # not what its first bytes say
    with reached:
        return Reached.of_bytes(b"".join(pieces), reached.name)
