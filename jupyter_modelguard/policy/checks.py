"""Tests that a pattern cannot express, by the name that the reviewed lists give them.

Each gets the call's arguments and the state (None before BUILD) and answers with what is wrong, or with nothing.
"""

from __future__ import annotations

import math
import os
import re
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.policy.codes import wrong_with_categorical, wrong_with_multi_index
from jupyter_modelguard.policy.graph_views import wrong_with_graph_view
from jupyter_modelguard.policy.layouts import wrong_with_arrow_array, wrong_with_blocks
from jupyter_modelguard.policy.neighbour_trees import wrong_with_neighbour_tree
from jupyter_modelguard.policy.optimizers import wrong_with_optimizer
from jupyter_modelguard.policy.own_state import wrong_with_own_state
from jupyter_modelguard.policy.pictures import wrong_with_picture
from jupyter_modelguard.types import QualifiedName

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CHECKS", "CONTENT", "LAYOUTS"]

_LONGEST_NUMBER = 4000  # characters; CPython refuses to convert more than 4,300 digits
_MOST_OUTPUTS = 1 << 20  # of a decision tree, which makes room for them before it looks at its arrays
_LARGEST_EXPONENT = 10_000
_LONGEST_EXPRESSION = 100_000  # characters
_EXPRESSION_FLAGS = re.IGNORECASE | re.LOCALE | re.MULTILINE | re.DOTALL | re.UNICODE | re.VERBOSE | re.ASCII
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,39}(?:/[A-Za-z0-9_+-]{1,40}){0,3}")
_DISTRIBUTION = re.compile(r"\ndef _parse_args\(self, ((?:[A-Za-z_][A-Za-z0-9_]*, )*) (loc=0, scale=1)\):\n")
_PARSERS = """
def _parse_args(self, {0} {1}):
    return ({0}), {2}

def _parse_args_rvs(self, {0} {1}, size=None):
    return self._argcheck_rvs({0} {2}, size=size)

def _parse_args_stats(self, {0} {1}, moments='mv'):
    return ({0}), {2}, moments
"""
_FITTED = frozenset({QualifiedName("lifelines.fitters.coxph_fitter", "SemiParametricPHFitter")})
_DECIMAL = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[Ee]([+-]?\d{1,9}))?|[+-]?(?:Infinity|NaN\d*|sNaN\d*|Inf)", re.ASCII)
_FRACTION = re.compile(r"-?\d+(?:/[1-9]\d*)?", re.ASCII)


def _decimal(arguments: tuple[Any, ...], _state: Any, _dtype: Callable[[Any], Any]) -> str:
    text = arguments[0]
    found = _DECIMAL.fullmatch(text) if len(text) <= _LONGEST_NUMBER else None
    if found is None:
        return "its number is not written as decimal writes numbers"
    return "its exponent is out of bounds" if abs(int(found[1] or 0)) > _LARGEST_EXPONENT else ""


def _fraction(arguments: tuple[Any, ...], _state: Any, _dtype: Callable[[Any], Any]) -> str:
    if type(arguments[0]) is int:
        return ""
    good = len(arguments) == 1 and len(arguments[0]) <= _LONGEST_NUMBER and _FRACTION.fullmatch(arguments[0])
    return "" if good else "its number is not written as fractions writes numbers"


def _array(arguments: tuple[Any, ...], state: Any, dtype: Callable[[Any], Any]) -> str:
    if arguments and (arguments[1] != (0,) or arguments[2] not in (b"b", "b")):
        return "its placeholder is not the empty one that numpy writes"
    return "" if state is None else _contents(state[1], state[2], state[4], dtype)


def _dill_array(arguments: tuple[Any, ...], _state: Any, dtype: Callable[[Any], Any]) -> str:
    return _array(arguments[1], arguments[2], dtype)


