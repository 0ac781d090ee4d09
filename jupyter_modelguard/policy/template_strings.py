"""The strings that expressions of a Jinja template can be, worked out from its constants within small bounds.

Nothing of Jinja evaluates them: a constant expression may be made to fill the memory. A variable is taken for everything that the template
ever assigns to it, in whatever order.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Strings"]

_LONGEST: Final = 2_000  # characters of a string
_MOST: Final = 24  # values of an expression
_DEEPEST: Final = 40
_MOST_WORK: Final = 50_000  # expressions that are worked out, of a template
_PLAIN: Final = (
    "string",
    "safe",
    "e",
    "escape",
    "forceescape",
    "trim",
    "list",
    "default",
    "d",
    "select",
    "reject",
    "unique",
    "sort",
    "items",
)


class Strings:
    """What the strings of one template can be.

    Parameters
    ----------
    nodes
        Every node of the template.
    """

    def __init__(self, nodes: Iterable[Any]) -> None:
        from jinja2 import nodes as kinds

        self._kinds: Any = kinds
        self._assigned: dict[str, list[Any]] = {}
        self._known: dict[int, list[Any]] = {}
        self._left = _MOST_WORK
        for node in nodes:
            for target, value in self._assignments(node):
                self._assigned.setdefault(target, []).append(value)

    def of(self, node: Any) -> tuple[str, ...]:
        """Give the strings that an expression can be; none where that is not known."""
        return tuple(value for value in self._values(node, 0) if isinstance(value, str))

    def _assignments(self, node: Any) -> Iterator[tuple[str, Any]]:  # noqa: C901 one branch a kind of statement
        kinds = self._kinds
        pairs: list[tuple[Any, Any]] = []
        if isinstance(node, kinds.Assign):
            pairs = [(node.target, node.node)]
            if isinstance(node.target, kinds.Tuple) and isinstance(node.node, (kinds.Tuple, kinds.List)):
                pairs = list(zip(node.target.items, node.node.items, strict=False))
        elif isinstance(node, kinds.With):
            pairs = list(zip(node.targets, node.values, strict=False))
        elif isinstance(node, kinds.For):
            pairs = [(node.target, item) for item in getattr(node.iter, "items", ()) or [node.iter]] if node.iter else []
        elif isinstance(node, kinds.Macro):
            pairs = list(zip(node.args[::-1], node.defaults[::-1], strict=False))
        elif isinstance(node, kinds.AssignBlock):
            pairs = [(node.target, node)]
        elif isinstance(node, kinds.Pair) and isinstance(node.key, kinds.Const):
            yield f".{node.key.value}", node.value
        elif isinstance(node, kinds.Call) and isinstance(node.node, kinds.Name) and node.node.name == "namespace":
            for keyword in node.kwargs:
                yield f".{keyword.key}", keyword.value
        for target, value in pairs:
            if isinstance(target, kinds.Name):
                yield target.name, value
            elif isinstance(target, kinds.NSRef):
                yield f".{target.attr}", value

    def _values(self, node: Any, depth: int) -> list[Any]:
        if id(node) in self._known:
            return self._known[id(node)]
        self._left -= 1
        if depth > _DEEPEST or self._left < 0:
            return []
        self._known[id(node)] = []  # what refers to itself adds nothing to itself
        found: list[Any] = []
        for value in self._worked_out(node, depth + 1):
            if isinstance(value, (str, list)) and len(value) > _LONGEST:
                continue
            if value not in found:
                found.append(value)
            if len(found) >= _MOST:
                break
        self._known[id(node)] = found
        return found

    def _worked_out(self, node: Any, depth: int) -> Iterator[Any]:  # noqa: C901, PLR0912 one branch a kind of expression
        kinds = self._kinds
        if isinstance(node, kinds.Const):
            yield node.value
        elif isinstance(node, (kinds.Tuple, kinds.List)):
            yield from (list(one) for one in self._together(node.items, depth))
        elif isinstance(node, kinds.Dict):
            yield from (list(one) for one in self._together([pair.key for pair in node.items], depth))
        elif isinstance(node, kinds.Name):
            for value in self._assigned.get(node.name, ()):
                yield from self._values(value, depth)
        elif isinstance(node, kinds.Getattr):
            for value in self._assigned.get(f".{node.attr}", ()):
                yield from self._values(value, depth)
        elif isinstance(node, kinds.AssignBlock):
            parts = [one for body in node.body if isinstance(body, kinds.Output) for one in body.nodes]
            yield from ("".join(map(str, one)) for one in self._together(parts, depth))
        elif isinstance(node, kinds.TemplateData):
            yield node.data
        elif isinstance(node, kinds.CondExpr):
            for branch in (node.expr1, node.expr2):
                yield from self._values(branch, depth) if branch is not None else ()
        elif isinstance(node, (kinds.And, kinds.Or)):
            yield from itertools.chain(self._values(node.left, depth), self._values(node.right, depth))
        elif isinstance(node, kinds.Concat):
            yield from ("".join(map(str, one)) for one in self._together(node.nodes, depth))
        elif isinstance(node, (kinds.Add, kinds.Mod, kinds.Mul, kinds.Neg)):
            yield from self._arithmetic(node, depth)
        elif isinstance(node, kinds.Getitem):
            yield from self._item(node, depth)
        elif isinstance(node, kinds.Filter) and node.node is not None:
            for value, *arguments in self._together([node.node, *node.args], depth):
                yield from _method(node.name, value, arguments)
        elif isinstance(node, kinds.Call):
            yield from self._call(node, depth)

    def _together(self, nodes: list[Any], depth: int) -> Iterator[tuple[Any, ...]]:
        if len(nodes) <= _LONGEST:
            values = [self._values(node, depth) for node in nodes]
            yield from itertools.islice(itertools.product(*values), _MOST)

    def _arithmetic(self, node: Any, depth: int) -> Iterator[Any]:
        kinds = self._kinds
        if isinstance(node, kinds.Neg):
            yield from (-value for value in self._values(node.node, depth) if type(value) is int)
            return
        for left, right in self._together([node.left, node.right], depth):
            if isinstance(node, kinds.Add) and type(left) is type(right) and type(left) in (str, list):
                yield left + right
            elif isinstance(node, kinds.Mod) and isinstance(left, str):
                yield from _formatted(left, right)
            elif isinstance(node, kinds.Mul) and isinstance(left, str) and type(right) is int and len(left) * right <= _LONGEST:
                yield left * right

    def _item(self, node: Any, depth: int) -> Iterator[Any]:
        if isinstance(node.arg, self._kinds.Slice):
            bounds = [node.arg.start, node.arg.stop, node.arg.step]
            given = [self._values(bound, depth) if bound is not None else [None] for bound in bounds]
            for value in self._values(node.node, depth):
                for cut in itertools.islice(itertools.product(*given), _MOST):
                    if isinstance(value, (str, list)) and all(type(one) in (int, type(None)) for one in cut) and cut[2] != 0:
                        yield value[slice(*cut)]
            return
        for key in self.of(node.arg):
            for value in self._assigned.get(f".{key}", ()):
                yield from self._values(value, depth)
        for value, place in self._together([node.node, node.arg], depth):
            if isinstance(value, (str, list)) and type(place) is int and -len(value) <= place < len(value):
                yield value[place]

    def _call(self, node: Any, depth: int) -> Iterator[Any]:
        callee = node.node
        if isinstance(callee, self._kinds.Name) and callee.name == "dict":
            yield [keyword.key for keyword in node.kwargs]
        elif isinstance(callee, self._kinds.Getattr):
            for value, *arguments in self._together([callee.node, *node.args], depth):
                yield from _method(callee.attr, value, arguments)


def _method(name: str, value: Any, arguments: list[Any]) -> Iterator[Any]:  # noqa: C901, PLR0912 one branch a method
    """Work out a filter or method of text or of a list."""
    texts = [one for one in arguments if isinstance(one, str)]
    if name in _PLAIN:
        yield value
    elif isinstance(value, list):
        if name in ("first", "last", "min", "max", "random", "pop") and value:
            yield from value[:1] if name == "first" else value[-1:] if name == "last" else value
        elif name == "join" and len(value) <= _LONGEST:
            yield (texts or [""])[0].join(map(str, value))
        elif name == "reverse":
            yield value[::-1]
    elif isinstance(value, str):
        if name in ("lower", "upper", "title", "capitalize", "strip", "lstrip", "rstrip", "swapcase"):
            yield getattr(value, name)(*(texts[:1] if name.endswith("strip") else ()))
        elif name in ("removeprefix", "removesuffix") and texts:
            yield getattr(value, name)(texts[0])
        elif name == "reverse":
            yield value[::-1]
        elif name == "replace" and len(texts) > 1:
            if len(value) * (len(texts[1]) + 1) <= _LONGEST * _MOST:
                yield value.replace(texts[0], texts[1])
        elif name == "join" and arguments:
            yield value.join(map(str, arguments[0])) if isinstance(arguments[0], list) else value.join(str(arguments[0]))
        elif name == "join":
            yield value
        elif name == "split":
            yield value.split(texts[0] if texts and texts[0] else None)
        elif name == "format":
            yield from _formatted(value, tuple(arguments))
            yield from _filled(value, arguments)
        elif name in ("first", "last") and value:
            yield value[0] if name == "first" else value[-1]


def _formatted(pattern: str, given: Any) -> Iterator[str]:
    """Do as `%` with texts and small numbers, and with the two conversions that names are built by."""
    values = list(given) if isinstance(given, (list, tuple)) else [given]
    pieces = pattern.split("%")
    made = pieces[0]
    for piece in pieces[1:]:
        if not piece or piece[0] not in "scd" or not values:
            return
        value = values.pop(0)
        if piece[0] == "c" and type(value) is int:
            value = chr(value) if 0 <= value <= 0x10FFFF else ""  # noqa: PLR2004 the last character
        made += f"{value}" + piece[1:]
    if len(pieces) > 1:
        yield made


def _filled(pattern: str, values: list[Any]) -> Iterator[str]:
    """Do as `str.format` with fields that have a number or none."""
    made = pattern
    for number, value in enumerate(values):
        shown = chr(value) if type(value) is int and "c}" in pattern and 0 <= value <= 0x10FFFF else str(value)  # noqa: PLR2004 as above
        for field in (f"{{{number}}}", f"{{{number}:c}}"):
            made = made.replace(field, shown)
        made = made.replace("{}", shown, 1) if "{}" in made else made.replace("{:c}", shown, 1)
    if values:
        yield made
