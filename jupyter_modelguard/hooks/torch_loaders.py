"""`torch.load`: weights alone pass at full speed, everything else is looked at first.

`weights_only=True` runs torch's own restricted machine, which resolves nothing of the file's choosing as long as nobody added to its
safe globals. Otherwise the code-bearing part is traced first, which is small next to the tensors, and torch's unpickler, the restricted
one too, is handed the proved bytes whatever the archive says by then.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import pickle
import sys
import threading
import time
import types
from typing import TYPE_CHECKING, Any, NoReturn

from jupyter_modelguard.artifacts.reach import Reached, file_name, path_of
from jupyter_modelguard.artifacts.still import StillFile
from jupyter_modelguard.hooks.attribution import Caller, attribute
from jupyter_modelguard.hooks.passage import Passage, call_text
from jupyter_modelguard.hooks.scopes import Mode, Scope, Suspended, Unproved, for_each_thread, thread_state
from jupyter_modelguard.hooks.torchscript import SCRIPT, load_as_script, may_be_script

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.hooks.gate import Permit
    from jupyter_modelguard.types import LoadRequest

__all__ = ["guard_torch_load", "swap_proved_stream"]

_TORCHS_OWN = frozenset(  # what torch itself puts on its list of safe globals as it is imported
    {
        "torch._dynamo.decorators._DimRange",
        "torch.distributed._mesh_layout._FlatLayout",
        "torch.distributed._mesh_layout._MeshLayout",
        "torch.distributed._serialization._Entry",
        "torch.distributed.device_mesh.DeviceMesh",
        "torch.distributed.tensor.DTensor",
        "torch.distributed.tensor._dtensor_spec.DTensorSpec",
        "torch.distributed.tensor._dtensor_spec.ShardOrderEntry",
        "torch.distributed.tensor._dtensor_spec.TensorMeta",
        "torch.distributed.tensor.placement_types.Partial",
        "torch.distributed.tensor.placement_types.Replicate",
        "torch.distributed.tensor.placement_types.Shard",
        "torch.distributed.tensor.placement_types._StridedShard",
        "torch.nested._internal.nested_tensor.NestedTensor",
        "torch.nested._internal.nested_tensor._rebuild_njt",
    }
)
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
                reached = _reach(path, call.target, dispatches=not call.weights_only)
            except Exception as error:
                gate.failed(request, error)
                raise
        _import_what_loading_imports()
        with reached:
            return passage.stream(
                request,
                reached,
                "torch",
                lambda permit: call.run(wrapped, reached, permit),
                call.options,
                alone=type(reached) is Reached and call.reads_itself,
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


def _reach(path: str | None, target: Any, *, dispatches: bool) -> Reached:
    """Reach what torch.load reads; what it may hand on to TorchScript is kept still, for that opens the file for itself."""
    reached = Reached.at_path(path) if path is not None else Reached.of_file(target, target.tell())
    if not dispatches or not may_be_script(reached):
        return reached
    with reached:
        return StillFile.at_path(path) if path is not None else Reached.of_bytes(reached.everything(), reached.name)


def _import_what_loading_imports() -> None:
    """Import torch's settings for archives, which its first load does: as they are made they do what no proved load may do."""
    with Suspended(), contextlib.suppress(ImportError):  # older versions have none
        importlib.import_module("torch.utils.serialization.config")


def _widened() -> bool:
    """Whether somebody put names of their own on torch's list of safe globals; what those do runs without an event."""
    import torch

    return any(
        isinstance(entry, tuple) or f"{getattr(entry, '__module__', '')}.{getattr(entry, '__qualname__', '')}" not in _TORCHS_OWN
        for entry in torch.serialization.get_safe_globals()
    )


def _aliases(names: frozenset[tuple[str, str]]) -> list[str]:
    """Find what is safe for torch under a name that means something else to everybody: `(function, "module.name")`."""
    import torch

    wanted = {f"{module}.{name}": getattr(sys.modules.get(module), name, None) for module, name in names}
    added = (entry for entry in torch.serialization.get_safe_globals() if isinstance(entry, tuple))
    return [alias for thing, alias in added if alias in wanted and wanted[alias] is not thing]


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

    @property
    def reads_itself(self) -> bool:
        """Whether torch can be handed other bytes than the file it was called with: it maps that by its path."""
        settings = getattr(sys.modules.get("torch.utils.serialization.config"), "load", None)
        mapped = self.options.get("mmap") or getattr(settings, "mmap", False)
        return not (self.weights_only or mapped) and self.pickle_module is pickle

    def _with_weights_only(self, wrapped: Callable[..., Any], permit: Permit, proved: bytes) -> Any:
        """Let torch's own restricted machine read the proved bytes, with what somebody added to its safe globals."""
        scope = thread_state.scope
        renamed = [] if permit.approved else _aliases(permit.names)
        if renamed and scope is not None:
            raise scope.refuse(f"{renamed[0]}, which stands for something else on torch's list of safe globals")
        _proved.stream = proved
        try:
            return wrapped(self.target, **self.options)
        finally:
            _proved.stream = None

    def run(self, wrapped: Callable[..., Any], reached: Reached, permit: Permit) -> Any:
        """Load what was permitted: torch reads the tensors from the archive, and the opcodes from the proved bytes."""
        if permit.format == SCRIPT:
            return (
                self._with_weights_only(wrapped, permit, b"")
                if self.weights_only
                else load_as_script(reached, permit, self.options)
            )
        proved = b"" if permit.copy is None else b"".join(data for _, data in permit.copy.segments)
        if permit.format == "torch-zip" and proved and self.weights_only:
            return self._with_weights_only(wrapped, permit, proved)
        if permit.format == "torch-zip" and proved:
            options = {**self.options, "pickle_module": _pickle_module(self.pickle_module, proved), "weights_only": False}
            with reached.held() or contextlib.nullcontext(self.target) as target:
                return wrapped(target, **options)
        if permit.format == "torch-legacy":
            file = reached.replay(permit.copy, tail=True)
            if permit.copy is not None and hasattr(self.target, "seek"):
                self.target.seek(0, os.SEEK_END)
            return wrapped(file, **self.options)
        return wrapped(self.target, **self.options)


class _Proved(threading.local):
    stream: bytes | None = None


_proved = for_each_thread(_Proved())


def swap_proved_stream(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Hand torch's restricted machine the proved bytes in place of what it read (`_weights_only_unpickler.Unpickler.__init__`)."""
    stream, _proved.stream = _proved.stream, None
    if stream is None:
        return wrapped(*args, **options)
    return wrapped(io.BytesIO(stream), *args[1:], **{name: value for name, value in options.items() if name != "file"})


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