def _masked_array(arguments: tuple[Any, ...], state: Any, dtype: Callable[[Any], Any]) -> str:
    if state is None:
        return "" if arguments[2] == (0,) and arguments[3] in (b"b", "b") else "its placeholder is not the one that numpy writes"
    made = dtype(state[2])
    if made is not None and (made.hasobject or made.names is not None):
        return "a masked array of objects or records is not reviewed"
    return _contents(state[1], state[2], state[4], dtype)


def _contents(shape: tuple[int, ...], kind: Any, data: Any, dtype: Callable[[Any], Any]) -> str:
    made = dtype(kind)
    if made is None:
        return "its data type is not one that numpy makes"
    if made.hasobject:
        # Objects in a record go through `__float__` and the like of its other fields.
        if made.kind != "O" or type(data) is not list:
            return "objects inside records are not reviewed"
        # numpy takes as many objects as the shape has places, also from behind the end of the list.
        return "" if math.prod(shape) == len(data) else "it has another number of objects than places"
    if type(data) not in (bytes, str):
        return "its data is not raw bytes"
    return "" if math.prod(shape) * made.itemsize == len(data) else "its data does not fit its shape"


def _buffer(arguments: tuple[Any, ...], _state: Any, dtype: Callable[[Any], Any]) -> str:
    made = dtype(arguments[1])
    return "its data type is not one that numpy makes" if made is None or made.hasobject else ""


def _scalar(arguments: tuple[Any, ...], _state: Any, dtype: Callable[[Any], Any]) -> str:
    made = dtype(arguments[0])
    return "its data type is not one that numpy makes" if made is None or made.hasobject else ""


def _dtype(arguments: tuple[Any, ...], _state: Any, _unused: Callable[[Any], Any]) -> str:
    # The state is judged by building the type again, see `Grammar.dtype`.
    from jupyter_modelguard.policy.dtypes import CODE

    good = (type(arguments[0]) is not str or CODE.fullmatch(arguments[0])) and not arguments[1] and bool(arguments[2])
    return "" if good else "its data type is not written as numpy writes types"


def _array_wrapper(  # noqa: PLR0911 a list of reasons
    _arguments: tuple[Any, ...], state: Any, dtype: Callable[[Any], Any]
) -> str:
    from jupyter_modelguard.policy.record import is_global, name_of

    if state is None:
        return ""
    known = {"subclass", "shape", "order", "dtype", "allow_mmap", "numpy_array_alignment_bytes"}
    if not state.keys() <= known or not {"subclass", "shape", "order", "dtype"} <= state.keys():
        return "its description is not the one that joblib writes"
    subclass = state["subclass"]
    if not is_global(subclass) or str(name_of(subclass)) not in ("numpy.ndarray", "numpy.memmap"):
        return "it rebuilds a class of arrays that is not reviewed"
    shape = state["shape"]
    if type(shape) is not tuple or not all(type(size) is int and size >= 0 for size in shape) or state["order"] not in ("C", "F"):
        return "its shape is not one that joblib writes"
    made = dtype(state["dtype"])
    if made is None or (made.hasobject and made.kind != "O"):
        return "its data type is not one that numpy makes"
    if made.hasobject and state.get("allow_mmap", False) is not False:
        return "it maps objects into memory"
    alignment = state.get("numpy_array_alignment_bytes")
    if type(state.get("allow_mmap", False)) is not bool or (alignment is not None and type(alignment) is not int):
        return "its description is not the one that joblib writes"
    return ""


def _tree(arguments: tuple[Any, ...], _state: Any, _dtype: Callable[[Any], Any]) -> str:
    return "" if 0 < arguments[2] <= _MOST_OUTPUTS else "its number of outputs is out of bounds"


def _distance(arguments: tuple[Any, ...], _state: Any, _dtype: Callable[[Any], Any]) -> str:
    from jupyter_modelguard.policy.record import name_of

    name = name_of(arguments[0]) if arguments else None
    return "" if name is None or name.module == "sklearn.metrics._dist_metrics" else "makes something else than a distance"


