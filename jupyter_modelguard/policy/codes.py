"""Whether the codes of pandas name values that there are.

A MultiIndex and a Categorical keep each of their values once, and for each row a code: the place of its value, or -1 where none is. pandas
checks codes when somebody makes such an object, and not when a pickle does; native code that fetches the values, as soon as one is shown,
goes by the codes alone. So each of them is looked at here, and asked about where nobody can tell how many values there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_modelguard.policy.layouts import array_of
from jupyter_modelguard.policy.record import is_global, is_made, name_of

if TYPE_CHECKING:
    from jupyter_modelguard.artifacts.payload import Payload
    from jupyter_modelguard.policy.layouts import Facts

__all__ = ["wrong_with_categorical", "wrong_with_multi_index"]

_DEEPEST = 8  # levels; an index of an array of an index … has one or two
_NUMBERS = ("_ndarray", "_data", "_codes")  # where versions of pandas keep the numbers of an array
_OTHER_PARTS = ("_mask", "_left", "_right", "_pa_array")  # what else has as many values as an array
_UNTOLD = "how many values its codes name cannot be told, and pandas would not look"
_OUTSIDE = "its codes name values that it has not"


def wrong_with_multi_index(arguments: tuple[Any, ...], _state: Any, facts: Facts) -> str:
    """Say what is wrong with the codes of an index that is one of several levels; nothing if all fit."""
    if not arguments or name_of(arguments[0]).name != "MultiIndex":
        return ""
    parts = arguments[1]
    levels = parts.get("levels")
    codes = [parts[name] for name in ("codes", "labels") if name in parts]
    if levels is None or len(codes) != 1 or len(levels) != len(codes[0]):
        return "its levels and codes are not those of an index"
    lengths = set()
    for level, some in zip(levels, codes[0], strict=True):
        wrong = _wrong_with_codes(some, _entries(level, facts), facts)
        if wrong:
            return wrong
        lengths.add(array_of(some, facts)[0])
    # What puts the rows in order goes through all levels, as far as the first has rows.
    return "" if len(lengths) <= 1 else "its levels have different numbers of rows"


def wrong_with_categorical(_arguments: tuple[Any, ...], state: Any, facts: Facts) -> str:
    """Say what is wrong with the codes of an array of categories; nothing if all fit."""
    if state is None:
        return ""
    codes = _numbers(state, facts)
    if len(codes) != 1:
        return _UNTOLD
    if type(state) is dict:
        kind = facts.state(state["_dtype"]) if "_dtype" in state else {"categories": state.get("_categories")}
    else:
        kind = next((facts.state(part) for part in state[:2] if is_made(part) and facts.makes(part) == "pandas.dtype"), None)
    categories = kind.get("categories") if type(kind) is dict else None
    return _wrong_with_codes(codes[0], _entries(categories, facts), facts)


def _wrong_with_codes(codes: Any, count: int | None, facts: Facts) -> str:
    shape, kind, content = array_of(codes, facts)
    if count is None or kind is None or content is None:
        return _UNTOLD
    if kind.kind not in "iu" or len(shape) != 1:
        return "its codes are not a row of whole numbers"
    inside: bool = content.once((kind.str, count), lambda: _are_inside(content, kind, count))
    return "" if inside else _OUTSIDE


def _are_inside(content: Payload, kind: Any, count: int) -> bool:
    """Whether each of many codes is the place of a value, or says that there is none."""
    import numpy as np

    codes = (np.frombuffer(piece, kind) for piece in content.pieces())
    return all(some.min() >= -1 and some.max() < count for some in codes)


def _entries(index: Any, facts: Facts, depth: int = 0) -> int | None:
    """Give how many values an index has; None where that cannot be told."""
    given = facts.given(index) if is_made(index) and facts.makes(index) == "pandas.Index" else ()
    if len(given) != 2 or not is_global(given[0]) or type(given[1]) is not dict or depth > _DEEPEST:  # noqa: PLR2004 (class, parts)
        return None
    parts = given[1]
    if "data" in parts:
        return _length(parts["data"], facts, depth + 1)
    if "left" in parts:  # pandas compares it with the right side
        return _length(parts["left"], facts, depth + 1)
    numbers = [parts.get(name) for name in ("start", "stop", "step")]
    if not all(type(one) is int for one in numbers) or not numbers[2]:
        return None
    try:
        return len(range(*numbers))  # type: ignore[arg-type]
    except OverflowError:
        return None


def _length(values: Any, facts: Facts, depth: int) -> int | None:
    """Give how many values an array of numpy, Arrow or pandas has, or an index; None where that cannot be told."""
    made = facts.makes(values) if is_made(values) else ""
    if made == "pandas.Index":
        return _entries(values, facts, depth)
    if made == "numpy.ndarray":
        return _rows(values, facts)
    if made == "pyarrow.Array":
        description = next(iter(facts.given(values)), None)
        # A list of arrays could be changed later.
        return next((part for part in description[1:2] if type(part) is int), None) if type(description) is tuple else None
    state = facts.state(values) if made == "pandas.array" and depth <= _DEEPEST else None
    parts = _numbers(state, facts)
    if type(state) is dict:
        parts += [state[name] for name in _OTHER_PARTS if name in state]
    lengths = {_length(part, facts, depth + 1) for part in parts}
    return lengths.pop() if len(lengths) == 1 else None


def _numbers(state: Any, facts: Facts) -> list[Any]:
    """Give the arrays of numpy in a state of an array of pandas that could be its numbers."""
    found: list[Any] = []
    if type(state) is dict:
        found = [state.get(name) for name in _NUMBERS]
    elif type(state) is tuple:
        found = list(state[:2])  # a type stands beside them, before or behind
    return [one for one in found if is_made(one) and facts.makes(one) == "numpy.ndarray"]


def _rows(values: Any, facts: Facts) -> int | None:
    """Give how many values an array of numpy has; None where it has more axes than one, or that cannot be told."""
    values = facts.apart(values)
    shape, kind, _ = array_of(values, facts)
    if kind is None or len(shape) != 1 or (kind.hasobject and type(facts.state(values)) is dict):
        return None
    return shape[0]
