"""Whether a pickled numpy data type is one that numpy itself would make.

`numpy.dtype.__setstate__` believes what it is told: forged item sizes and field offsets read and write outside an array's memory. So the
type is built again through numpy's checked constructor, from the code, names, formats, offsets and item size that the pickle gives, and
accepted only if that yields the same pickle.
"""

from __future__ import annotations

import re
from operator import is_
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CODE", "Structures", "rebuild"]

# One type code with its size and no commas, brackets or spaces: the constructor parses anything richer with Python code.
CODE = re.compile(r"[|<>=]?(?:[?bBhHiIlLqQpPefdgFDGO]|[biufcSUVO]\d{1,9}|[SUVMm](?:8)?|c)")
_SHORTEST_STATE, _LONGEST_STATE = 8, 9
_ALIGNED = 0x80
_COMPARED = frozenset({int, bool, str, type(None)})  # types whose values are equal where they are the same


def rebuild(arguments: tuple[Any, ...], state: Any, nested: Callable[[Any], Any]) -> Any:
    """Make the data type that a pickle describes, or None where numpy's constructor makes another or refuses.

    Parameters
    ----------
    arguments
        Of the call of `numpy.dtype`.
    state
        What BUILD gave it; None where there was no BUILD.
    nested
        Gives the checked type for an object of the trace that stands for one; None if it is none.
    """
    import numpy as np

    if len(arguments) != 3 or arguments[1] or not arguments[2]:  # noqa: PLR2004 (code, align, copy): never a shared type
        return None
    code = arguments[0]
    try:
        # The one class that stands for a code: a record, whose fields the state tells.
        made = _construct(np, code, state, nested) if type(code) is str else _record(np, state, nested)
        if made is None:
            return None
        if state is None:
            return made if made.names is None and made.subdtype is None else None
        _, expected_arguments, expected_state = made.__reduce__()
        if made.kind in "mM":
            state = (*state[:8], (None, state[8][1]))  # an empty dictionary says as little as None
        same = (
            expected_arguments[0] == (code if type(code) is str else np.record)
            and len(state) == len(expected_state)
            and all(_equal(mine, theirs, nested) for mine, theirs in zip(state, expected_state, strict=True))
        )
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError, RecursionError, MemoryError):
        return None
    return made if same else None


class Structures:
    """Checked types with fields of one stream, by what they were made of.

    Each tree of a forest brings the very same one, and none can be taken for checked because it was before: its fields can be changed
    between two uses.
    """

    def __init__(self) -> None:
        # By everything that the check looks at. Types of fields stand there by identity, and are held so that none comes again.
        self._known: dict[tuple[Any, ...], tuple[Any, list[Any]]] = {}
        # By identity of arguments and state: both, the fields as they were, and the type. A tuple cannot change, the fields in it can.
        self._seen: dict[tuple[int, int], tuple[Any, Any, tuple[Any, ...], Any]] = {}

    def rebuild(self, arguments: tuple[Any, ...], state: Any, nested: Callable[[Any], Any]) -> Any:
        """Make the type as `rebuild` does, if it was not made of the same parts before."""
        place = id(arguments), id(state)
        if place in self._seen:
            _, _, fields, made = self._seen[place]
            if len(fields) == 2 * len(state[4]) and all(map(is_, fields, (*state[4], *state[4].values()))):
                return made
        formats: list[Any] = []
        key = _parts(arguments, state, nested, formats)
        if key is None:
            return rebuild(arguments, state, nested)
        if key not in self._known:
            self._known[key] = rebuild(arguments, state, nested), formats
        made = self._known[key][0]
        if made is not None and not any(part.names or part.subdtype for part in formats):  # those have fields of their own
            self._seen[place] = arguments, state, (*state[4], *state[4].values()), made
        return made


def _parts(arguments: tuple[Any, ...], state: Any, nested: Callable[[Any], Any], formats: list[Any]) -> tuple[Any, ...] | None:
    """Tell types with fields apart, or None for any other; puts the types of the fields into `formats`."""
    if type(state) is not tuple or len(state) != _SHORTEST_STATE or type(state[3]) is not tuple or type(state[4]) is not dict:
        return None
    plain = [*state[:3], *state[5:], *state[3]]
    for name, field in state[4].items():
        if type(field) is not tuple or not field:
            return None
        formats.append(nested(field[0]))
        plain += [len(field), name, *field[1:]]
    plain += arguments
    types = tuple(map(type, plain))  # True is 1 to a dictionary, and not to a pickle
    return (types, tuple(plain), tuple(map(id, formats))) if _COMPARED.issuperset(types) else None


