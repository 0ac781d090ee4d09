"""What NumPy would make of what a stream asks it for, read off from stand-ins: arrays that hold numbers, and nothing else.

An array is taken as pickles of NumPy describe it: a type of the plain kind, a shape, and exactly the bytes that the two call for. A type
that was given any other state, an array that was changed after it was made, and every other kind are left out.
"""

from __future__ import annotations

import re
from math import prod
from typing import Any, Final

from jupyter_modelguard.engines.tensor_layout import TYPES, Layout, Storage

__all__ = ["array_of", "as_bytes", "described", "is_array", "is_number_type", "objects_of", "wrapped_array"]

_MODULES: Final = ("numpy.core", "numpy._core")
_RECONSTRUCT: Final = frozenset(f"{module}.multiarray._reconstruct" for module in _MODULES)
_FROM_BUFFER: Final = frozenset(f"{module}.numeric._frombuffer" for module in _MODULES)
_LEAVES: Final = frozenset({"numpy.dtype", "_codecs.encode", *(f"{module}.multiarray.scalar" for module in _MODULES)})
_SUBCLASSES: Final = frozenset({"numpy.ndarray", "numpy.matrix", "numpy.memmap"})  # whose numbers are what their bytes say
_KINDS: Final = {"f": "float", "i": "int", "u": "uint", "b": "bool"}
_CODE: Final = re.compile(r"([<>|=]?)([fiub])([1248])")
_STATE: Final = 8  # what a plain type is given: version, order, four that it has none of, flags
_VERSION: Final = (3, 4)


def as_bytes(value: Any) -> bytes | bytearray | memoryview | None:
    """Give the bytes that a value of a stream stands for, in the spelling of whatever protocol; None if it is something else."""
    if type(value) in (bytes, bytearray, memoryview):
        return value  # type: ignore[no-any-return] # one of these
    if type(value) is str:  # of Python 2: the reader decoded it in a way that can be undone
        return value.encode("utf-8", "surrogateescape")
    if getattr(value, "name", "") in ("builtins.bytes", "__builtin__.bytes") and value.arguments == () and value.state is None:
        return b""
    if getattr(value, "name", "") == "_codecs.encode" and value.state is None:
        text, *encoding = value.arguments
        if type(text) is str and encoding in (["latin1"], ["latin-1"]):
            try:
                return text.encode("latin1")
            except UnicodeEncodeError:
                return None
    return None


def is_array(made: Any) -> bool:
    """Whether NumPy would make an array of it, of whatever kind."""
    return made.name in _RECONSTRUCT or made.name in _FROM_BUFFER


def is_number_type(made: Any) -> bool:
    """Whether it is a single number, a type or text, in which there is nothing to look for."""
    return made.name in _LEAVES


def array_of(made: Any) -> Layout | None:
    """Say where the numbers of an array lie; None if it is none, or of a kind that cannot be copied out."""
    if made.changed or made.items or made.listed:
        return None
    given, state = made.arguments, made.state
    if made.name in _RECONSTRUCT and type(state) is tuple and len(state) == 5 and type(state[0]) is int and state[0] == 1:  # noqa: PLR2004 (version, shape, type, order, numbers)
        if given and getattr(given[0], "name", "") in _SUBCLASSES:
            return _described(state[1], state[2], bool(state[3]), as_bytes(state[4]))
    elif made.name in _FROM_BUFFER and state is None and len(given) in (4, 5):
        data, kind, shape, order = given[:4]
        if order in ("C", "F") and type(data) is not str:
            return _described(shape, kind, order == "F", as_bytes(data))
    return None


def objects_of(made: Any) -> list[Any] | None:
    """List what an array of objects holds; None if it is none."""
    state = made.state
    if made.name in _RECONSTRUCT and type(state) is tuple and len(state) == 5 and type(state[4]) is list:  # noqa: PLR2004 as above
        return state[4]
    return None


def wrapped_array(state: Any) -> tuple[int, str] | None:
    """Say how many bytes joblib keeps behind the description of an array, and in which order; -1 where a pickle of objects follows.

    None if the description is not one that joblib writes.
    """
    if type(state) is not dict or type(state.get("shape")) is not tuple or state.get("order") not in ("C", "F"):
        return None
    if any(type(length) is not int or length < 0 for length in state["shape"]):
        return None
    kind = state.get("dtype")
    known = _type(kind)
    if known is not None:
        return prod(state["shape"]) * TYPES[known[0]][1], state["order"]
    code = kind.arguments[0] if kind is not None and getattr(kind, "name", "") == "numpy.dtype" and kind.arguments else ""
    if code in ("O", "O8", "|O"):
        return -1, state["order"]
    width = re.fullmatch(r"[<>|=]?([SUVcmM])([0-9]{1,6})", code) if type(code) is str else None
    if width is None:
        return None
    return prod(state["shape"]) * int(width[2]) * (4 if width[1] == "U" else 1), state["order"]


def described(state: dict[str, Any], data: bytes | memoryview) -> Layout | None:
    """Say how the numbers behind joblib's description of an array lie."""
    return _described(state["shape"], state["dtype"], state["order"] == "F", data)


def _described(shape: Any, kind: Any, fortran: bool, data: bytes | bytearray | memoryview | None) -> Layout | None:  # noqa: FBT001 as the pickle has it
    known = _type(kind)
    if known is None or data is None or type(shape) is not tuple:
        return None
    if any(type(length) is not int or length < 0 for length in shape):
        return None
    dtype, swapped = known
    called, itemsize = TYPES[dtype]
    count = prod(shape)
    if count * itemsize != len(data):
        return None
    if swapped:
        import numpy as np

        data = np.frombuffer(data, f">u{itemsize}").astype(f"<u{itemsize}").tobytes()
    storage = Storage("", dtype, count, 0, bytes(data) if isinstance(data, bytearray) else data)
    return Layout(storage, called, itemsize, shape, _strides(shape, fortran=fortran), 0)


def _strides(shape: tuple[int, ...], *, fortran: bool) -> tuple[int, ...]:
    found = []
    step = 1
    for length in shape if fortran else reversed(shape):
        found.append(step)
        step *= max(1, length)
    return tuple(found if fortran else reversed(found))


def _type(kind: Any) -> tuple[str, bool] | None:
    """Give the type of number as torch calls it, and whether its bytes come the other way round."""
    if getattr(kind, "name", "") != "numpy.dtype" or kind.changed or kind.items or not kind.arguments:
        return None
    code = kind.arguments[0]
    match = _CODE.fullmatch(code) if type(code) is str else None
    if match is None or kind.arguments[1:] not in ((), (False, True), (0, 1)):
        return None
    order, kinds, width = match.groups()
    if kind.state is not None:
        state = kind.state
        if type(state) is not tuple or len(state) != _STATE or state[0] not in _VERSION:
            return None
        if state[1] not in ("<", ">", "|", "=") or state[2:5] != (None, None, None) or state[5:] != (-1, -1, 0):
            return None
        order = state[1]
    name = "bool" if kinds == "b" else f"{_KINDS[kinds]}{8 * int(width)}"
    if name not in TYPES or (kinds == "b" and width != "1"):
        return None
    return name, order == ">" and width != "1"
