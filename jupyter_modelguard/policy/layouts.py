"""Whether the numbers that native readers go by fit the memory that they reach into.

Two of them look at nothing themselves. Arrow makes an array of a type, a length and some buffers, and reaches for as many bytes as the
type and the length say. pandas writes the number of each block to the places that the block names, without a look at how many places there
are. What is told apart here is where a reader would reach past its memory; what lies inside is data.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Protocol

from jupyter_modelguard.artifacts.copy import SKIP_AT_LEAST
from jupyter_modelguard.policy.record import is_global, is_made

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_modelguard.artifacts.payload import Payload

__all__ = ["Facts", "array_of", "wrong_with_arrow_array", "wrong_with_blocks"]

_ARROW_BITS = (
    (1, re.compile(r"bool|boolean")),
    (8, re.compile(r"u?int8|[iu]1")),
    (16, re.compile(r"u?int16|[iu]2|f2|halffloat|float16")),
    (32, re.compile(r"u?int32|[iu]4|f4|float|float32|date32")),
    (64, re.compile(r"u?int64|[iu]8|f8|double|float64|date64")),
)
_ARROW_TEXT = re.compile(r"(large_)?(?:string|str|utf8|binary)")
_MOST_ITEMS = 1 << 62


class Facts(Protocol):
    """What a trace knows of its objects."""

    def arrow_type(self, made: Any) -> str:
        """Give the name by which a type of Arrow was looked up."""

    def given(self, made: Any) -> tuple[Any, ...]:
        """Give the arguments of the call that made an object."""

    def state(self, made: Any) -> Any:
        """Give the state of an object; None without one."""

    def makes(self, made: Any) -> str:
        """Say what an object is."""

    def dtype(self, made: Any) -> Any:
        """Give the numpy type that an object stands for."""

    def content(self, made: Any) -> Payload | None:
        """Give the raw content of an array that joblib only describes; None where that is not known."""

    def payload(self, content: Any) -> Payload | None:
        """Give what a load will have for some bytes of the trace; None where that cannot be told."""

    def apart(self, made: Any) -> Any:
        """Give the array of objects that joblib reads in place of one that it describes; any other as it is."""

    def pairs(self, made: Any) -> list[tuple[Any, Any]] | None:
        """Give all keys and values that a mapping was given; None where they are not all known."""


def wrong_with_arrow_array(  # noqa: PLR0911 a list of reasons
    arguments: tuple[Any, ...], _state: Any, facts: Facts
) -> str:
    """Say whether Arrow would reach past the buffers of an array; nothing if not."""
    kind, length, nulls, offset, buffers, children, _ = arguments[0]
    if children or length < 0 or offset < 0 or nulls < -1 or length + offset > _MOST_ITEMS:
        return "an array inside another is not reviewed"
    name = facts.arrow_type(kind)
    sizes = [_size(buffer, facts) for buffer in buffers]
    needed = _needed(name, length + offset)
    # Arrow reaches for as many buffers as a type has, and does not look how many there are.
    if needed is None or len(needed) != len(sizes):
        return "it has another number of buffers than its type"
    if sizes and buffers[0] is None:
        needed[0] = 0  # without a mask no value is missing
        if nulls > 0 and name != "null":
            return "it says that values are missing, and not which"
    if not all(size >= least for size, least in zip(sizes, needed, strict=True)):
        return "its buffers are too short for it"
    text = _ARROW_TEXT.fullmatch(name)
    if text is None or not length:
        return ""
    content = facts.payload(_buffer(buffers[1], facts))
    if content is None:
        return "where its texts lie cannot be told, and Arrow would not look"
    kind, places = "<i8" if text[1] else "<i4", (offset, offset + length + 1)
    inside: bool = content.once((kind, places, sizes[2]), lambda: _is_inside(content, kind, places, sizes[2]))
    return "" if inside else "its texts lie outside of its bytes"


def _is_inside(content: Payload, kind: str, places: tuple[int, int], size: int) -> bool:
    """Whether many texts, each of which ends where the next begins, lie inside their bytes."""
    import numpy as np

    width = np.dtype(kind).itemsize
    last = 0
    for piece in content.pieces(places[0] * width, places[1] * width):
        bounds = np.frombuffer(piece, kind)
        if bounds[0] < last or not (bounds[1:] >= bounds[:-1]).all():
            return False
        last = bounds[-1]
    return bool(last <= size)


def _needed(name: str, count: int) -> list[int] | None:
    """Say how many bytes each buffer of a type must have for a number of values."""
    if name == "null":
        return [0]
    mask = (count + 7) // 8
    text = _ARROW_TEXT.fullmatch(name)
    if text is not None:
        return [mask, (count + 1) * (8 if text[1] else 4) if count else 0, 0]
    bits = next((bits for bits, names in _ARROW_BITS if names.fullmatch(name)), None)
    return None if bits is None else [mask, (count * bits + 7) // 8]


def _size(buffer: Any, facts: Facts) -> int:
    """Give the length of a buffer in bytes, whose content the trace may have passed over."""
    return memoryview(_buffer(buffer, facts)).nbytes


def _buffer(buffer: Any, facts: Facts) -> bytes | bytearray | memoryview:
    content = facts.given(buffer)[:1] if is_made(buffer) else ()
    if content and is_made(content[0]):  # a bytearray of older protocols
        content = facts.given(content[0])[:1]
    return content[0] if content and type(content[0]) in (bytes, bytearray, memoryview) else b""


def wrong_with_blocks(arguments: tuple[Any, ...], state: Any, facts: Facts) -> str:
    """Say whether pandas would write past the columns of a table; nothing if not."""
    if type(state) is tuple:
        description = state[3]["0.14.1"]
        columns = _length(description["axes"][0], facts) if description["axes"] else None
        places = [_places(block["mgr_locs"], facts) for block in description["blocks"]]
        if columns is None or None in places or sum(map(len, filter(None, places))) != columns:
            return "the places of its columns cannot be told, and pandas would not look"
    elif arguments:
        # pandas compares the number of columns with that of places, so it is enough to know the places.
        given = [facts.given(block) for block in arguments[0]]
        places = [_places(block[1], facts) for block in given if len(block) > 1 and not _is_behind(block[1], facts)]
        if None in places:
            return "the places of its columns cannot be told, and pandas would not look"
        if len(places) < len(given):
            return ""  # joblib keeps numbers behind the pickle
        columns = sum(map(len, filter(None, places)))
    else:
        return ""
    inside = all(0 <= place < columns for one in places for place in _ends(one or range(0)))
    return "" if inside else "its columns have places that it has not"


def _ends(places: Any) -> Iterable[int]:
    return (places[0], places[-1]) if type(places) is range and len(places) else places


def _is_behind(place: Any, facts: Facts) -> bool:
    return is_made(place) and type(facts.state(place)) is dict


def _places(place: Any, facts: Facts) -> range | list[int] | None:
    """Give the places that a block names; None where they cannot be told."""
    if type(place) is int:
        return range(place, place + 1)
    made = facts.makes(place) if is_made(place) else ""
    given = facts.given(place) if made else ()
    if made == "pandas.BlockPlacement" and len(given) == 1:
        return _places(given[0], facts)
    if made == "builtins.slice":
        return range(*given) if len(given) == 3 and all(type(number) is int for number in given) and given[2] > 0 else None  # noqa: PLR2004
    shape, kind, data = _array(place, facts) if made == "numpy.ndarray" else ((), None, b"")
    if kind is None or kind.kind not in "iu" or len(shape) != 1 or type(data) is not bytes:
        return None
    if len(data) >= SKIP_AT_LEAST or len(data) != shape[0] * kind.itemsize:  # the trace does not know what is in large payloads
        return None
    import numpy as np

    found: list[int] = np.frombuffer(data, kind).tolist()
    return found


def array_of(made: Any, facts: Facts) -> tuple[tuple[int, ...], Any, Payload | None]:
    """Give shape, type and content of an array of numbers.

    No type if the trace does not know it or the numbers stand in the order of Fortran; no content if that cannot be told.
    """
    state = _state(made, facts) if is_made(made) and facts.makes(made) == "numpy.ndarray" else None
    if type(state) is dict:  # as joblib describes it
        kind = facts.dtype(state.get("dtype"))
        return (state.get("shape", ()), kind, facts.content(made)) if state.get("order") == "C" else ((), None, None)
    try:
        shape, kind, data = _array(made, facts) if is_made(made) and facts.makes(made) == "numpy.ndarray" else ((), None, None)
    except UnicodeEncodeError:  # a text that is no bytes of protocol 2
        return (), None, None
    if not all(type(size) is int and size >= 0 for size in shape):  # its own row refuses that as well
        return (), None, None
    if kind is None or (state[3] not in (False, 0) if type(state) is tuple else facts.given(made)[3:4] != ("C",)):
        return (), None, None
    content = facts.payload(data)
    return shape, kind, content if content is not None and len(content) == math.prod(shape) * kind.itemsize else None


def _array(made: Any, facts: Facts) -> tuple[tuple[int, ...], Any, Any]:
    """Give shape, type and content of an array of numbers; no type if the trace does not know."""
    state = _state(made, facts)
    if type(state) is tuple and len(state) == 5 and type(state[1]) is tuple:  # noqa: PLR2004 as numpy writes it
        return state[1], facts.dtype(state[2]), bytes(state[4], "latin1") if type(state[4]) is str else state[4]
    given = facts.given(made)
    if len(given) == 4 and type(given[2]) is tuple and type(given[0]) in (bytes, bytearray):  # noqa: PLR2004 as protocol 5 does
        return given[2], facts.dtype(given[1]), given[0] if len(given[0]) >= SKIP_AT_LEAST else bytes(given[0])
    return (), None, b""


def _state(made: Any, facts: Facts) -> Any:
    """Give the state of an array, which dill hands to the call that makes it."""
    state = facts.state(made)
    given = facts.given(made) if state is None else ()
    return given[2] if len(given) == 4 and is_global(given[0]) else state  # noqa: PLR2004 (function, arguments, state, attributes)


def _length(axis: Any, facts: Facts) -> int | None:
    """Give the length of an index; None where that is not plain to see."""
    given = facts.given(axis) if is_made(axis) else ()
    if len(given) != 2 or type(given[1]) is not dict:  # noqa: PLR2004 (class, parts)
        return None
    parts = given[1]
    numbers = [parts.get(name) for name in ("start", "stop", "step")]
    if "data" not in parts:
        return len(range(*numbers)) if all(type(one) is int for one in numbers) and numbers[2] else None  # type: ignore[arg-type]
    if facts.makes(parts["data"]) != "numpy.ndarray" if is_made(parts["data"]) else True:
        return None
    shape, kind, _ = _array(parts["data"], facts)
    return shape[0] if kind is not None and len(shape) == 1 else None
