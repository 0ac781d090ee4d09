"""What each kind of expression gives."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.engines.python_code import constants
from jupyter_modelguard.engines.python_code.items import constant_of, sliced
from jupyter_modelguard.engines.python_code.model import Element
from jupyter_modelguard.engines.python_code.values import Const, Func, Mapping, Seq

if TYPE_CHECKING:
    from jupyter_modelguard.engines.python_code.model import Scope
    from jupyter_modelguard.engines.python_code.resolving import Given, Resolver
    from jupyter_modelguard.engines.python_code.values import Value, Values

__all__ = ["Expressions"]

_MOST: Final = 48  # elements of a loop whose turns are not told apart
_LONGEST: Final = 4096  # elements of a list that is worked out


class Expressions:
    """Works expressions out, each by its kind.

    Parameters
    ----------
    resolver
        For what they are made of.
    """

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def of(self, node: ast.expr, scope: Scope, given: Given | None) -> Values:
        """Give what an expression could be; nothing for the kinds that are never known."""
        handler = _HANDLERS.get(type(node))
        return () if handler is None else getattr(self, handler)(node, scope, given)

    def _name(self, node: ast.Name, scope: Scope, given: Given | None) -> Values:
        if given is not None and node.id in given:
            return given[node.id]
        return self._resolver.name(node.id, self._resolver.program.scope_of.get(node, scope))

    def _attribute(self, node: ast.Attribute, scope: Scope, given: Given | None) -> Values:
        return self._resolver.attribute(self._resolver.of(node.value, scope, given), node.attr)

    def _subscript(self, node: ast.Subscript, scope: Scope, given: Given | None) -> Values:
        of = self._resolver.of(node.value, scope, given)
        if isinstance(node.slice, ast.Slice):
            ends = [
                None if one is None else self._resolver.of(one, scope, given)
                for one in (node.slice.lower, node.slice.upper, node.slice.step)
            ]
            return sliced(of, ends)
        return self._resolver.items.at(of, self._resolver.of(node.slice, scope, given))

    def _operation(self, node: ast.BinOp, scope: Scope, given: Given | None) -> Values:
        """Go down the left side by a loop: a text may be put together from thousands of pieces."""
        spine = []
        left: ast.expr = node
        while isinstance(left, ast.BinOp):
            spine.append(left)
            left = left.left
        found = self._resolver.of(left, scope, given)
        for one in reversed(spine):
            found = self._resolver.items.combined(one.op, found, self._resolver.of(one.right, scope, given))
            if not found:
                return ()
        return found

    def _sign(self, node: ast.UnaryOp, scope: Scope, given: Given | None) -> Values:
        found = self._resolver.of(node.operand, scope, given)
        if isinstance(node.op, (ast.USub, ast.Invert)):
            return tuple(
                Const(-one.value if isinstance(node.op, ast.USub) else ~one.value)
                for one in found
                if isinstance(one, Const) and type(one.value) is int
            )
        return ()

    def _text(self, node: ast.JoinedStr, scope: Scope, given: Given | None) -> Values:
        pieces = []
        for part in node.values:
            inner = part.value if isinstance(part, ast.FormattedValue) else part
            known = [constant_of(one) for one in self._resolver.of(inner, scope, given)]
            if not known or known[-1] is constants.UNKNOWN:
                return ()
            pieces.append(str(known[-1]))
        return (Const("".join(pieces), pieced=len(pieces) > 1),)

    def _sequence(self, node: ast.Tuple | ast.List | ast.Set, scope: Scope, given: Given | None) -> Values:
        items: list[Values] = []
        for one in node.elts[:_LONGEST]:
            if isinstance(one, ast.Starred):
                items += self._resolver.items.elements(self._resolver.of(one.value, scope, given)) or []
            else:
                items.append(self._resolver.of(one, scope, given))
        return (Seq(tuple(items)),)

    def _dictionary(self, node: ast.Dict, scope: Scope, given: Given | None) -> Values:
        items: list[tuple[object, Values]] = []
        for key, value in list(zip(node.keys, node.values, strict=True))[:_LONGEST]:
            found = self._resolver.of(value, scope, given)
            if key is None:
                items += [pair for one in found if isinstance(one, Mapping) for pair in one.items]
            else:
                items += [(one.value, found) for one in self._resolver.of(key, scope, given) if isinstance(one, Const)] or [
                    (None, found)
                ]
        return (Mapping(tuple(items)),)

    def _comprehension(self, node: Any, scope: Scope, given: Given | None) -> Values:
        """Work out a comprehension over a list that is known; else what it makes any element of."""
        inner = self._resolver.program.scope_of.get(node, scope)
        generator = node.generators[0]
        elements = self._resolver.items.elements(self._resolver.of(generator.iter, scope, given))
        if len(node.generators) == 1 and elements is not None and isinstance(node, ast.DictComp):
            pairs: list[tuple[object, Values]] = []
            for one in elements:
                self._resolver.turns -= 1
                if self._resolver.turns < 0:
                    return ()
                turn = {**(given or {}), **self._resolver.items.unpacked(generator.target, one)}
                keys = [key.value for key in self._resolver.of(node.key, inner, turn) if isinstance(key, Const)]
                pairs += [(key, self._resolver.of(node.value, inner, turn)) for key in keys[-1:]]
            return (Mapping(tuple(pairs)),)
        if len(node.generators) == 1 and elements is not None and not isinstance(node, ast.DictComp):
            items = []
            for one in elements:
                made = self._resolver.of(
                    node.elt, inner, {**(given or {}), **self._resolver.items.unpacked(generator.target, one)}
                )
                items.append(made)
                self._resolver.turns -= 1
                if self._resolver.turns < 0:
                    return ()
            return (Seq(tuple(items)),)
        if isinstance(node, ast.DictComp):
            return ()
        return (Seq((self._resolver.of(node.elt, inner, given),)),)

    def _either(self, node: ast.BoolOp, scope: Scope, given: Given | None) -> Values:
        return tuple(value for one in node.values for value in self._resolver.of(one, scope, given))

    def _choice(self, node: ast.IfExp, scope: Scope, given: Given | None) -> Values:
        return self._resolver.of(node.body, scope, given) + self._resolver.of(node.orelse, scope, given)

    def _inner(self, node: Any, scope: Scope, given: Given | None) -> Values:
        return self._resolver.of(node.value, scope, given) if node.value is not None else ()

    def _element(self, node: Element, scope: Scope, given: Given | None) -> Values:
        found: list[Value] = []
        of = self._resolver.of(node.value, scope, given)
        listed = any(isinstance(one, (Seq, Mapping)) for one in of)  # the characters of a text beside lists are nobody's names
        for one in of:
            if isinstance(one, Seq):
                found += [value for values in one.items for value in values]
            elif isinstance(one, Mapping):
                found += [Const(key) for key, _ in one.items]
            elif isinstance(one, Const) and isinstance(one.value, (str, bytes)) and not listed:
                found += [Const(part, pieced=True) for part in one.value[:_MOST]]
        return tuple(found[:_MOST])

    def _constant(self, node: ast.Constant, scope: Scope, given: Given | None) -> Values:
        del scope, given
        return (Const(node.value),)

    def _function(self, node: ast.Lambda, scope: Scope, given: Given | None) -> Values:
        del scope, given
        unit = self._resolver.program.function_of.get(node)
        return (Func(unit),) if unit is not None else ()

    def _call(self, node: ast.Call, scope: Scope, given: Given | None) -> Values:
        return self._resolver.calling.result(node, scope, given)


_HANDLERS: Final[dict[type[ast.AST], str]] = {
    ast.Name: "_name",
    ast.Attribute: "_attribute",
    ast.Subscript: "_subscript",
    ast.BinOp: "_operation",
    ast.UnaryOp: "_sign",
    ast.JoinedStr: "_text",
    ast.Tuple: "_sequence",
    ast.List: "_sequence",
    ast.Set: "_sequence",
    ast.Dict: "_dictionary",
    ast.ListComp: "_comprehension",
    ast.SetComp: "_comprehension",
    ast.GeneratorExp: "_comprehension",
    ast.DictComp: "_comprehension",
    ast.BoolOp: "_either",
    ast.IfExp: "_choice",
    ast.NamedExpr: "_inner",
    ast.Await: "_inner",
    ast.Starred: "_inner",
    Element: "_element",
    ast.Constant: "_constant",
    ast.Lambda: "_function",
    ast.Call: "_call",
}
