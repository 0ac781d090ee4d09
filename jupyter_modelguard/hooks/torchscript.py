"""TorchScript archives: torch's own interpreter runs their code, where CPython sees nothing.

What torch opens by its path is kept still, so that the bytes that were looked at are the bytes that are loaded; a file object is read
once. What the archive would do while it loads, and what its functions use, is said by the trace.
"""

from __future__ import annotations

import io
import os
import sys
import warnings
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.artifacts.reach import Reached, file_name, path_of
from jupyter_modelguard.artifacts.still import StillFile
from jupyter_modelguard.hooks.scopes import Mode, Scope, Suspended, thread_state
from jupyter_modelguard.hooks.trusted_loads import stay_within

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import BinaryIO

    from jupyter_modelguard.hooks.gate import Permit
    from jupyter_modelguard.hooks.passage import Passage

__all__ = ["SCRIPT", "guard_jit_load", "load_as_script", "may_be_script"]

SCRIPT = "torchscript"
"""The format of an archive that torch runs as TorchScript."""

_PARAMETERS = ("f", "map_location", "_extra_files", "_restore_shapes")
_PROOFS = (Mode.PROVED, Mode.PROVING)
_DIRECTORY = 1 << 19  # bytes at the end of a file in which the last members of an archive are listed
_RUNS_INPUTS = "_restore_shapes, which runs the model on inputs that the archive brings"


def guard_jit_load(passage: Passage) -> Callable[..., Any]:
    """Return a wrapt wrapper for `torch.jit.load`: no event fires in there, so a load that was taken for a plain one ends here."""

    def load(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        scope = thread_state.scope
        if scope is not None and not thread_state.suspended and (scope.mode in _PROOFS or _is_dispatch(sys._getframe(1), scope)):
            raise scope.refuse("torch.jit.load: the archive turned into TorchScript after it was looked at")
        named = {**dict(zip(_PARAMETERS, args, strict=False)), **options}
        target = named.pop("f", None)
        stay_within(target)
        if passage.inside() or len(args) > len(_PARAMETERS) or not _is_readable(target):
            return wrapped(*args, **options)  # the last: torch's own words for what is no file
        frame = sys._getframe(1)
        with Suspended():
            path = path_of(target)
            source = path or file_name(target) or "<file object>"
            request = passage.gate.request("torch.jit.load", "torch.jit.load()", source, frame)
            try:
                reached = (
                    StillFile.at_path(path) if path is not None else Reached.of_bytes(bytes(target.read()), file_name(target))
                )
            except Exception as error:
                passage.gate.failed(request, error)
                raise
        with reached:

            def run(permit: Permit) -> Any:
                return _run_script(wrapped, reached, permit, named)

            own_ways = _RUNS_INPUTS if named.get("_restore_shapes") else ""
            return passage.stream(request, reached, "torch", run, own_ways=own_ways)

    return load


def _run_script(load: Callable[..., Any], reached: Reached, permit: Permit, options: dict[str, Any]) -> Any:
    """Load what was permitted with torch's own function, from what was looked at."""
    scope = thread_state.scope or Scope(Mode.PROVED)
    if not permit.approved and permit.format not in (
        SCRIPT,
        "torch-zip",
    ):  # of an ordinary zip torch says that it is no TorchScript
        raise scope.refuse("TorchScript in a file that is no archive of torch")
    value = load(_opened(reached), **options)
    if isinstance(reached, StillFile) and not reached.kept:
        raise scope.refuse("another file: it may have been rewritten while it was loaded")
    return value


def load_as_script(reached: Reached, permit: Permit, options: dict[str, Any]) -> Any:
    """Do as torch.load does with a TorchScript archive."""
    import torch

    warnings.warn(
        "'torch.load' received a zip file that looks like a TorchScript archive dispatching to 'torch.jit.load' "
        "(call 'torch.jit.load' directly to silence this warning)",
        UserWarning,
        stacklevel=2,
    )
    if not isinstance(reached, StillFile) and reached.data is None:
        raise (thread_state.scope or Scope(Mode.PROVED)).refuse("TorchScript where no archive of torch has its mark")
    plain = getattr(torch.jit.load, "__wrapped__", torch.jit.load)
    return _run_script(plain, reached, permit, {"map_location": options.get("map_location")})


def may_be_script(reached: Reached) -> bool:
    """Whether the directory of an archive seems to name the mark of TorchScript; torch.load goes by that mark alone."""
    with reached.source.open() as file:
        start = file.tell()
        if file.read(4) != b"PK\x03\x04":
            return False
        end = file.seek(0, os.SEEK_END)
        file.seek(max(start, end - _DIRECTORY))
        return b"constants.pkl" in file.read(_DIRECTORY)


def _is_dispatch(frame: FrameType, scope: Scope) -> bool:
    """Whether torch.load hands on what it was allowed to load as something else."""
    return scope.mode is Mode.APPROVED and frame.f_globals.get("__name__") == "torch.serialization"


def _opened(reached: Reached) -> str | BinaryIO:
    return reached.path if isinstance(reached, StillFile) else io.BytesIO(reached.everything())


def _is_readable(target: object) -> bool:
    if isinstance(target, (str, os.PathLike)):
        return os.path.isfile(target) or not (os.path.isdir(target) or not os.path.exists(target))
    return hasattr(target, "read")
