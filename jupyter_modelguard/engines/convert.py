"""Take the weights out of a file of torch, pickle or joblib, and nothing else: into a safetensors file, or as a dictionary of tensors.

Nothing of the file runs, and no class that it names has to be installed. See `jupyter_modelguard.engines.weights` for how.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.artifacts.source import StreamSource
from jupyter_modelguard.engines.weights import WeightsPlan, plan_weights
from jupyter_modelguard.engines.weights_file import write_weights
from jupyter_modelguard.errors import ScanError

if TYPE_CHECKING:
    from jupyter_modelguard.engines.worker import Worker

__all__ = ["Converted", "convert", "take_weights"]

_worker: Worker | None = None


@dataclass(frozen=True, slots=True)
class Converted:
    """A file of weights that was written, and what of the other one it holds."""

    path: Path
    tensors: int
    size: int  # bytes of the tensors
    left_out: tuple[str, ...]  # tensors that are not in it, a sentence each
    others: int  # values of the file that are no tensors, and are not in it either

    def __str__(self) -> str:
        """Say what was done, in one line."""
        rest = f" Left out: {self.others:,} other {'value' if self.others == 1 else 'values'}." if self.others else ""
        tensors = "1 tensor" if self.tensors == 1 else f"{self.tensors:,} tensors"
        kept = f" {len(self.left_out):,} of them could not be taken: {self.left_out[0]}." if self.left_out else ""
        return f"{self.path}: {tensors}, {self.size:,} bytes. Nothing of the file ran.{rest}{kept}"


def convert(
    path: str | os.PathLike[str], target: str | os.PathLike[str] | None = None, worker: Worker | None = None
) -> Converted:
    """Write the weights of a file of torch, pickle or joblib as safetensors.

    Parameters
    ----------
    path
        What `torch.save`, `pickle` or `joblib` wrote: a checkpoint, a state dict, a whole module, or any object that holds
        tensors or arrays.
    target
        The file to write, which must not exist yet; beside the other one by default, with the ending `.safetensors`.
    worker
        The process that reads the file's opcodes; one of its own by default.

    Raises
    ------
    ScanError
        If there are no weights that can be taken out, or the file to write exists.
    """
    source = Path(path).absolute()
    written = Path(target).absolute() if target is not None else source.with_suffix(".safetensors")
    if written.exists() or written.is_symlink():
        raise ScanError(f"{written} exists already; give another name to write to.")
    if not source.is_file():
        raise ScanError(f"{source} is no file. Give the path of a file that torch, pickle or joblib wrote.")
    try:
        with tempfile.TemporaryDirectory(prefix=".modelguard-", dir=written.parent) as folder:
            spool = Path(folder, "numbers")
            plan = _plan(source, str(spool), worker)
            write_weights(plan, str(source), written, str(spool) if spool.exists() else os.devnull)
    except OSError as error:
        said = f"{written} cannot be written: {error.strerror or error}. Give another place to write to, or make room there."
        raise ScanError(said) from error
    return Converted(written, len(plan.tensors), plan.size, plan.left_out, plan.others)


def take_weights(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Load the weights of a file alone, as a dictionary of tensors by name; nothing of the file runs.

    Parameters
    ----------
    path
        As for `convert`. Of a module the names are those of its `state_dict()`; of other objects the attributes and keys that lead to a
        tensor or array, joined by dots.

    Returns
    -------
    dict
        Name to `torch.Tensor`, on the CPU; to a NumPy array where torch is not installed.

    Raises
    ------
    ScanError
        If there are no weights that can be taken out.
    """
    if importlib.util.find_spec("torch") is not None:
        from safetensors.torch import load_file
    else:
        from safetensors.numpy import load_file
    folder = Path(tempfile.mkdtemp(prefix="modelguard-"))
    try:
        return dict(load_file(convert(path, folder / "weights.safetensors").path))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _plan(source: Path, spool: str, worker: Worker | None) -> WeightsPlan:
    global _worker  # noqa: PLW0603 one process for all files
    if worker is None:
        from jupyter_modelguard.engines.worker import Worker

        worker = _worker = _worker or Worker()
    plan = worker.attempt(plan_weights, StreamSource(str(source)), spool)
    if not isinstance(plan, WeightsPlan):
        said = f"The weights of {source.name} cannot be taken out: {plan}."
        raise ScanError(
            f"{said} Ask whoever made the file for safetensors, or load it in a notebook, where you decide what runs."
        )
    return plan