def _reconstructor(arguments: tuple[Any, ...], _state: Any, _dtype: Callable[[Any], Any]) -> str:
    from jupyter_modelguard.policy.record import is_plain, name_of

    base = name_of(arguments[1]).name
    if base == "object":
        return "" if arguments[2] is None else "is given something to make a bare object of"
    # A dictionary, a list and a tuple are copied as they are, whatever they hold; numbers and text must be such.
    kind = {"dict": dict, "list": list, "tuple": tuple, "str": str, "int": int, "float": float, "bytes": bytes}[base]
    good = type(arguments[2]) is kind and (kind in (dict, list, tuple) or is_plain(arguments[2]))
    return "" if good else "is given something else than its builtin type is made of"


def _regular_expression(arguments: tuple[Any, ...], _state: Any, _dtype: Callable[[Any], Any]) -> str:
    if len(arguments[0]) > _LONGEST_EXPRESSION:
        return "its regular expression is out of bounds"
    return "" if arguments[1] & ~_EXPRESSION_FLAGS == 0 else "its flags are not those of a plain regular expression"


def _time_zone_name(arguments: tuple[Any, ...], _state: Any, _dtype: Callable[[Any], Any]) -> str:
    return "" if _ZONE.fullmatch(arguments[0]) else "it is not named as time zones are"


def _time_zone(arguments: tuple[Any, ...], state: Any, dtype: Callable[[Any], Any]) -> str:
    wrong = _time_zone_name(arguments, state, dtype)
    if wrong:
        return wrong
    # Where Python's folders do not have the zone, Python imports a package under a name made of the zone's.
    import zoneinfo

    known = any(os.path.isfile(os.path.join(folder, *arguments[0].split("/"))) for folder in zoneinfo.TZPATH)  # noqa: PTH113, PTH118
    return "" if known else "it is not one of the time zones of this system"


def _distribution(_arguments: tuple[Any, ...], state: Any, _dtype: Callable[[Any], Any]) -> str:
    if state is None:
        return ""
    found = _DISTRIBUTION.match(state["_parse_arg_template"])
    good = found is not None and state["_parse_arg_template"] == _PARSERS.format(
        found[1], found[2], found[2].replace("=0", "").replace("=1", "")
    )
    return "" if good else "its text, which is executed, is not the one that scipy writes"


def _fitted_model(_arguments: tuple[Any, ...], state: Any, _dtype: Callable[[Any], Any]) -> str:
    from jupyter_modelguard.policy.record import is_made, name_of

    held = None if state is None else state.get("_model")
    good = held is None or (is_made(held) and name_of(held) in _FITTED)
    return "" if good else "asks something else than a model of its own for attributes"


# Checks of layouts are told of the whole trace, the others what numpy type an object stands for.
LAYOUTS = frozenset({"arrow-array", "blocks", "categorical", "multi-index", "neighbour-tree", "optimizer", "updated-with-itself"})
# Those of them that look into large arrays, which a trace passes over otherwise.
CONTENT = frozenset({"arrow-array", "categorical", "multi-index", "neighbour-tree"})
CHECKS: dict[str, Callable[[tuple[Any, ...], Any, Any], str]] = {
    "array": _array,
    "arrow-array": wrong_with_arrow_array,
    "array-wrapper": _array_wrapper,
    "blocks": wrong_with_blocks,
    "buffer": _buffer,
    "categorical": wrong_with_categorical,
    "decimal": _decimal,
    "distance": _distance,
    "dill-array": _dill_array,
    "distribution": _distribution,
    "dtype": _dtype,
    "fraction": _fraction,
    "fitted-model": _fitted_model,
    "graph-view": wrong_with_graph_view,
    "masked-array": _masked_array,
    "multi-index": wrong_with_multi_index,
    "neighbour-tree": wrong_with_neighbour_tree,
    "optimizer": wrong_with_optimizer,
    "picture": wrong_with_picture,
    "reconstructor": _reconstructor,
    "regular-expression": _regular_expression,
    "scalar": _scalar,
    "time-zone": _time_zone,
    "time-zone-name": _time_zone_name,
    "tree": _tree,
    "updated-with-itself": wrong_with_own_state,
}
