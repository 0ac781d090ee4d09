"""Copy the tensors of a file into a safetensors file, by a plan; one tensor at a time, nothing but numbers.

The plan was made of a stranger's bytes, in another process: what it says is checked against the file again before memory is laid out by it.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from jupyter_modelguard.errors import ScanError

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_modelguard.engines.weights import TensorPlace, WeightsPlan

__all__ = ["write_weights"]

_PIECE: Final = 1 << 24  # bytes that are copied at a time
_MOST_DIMENSIONS: Final = 32  # numpy knows no more in its older versions


def write_weights(plan: WeightsPlan, source: str, target: Path, spool: str = os.devnull) -> None:
    """Write a safetensors file.

    Parameters
    ----------
    plan
        Of the file `source`; see `jupyter_modelguard.engines.weights.plan_weights`.
    target
        Must not exist yet; nothing is left of it when this fails.
    spool
        Where the plan keeps numbers that are not in the file as they are.

    Raises
    ------
    ScanError
        If the file does not hold what the plan says.
    OSError
        If one cannot be read, or the other cannot be written.
    """
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for tensor in plan.tensors:
        header[tensor.name] = {"dtype": tensor.dtype, "shape": list(tensor.shape), "data_offsets": [end, end + tensor.size]}
        end += tensor.size
    text = json.dumps(header, ensure_ascii=False).encode("utf-8", "surrogatepass")
    text += b" " * (-len(text) % 8)
    with open(source, "rb") as file, open(spool, "rb") as kept, target.open("xb") as out:  # noqa: PTH123 a file descriptor's path is no `Path`
        try:
            out.write(len(text).to_bytes(8, "little"))
            out.write(text)
            for tensor in plan.tensors:
                _copy(kept if tensor.apart else file, out, tensor)
        except BaseException:
            with contextlib.suppress(OSError):
                target.unlink()
            raise


def _copy(file: BinaryIO, out: BinaryIO, tensor: TensorPlace) -> None:
    if not tensor.size:
        return
    if _is_dense(tensor):
        first, left = tensor.start + tensor.offset * tensor.itemsize, tensor.size
        if (tensor.offset * tensor.itemsize) + left > tensor.length:
            raise ScanError(f"{tensor.name:.80} is laid out beyond its own numbers")
        while left:
            piece = _read(file, first, min(left, _PIECE), tensor)
            out.write(piece)
            first, left = first + len(piece), left - len(piece)
        return
    import numpy as np

    reaches = tensor.offset + 1 + sum((length - 1) * stride for length, stride in zip(tensor.shape, tensor.strides, strict=True))
    if (
        len(tensor.shape) > _MOST_DIMENSIONS
        or min((*tensor.shape, *tensor.strides, tensor.offset)) < 0
        or reaches * tensor.itemsize > tensor.length
    ):
        raise ScanError(f"{tensor.name:.80} is laid out beyond its own numbers")
    numbers = np.frombuffer(_read(file, tensor.start, reaches * tensor.itemsize, tensor), f"<u{tensor.itemsize}")
    strides = [stride * tensor.itemsize for stride in tensor.strides]
    view = np.lib.stride_tricks.as_strided(numbers[tensor.offset :], tensor.shape, strides, writeable=False)
    out.write(np.ascontiguousarray(view).tobytes())


def _is_dense(tensor: TensorPlace) -> bool:
    """Whether its numbers follow each other in its storage as they do in the file to be written."""
    expected = 1
    for length, stride in zip(reversed(tensor.shape), reversed(tensor.strides), strict=True):
        if length != 1 and stride != expected:
            return False
        expected *= length
    return True


def _read(file: BinaryIO, start: int, length: int, tensor: TensorPlace) -> bytes:
    data = os.pread(file.fileno(), length, start)
    if len(data) < length:  # a system call gives two gigabytes at the most
        parts = [data]
        while (have := sum(map(len, parts))) < length and parts[-1]:
            parts.append(os.pread(file.fileno(), length - have, start + have))
        data = b"".join(parts)
    if len(data) < length:
        raise ScanError(f"the numbers of {tensor.name:.80} are missing from the file")
    return data