def _record(np: Any, state: Any, nested: Callable[[Any], Any]) -> Any:
    if type(state) is not tuple or len(state) < _SHORTEST_STATE or state[3] is None:
        return None
    made = _construct(np, "V8", state, nested)
    return None if made is None else np.dtype((np.record, made))


def _construct(  # noqa: C901, PLR0911 a list of what numpy never writes
    np: Any, code: str, state: Any, nested: Callable[[Any], Any]
) -> Any:
    if CODE.fullmatch(code) is None:
        return None
    if state is None:
        return np.dtype(code)
    if type(state) is not tuple or not _SHORTEST_STATE <= len(state) <= _LONGEST_STATE:
        return None
    version, order, subarray, names, fields, size, _, flags = state[:8]
    if type(version) is not int or version not in (3, 4) or type(order) is not str or order not in ("<", ">", "|", "="):
        return None
    if type(flags) is not int or type(size) is not int:
        return None
    if names is not None:
        return _structure(np, names, fields, size, flags, nested)
    if subarray is not None:
        if type(subarray) is not tuple or len(subarray) != 2 or type(subarray[1]) is not tuple:  # noqa: PLR2004 (type, shape)
            return None
        base = nested(subarray[0])
        return None if base is None else np.dtype((base, subarray[1]))
    made = np.dtype(code)
    if made.char in "SUV" and size >= 0:
        made = np.dtype(f"{made.char}{size // 4 if made.char == 'U' else size}")
    if made.kind in "mM" and len(state) == _LONGEST_STATE:
        made = _with_unit(np, made, state[8])
    return made if made is None or order in "|=" else made.newbyteorder(order)


def _with_unit(np: Any, made: Any, metadata: Any) -> Any:
    if type(metadata) is not tuple or len(metadata) != 2:  # noqa: PLR2004 (metadata, unit)
        return None
    if metadata[0] is not None and (type(metadata[0]) is not dict or metadata[0]):
        return None
    unit = metadata[1]
    if type(unit) is not tuple or len(unit) != 4 or type(unit[0]) is not bytes:  # noqa: PLR2004 (unit, count, 1, 1)
        return None
    name = unit[0].decode("ascii")
    if re.fullmatch(r"[a-zA-Z]{1,7}", name) is None or not all(type(number) is int for number in unit[1:]):
        return None
    return np.dtype(made.kind + "8") if name == "generic" else np.dtype(f"{made.kind}8[{unit[1]}{name}]")


def _structure(  # noqa: PLR0913, PLR0917 the parts of a pickled type
    np: Any, names: Any, fields: Any, size: int, flags: int, nested: Callable[[Any], Any]
) -> Any:
    if type(names) is not tuple or type(fields) is not dict or not all(type(name) is str for name in names):
        return None
    if not all(type(key) is str for key in fields):
        return None
    formats, offsets, titles = [], [], []
    for name in names:
        field = fields[name]
        if type(field) is not tuple or len(field) not in (2, 3) or type(field[1]) is not int:
            return None
        formats.append(nested(field[0]))
        offsets.append(field[1])
        titles.append(field[2] if len(field) > 2 else None)  # noqa: PLR2004
    if any(made is None for made in formats) or not all(title is None or type(title) is str for title in titles):
        return None
    description = {"names": list(names), "formats": formats, "offsets": offsets, "itemsize": size}
    if any(title is not None for title in titles):
        description["titles"] = titles
    return np.dtype(description, align=bool(flags & _ALIGNED))


def _equal(mine: Any, theirs: Any, nested: Callable[[Any], Any]) -> bool:
    """Compare pickled state with numpy's own, where types stand for types."""
    import numpy as np

    if isinstance(theirs, np.dtype):
        made = nested(mine)
        return made is not None and made == theirs and made.__reduce__() == theirs.__reduce__()
    if type(mine) is not type(theirs):
        return isinstance(theirs, int) and type(mine) in (int, bool) and int(mine) == int(theirs)
    if isinstance(theirs, tuple):
        return len(mine) == len(theirs) and all(_equal(a, b, nested) for a, b in zip(mine, theirs, strict=True))
    if isinstance(theirs, dict):
        return mine.keys() == theirs.keys() and all(_equal(mine[key], theirs[key], nested) for key in theirs)
    return bool(mine == theirs)
