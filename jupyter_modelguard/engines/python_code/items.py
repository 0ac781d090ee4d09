"""Items, elements and operators: what becomes of lists, dictionaries, texts and numbers that are known."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.engines.python_code import constants
from jupyter_modelguard.engines.python_code.values import Const, Mapping, Module, Names, Ref, Seq

if TYPE_CHECKING:
    from jupyter_modelguard.engines.python_code.resolving import Given, Resolver
    from jupyter_modelguard.engines.python_code.values import Value, Values

__all__ = ["Items", "constant_of", "sliced", "value_of"]

_MOST: Final = 48  # keys that are followed
_MOST_PARTS: Final = 20_000  # of a list of lists
_LONGEST: Final = 4096  # elements of a list that is worked out


class Items:
    """Gives items and elements.

    Parameters
    ----------
    resolver
        For what names stand for.
    """

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def at(self, of: Values, keys: Values) -> Values:
        """Give what stands under a key in what something could be."""
        found: list[Value] = []
        known = [one.value for one in keys if isinstance(one, Const)][:_MOST]
        pieced = any(one.pieced for one in keys if isinstance(one, Const))
        for one in of:
            if isinstance(one, Names):
                found += [value for key in known for value in self._named(one, key, pieced=pieced)]
            elif isinstance(one, Seq):
                found += _positions(one, known)
            elif isinstance(one, Mapping):
                found += [value for key, values in one.items if not known or key in known for value in values]
            elif isinstance(one, Const):
                values = [_tried_item(one.value, key) for key in known]
                found += [Const(value, pieced=True) for value in values if value is not constants.UNKNOWN]
            elif isinstance(one, Ref):
                found += self._of_ref(one, known, pieced=pieced)
        if not any(isinstance(one, (Seq, Const)) for one in of):
            for key in known:
                found += self._resolver.item(key)
        return tuple(found)

    def _named(self, names: Names, key: object, *, pieced: bool) -> Values:
        if not isinstance(key, str):
            return ()
        if key in {"__builtins__", "builtins"}:
            return (Ref("builtins"),)
        if isinstance(names.of, Module):
            return self._resolver.bound(names.of.source.scope, key) or self._resolver.unbound(key, names.of.source.scope)
        return (Ref(f"{names.of.name}.{key}", pieced),) if names.of is not None else ()

    def _of_ref(self, ref: Ref, known: list[object], *, pieced: bool) -> Values:
        if ref.name == "sys.modules":
            return tuple(
                value for key in known if isinstance(key, str) for value in _marked(self._resolver.modules.of(key), pieced=pieced)
            )
        if ref.name == "builtins" or ref.name.endswith("__builtins__"):
            return tuple(Ref(f"builtins.{key}", pieced) for key in known)
        if ref.name == "os.environ":
            return ()
        return ref.grown("[]")

    def elements(self, of: Values) -> list[Values] | None:
        """Give the elements of the one list, text or bytes that something is; None where that is not known."""
        for one in of:
            if isinstance(one, Seq):
                return list(one.items[:_LONGEST])
            if isinstance(one, Const) and isinstance(one.value, (str, bytes)):
                return [(Const(part, pieced=True),) for part in one.value[:_LONGEST]]
            if isinstance(one, Mapping):
                return [(Const(key),) for key, _ in one.items]
        return None

    def unpacked(self, target: ast.expr, value: Values) -> Given:
        """Give the names of a loop's target what one element has for them."""
        if isinstance(target, ast.Name):
            return {target.id: value}
        given: Given = {}
        if isinstance(target, (ast.Tuple, ast.List)):
            for number, part in enumerate(target.elts):
                given |= self.unpacked(part, self.at(value, (Const(number),)))
        return given

    def combined(self, kind: ast.operator, left: Values, right: Values) -> Values:
        """Apply an operator to constants and lists."""
        found: list[Value] = []
        if isinstance(kind, ast.Div):
            return tuple(one for one in left if isinstance(one, Ref) and one.name.startswith("pathlib."))
        for one in left[-4:]:
            for other in right[:4]:
                if isinstance(one, Seq) and isinstance(other, Seq) and isinstance(kind, ast.Add):
                    found.append(Seq((one.items + other.items)[:_LONGEST]))
                    continue
                value, more = constant_of(one), constant_of(other)
                if value is not constants.UNKNOWN and more is not constants.UNKNOWN:
                    found += value_of(
                        constants.operated(
                            kind,
                            tuple(value) if isinstance(value, list) else value,
                            tuple(more) if isinstance(more, list) else more,
                        )
                    )
                elif isinstance(kind, ast.BitOr) and isinstance(one, Mapping) and isinstance(other, Mapping):
                    found.append(Mapping((one.items + other.items)[:_LONGEST]))
        return tuple(found)


def constant_of(value: Value, left: list[int] | None = None) -> Any:
    """Give the Python value of a constant, or of a list of such; `left` counts down what is looked at."""
    left = [_MOST_PARTS] if left is None else left
    left[0] -= 1
    if left[0] < 0:
        return constants.UNKNOWN
    if isinstance(value, Const):
        return value.value
    if isinstance(value, Seq):
        found = [constant_of(one[-1], left) if one else constants.UNKNOWN for one in value.items]
        return constants.UNKNOWN if any(one is constants.UNKNOWN for one in found) else found
    if isinstance(value, Mapping):
        pairs = {key: constant_of(values[-1], left) if values else constants.UNKNOWN for key, values in value.items}
        return constants.UNKNOWN if any(one is constants.UNKNOWN for one in pairs.values()) else pairs
    return constants.UNKNOWN


def value_of(found: object) -> Values:
    """Make a value of what became of constants."""
    if found is constants.UNKNOWN:
        return ()
    if isinstance(found, (list, tuple)):
        return (Seq(tuple(value_of(one) for one in found[:_LONGEST])),)
    if isinstance(found, dict):
        return (Mapping(tuple((key, value_of(one)) for key, one in found.items())),)
    return (Const(found, pieced=True),)


def _marked(values: Values, *, pieced: bool) -> Values:
    return tuple(Ref(one.name, pieced=True) if pieced and isinstance(one, Ref) else one for one in values)


def _positions(seq: Seq, known: list[object]) -> Values:
    found: list[Value] = []
    for key in known:
        if isinstance(key, int) and -len(seq.items) <= key < len(seq.items):
            found += seq.items[key]
    return tuple(found) or tuple(value for values in seq.items for value in values)


def _tried_item(of: Any, key: Any) -> object:
    try:
        return of[key]
    except Exception:  # noqa: BLE001 a stranger's constants
        return constants.UNKNOWN


def sliced(of: Values, ends: list[Values | None]) -> Values:
    """Give a slice of lists and texts."""
    known = []
    for end in ends:
        value = None if end is None else constant_of(end[-1]) if end else constants.UNKNOWN
        if value is constants.UNKNOWN or not (value is None or type(value) is int):
            return ()
        known.append(value)
    if known[2] == 0:
        return ()
    found: list[Value] = []
    for one in of:
        if isinstance(one, Seq):
            found.append(Seq(one.items[slice(*known)]))
        elif isinstance(one, Const) and isinstance(one.value, (str, bytes)):
            found.append(Const(one.value[slice(*known)], pieced=True))
    return tuple(found)
