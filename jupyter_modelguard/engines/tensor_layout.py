"""How the numbers of a tensor or an array lie in their storage, and the types of number that can be copied out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

__all__ = ["TYPES", "Layout", "Storage"]

TYPES: Final = {  # of torch: as safetensors calls it, and bytes of an element
    "float64": ("F64", 8),
    "float32": ("F32", 4),
    "float16": ("F16", 2),
    "bfloat16": ("BF16", 2),
    "int64": ("I64", 8),
    "int32": ("I32", 4),
    "int16": ("I16", 2),
    "int8": ("I8", 1),
    "uint64": ("U64", 8),
    "uint32": ("U32", 4),
    "uint16": ("U16", 2),
    "uint8": ("U8", 1),
    "bool": ("BOOL", 1),
    "float8_e4m3fn": ("F8_E4M3", 1),
    "float8_e5m2": ("F8_E5M2", 1),
}


@dataclass(frozen=True, slots=True)
class Storage:
    """The numbers that tensors are views of.

    Attributes
    ----------
    key
        Under which the file keeps them; empty where `data` holds them.
    dtype
        As torch calls it: "float32".
    count
        In elements.
    first
        Where a view of another storage starts in it, in elements.
    data
        The numbers themselves, where they stood between the opcodes of a pickle.
    """

    key: str
    dtype: str
    count: int
    first: int = 0
    data: bytes | memoryview | None = field(default=None, repr=False)

    @property
    def itemsize(self) -> int:
        """Bytes of an element."""
        return TYPES[self.dtype][1]


@dataclass(frozen=True, slots=True)
class Layout:
    """A tensor as its storage holds it; sizes in elements of its own type."""

    storage: Storage
    dtype: str  # as safetensors calls it
    itemsize: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int

    @property
    def reaches(self) -> int:
        """Elements from the start of the storage to the end of the tensor."""
        if 0 in self.shape:
            return 0
        return self.offset + 1 + sum((length - 1) * stride for length, stride in zip(self.shape, self.strides, strict=True))
