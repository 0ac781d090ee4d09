"""`torch.load`: weights alone pass at full speed, everything else is looked at first.

`weights_only=True` runs torch's own restricted machine, which resolves nothing of the file's choosing as long as nobody added to its
safe globals. Otherwise the code-bearing part is traced first, which is small next to the tensors, and torch's unpickler is handed the
proved bytes whatever the archive says by then.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import pickle
import sys
import time
import types
from typing import TYPE_CHECKING, Any, NoReturn

from jupyter_modelguard.artifacts.reach import Reached, file_name, path_of
from jupyter_modelguard.hooks.attribution import Caller, attribute
from jupyter_modelguard.hooks.passage import Passage, call_text
from jupyter_modelguard.hooks.scopes import Mode, Scope, Suspended, Unproved, thread_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.hooks.gate import Permit
    from jupyter_modelguard.types import LoadRequest

__all__ = ["guard_jit_load", "guard_torch_load"]

_TRUE = frozenset({"1", "y", "yes", "true"})


def guard_torch_load(passage: Passage) -> Callable[..., Any]:
    """Return a wrapt wrapper for `torch.load`."""
    gate = passage.gate

    def load(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        frame = sys._getframe(1)
        if passage.inside():
            return wrapped(*args, **options)
        if attribute(frame)[0] is Caller.TRAFFIC:
            with Suspended():  # the reader inside must not take it for a load of its own
                return wrapped(*args, **options)
        call = _Call(args, options)
        with Suspended():
            path = path_of(call.target)
            source = path or file_name(call.target) or "<file object>"
            request = gate.request("torch.load", call_text("torch.load", options), source, frame)
        if call.weights_only and not _widened():
            try:
                return _plain(passage, request, wrapped, args, options, frame)
            except Unproved:
                pass  # something in there resolved a global after all: look at it
        with Suspended():
            try:
                reached = _reach(path, call.target)
            except Exception as error:
                gate.failed(request, error)
                raise
        _import_what_loading_imports()
        with reached:
            return passage.stream(request, reached, "torch", lambda permit: call.run(wrapped, reached, permit), call.options)

    return load


def guard_jit_load(passage: Passage) -> Callable[..., Any]:
    """Return a wrapt wrapper for `torch.jit.load`: no event fires in there, so a load that was taken for a plain one ends here."""

    def load(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        scope = thread_state.scope
        if scope is not None and scope.mode in (Mode.PROVED, Mode.PROVING) and not thread_state.suspended:
            raise scope.refuse("torch.jit.load: the archive turned into TorchScript after it was looked at")
        if passage.inside():
            return wrapped(*args, **options)
        frame = sys._getframe(1)
        target = args[0] if args else options.get("f")
        with Suspended():
            path = path_of(target)
            request = passage.gate.request(
                "torch.jit.load", "torch.jit.load()", path or file_name(target) or "<file object>", frame
            )
            try:
                reached = _reach(path, target)
            except Exception as error:
                passage.gate.failed(request, error)
                raise
        with reached:
            # What was traced is a pickle, and this function runs TorchScript: a file that is both was proved as neither.
            return passage.stream(
                request,
                reached,
                "torch",
                lambda permit: wrapped(*args, **options),  # noqa: ARG005
                own_ways="TorchScript",
            )

    return load


def _plain(
    passage: Passage,
    request: LoadRequest,
    wrapped: Callable[..., Any],
    args: tuple[Any, ...],
    options: dict[str, Any],
    frame: Any,
) -> Any:
    started = time.perf_counter()
    target: Any = args[0] if args else options.get("f")
    start = target.tell() if hasattr(target, "tell") else 0
    try:
        with passage.public(request), Scope(Mode.PROVING, label="torch.load"):
            value = wrapped(*args, **options)
    except Unproved:
        if hasattr(target, "seek"):
            target.seek(start)
        raise
    except Exception as error:
        with Suspended():
            passage.gate.failed(request, error)
        raise
    passage.gate.loaded("torch.load", request.call, request.source, -1, time.perf_counter() - started, frame)
    return value


def _reach(path: str | None, target: Any) -> Reached:
    return Reached.at_path(path) if path is not None else Reached.of_file(target, target.tell())


def _import_what_loading_imports() -> None:
    """Import torch's settings for archives, which its first load does: as they are made they do what no proved load may do."""
    with Suspended(), contextlib.suppress(ImportError):  # older versions have none
        importlib.import_module("torch.utils.serialization.config")


def _widened() -> bool:
    """Whether somebody put classes of their own on torch's list of safe globals; their `__setstate__` runs without an event."""
    import torch

    added = (entry[0] if isinstance(entry, tuple) else entry for entry in torch.serialization.get_safe_globals())
    return any(not str(getattr(entry, "__module__", "")).startswith("torch.") for entry in added)


class _Call:
    """The arguments of one `torch.load`, with torch's own rules for `weights_only`."""

    def __init__(self, args: tuple[Any, ...], options: dict[str, Any]) -> None:
        named = dict(zip(("f", "map_location", "pickle_module"), args, strict=False))
        self.options = {**named, **options}
        self.target = self.options.pop("f", None)
        self.pickle_module = self.options.get("pickle_module") or pickle
        asked = self.options.get("weights_only")
        if asked is None:
            forced_off = os.environ.get("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "0").lower() in _TRUE
            self.weights_only = self.options.get("pickle_module") is None and not forced_off
        else:
            self.weights_only = bool(asked)
        if os.environ.get("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "0").lower() in _TRUE:
            self.weights_only = True

    def run(self, wrapped: Callable[..., Any], reached: Reached, permit: Permit) -> Any:
        """Load what was permitted: torch reads the tensors from the archive, and the opcodes from the proved bytes."""
        if permit.format == "torch-zip" and not self.weights_only and permit.copy is not None:
            proved = b"".join(data for _, data in permit.copy.segments)
            options = {**self.options, "pickle_module": _pickle_module(self.pickle_module, proved), "weights_only": False}
            return wrapped(self.target, **options)
        if permit.format == "torch-legacy":
            file = reached.replay(permit.copy, tail=True)
            if permit.copy is not None and hasattr(self.target, "seek"):
                self.target.seek(0, os.SEEK_END)
            return wrapped(file, **self.options)
        return wrapped(self.target, **self.options)


def _pickle_module(module: Any, proved: bytes) -> types.ModuleType:
    """Make a pickle module whose Unpickler reads the proved bytes, whatever file torch opened meanwhile."""

    class Unpickler(module.Unpickler):  # type: ignore[misc] # the class is the caller's choice
        def __init__(self, _file: object, **options: Any) -> None:
            super().__init__(io.BytesIO(proved), **options)

    replacement = types.ModuleType(module.__name__)
    replacement.__dict__.update(vars(module))
    replacement.Unpickler = Unpickler  # type: ignore[attr-defined]
    replacement.load = _refuse_other_format  # type: ignore[attr-defined]
    return replacement


def _refuse_other_format(*_: object, **__: object) -> NoReturn:
    """Stand in for `pickle.load`, which torch calls for its older formats alone: the file is not the archive any more that was proved."""
    scope = thread_state.scope or Scope(Mode.PROVED)
    raise scope.refuse("another file: the archive was replaced after it was looked at")
