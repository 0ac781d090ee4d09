"""Find the safetensors file that holds the very weights of another file, beside it.

The tensors are compared by name, type and shape with what the other file holds; two files that only lie side by side are not taken for the
same model. Runs in the limited worker.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.errors import ScanError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jupyter_modelguard.engines.weights import TensorPlace, WeightsPlan

__all__ = ["Sibling", "find_sibling", "sibling_paths"]

_MOST_PREFIXES: Final = 64


@dataclass(frozen=True, slots=True)
class Sibling:
    """A file that holds the same weights."""

    path: str
    tensors: int
    under: str = ""  # the key that all of them have in the other file: "state_dict"


def sibling_paths(path: str) -> tuple[str, ...]:
    """Name the files beside a file that may hold its weights, as the hub and its libraries call them."""
    here = Path(path)
    names = dict.fromkeys((here.stem, here.stem.replace("pytorch_model", "model")))
    found = (here.with_name(f"{name}.safetensors") for name in names)
    return tuple(str(one) for one in found if one != here and one.is_file())


def find_sibling(plan: WeightsPlan, paths: tuple[str, ...]) -> Sibling:
    """Find the first of some safetensors files that holds the weights of a plan.

    Raises
    ------
    ScanError
        If none does.
    """
    from safetensors import safe_open

    for path in paths:
        try:
            with safe_open(path, framework="numpy") as file:
                there = {name: _described(file, name) for name in file.keys()}  # noqa: SIM118 it is no mapping
        except Exception:  # noqa: BLE001, S112 a stranger's file: what cannot be read is not offered
            continue
        for under in _prefixes(plan.tensors):
            if _same(plan.tensors, there, under):
                return Sibling(path, len(there), under.removesuffix("."))
    raise ScanError("no file beside it holds the same tensors")


def _described(file: object, name: str) -> tuple[str, tuple[int, ...]]:
    part = file.get_slice(name)  # type: ignore[attr-defined] # native, without types
    return str(part.get_dtype()), tuple(part.get_shape())


def _prefixes(tensors: Iterable[TensorPlace]) -> Iterator[str]:
    """Give what the names of all weights may begin with: nothing, or a key of the outermost dictionary."""
    yield ""
    tops = dict.fromkeys(tensor.name.partition(".")[0] for tensor in tensors if "." in tensor.name)
    yield from (f"{top}." for top in list(tops)[:_MOST_PREFIXES])


def _same(tensors: tuple[TensorPlace, ...], there: dict[str, tuple[str, tuple[int, ...]]], under: str) -> bool:
    here = {tensor.name.removeprefix(under): tensor for tensor in tensors if tensor.name.startswith(under)}
    if not there or not set(there) <= set(here):
        return False
    if any(there[name] != (here[name].dtype, here[name].shape) for name in there):
        return False
    # safetensors keeps weights that are tied under one of their names
    kept = {_numbers(here[name]) for name in there}
    return all(_numbers(tensor) in kept for name, tensor in here.items() if name not in there)


def _numbers(tensor: TensorPlace) -> tuple[object, ...]:
    return tensor.apart, tensor.start, tensor.offset, tensor.dtype, tensor.shape, tensor.strides
