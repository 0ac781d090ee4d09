"""What a name, an attribute or an item is given: targets of assignments, loops and patterns."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from jupyter_modelguard.engines.python_code.model import Binding, element_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_modelguard.engines.python_code.model import Scope, Where
    from jupyter_modelguard.engines.python_code.program import Program

__all__ = ["Binder", "give_back"]


class Binder:
    """Writes down what binds names.

    Parameters
    ----------
    program
        Where it is written.
    """

    def __init__(self, program: Program) -> None:
        self._program = program

    def name(self, name: str, binding: Binding, scope: Scope) -> None:
        """Bind a name; in the body of a class it is an attribute, too."""
        scope.bind(name, binding)
        if scope.kind == "class":
            self._program.attributes.setdefault(name, []).append(binding)

    def target(self, target: ast.expr, value: ast.expr, scope: Scope, into: Scope | None = None) -> None:
        """Bind whatever a target is made of to an expression that is evaluated in a scope."""
        waiting = [(target, value)]
        while waiting:
            one, given = waiting.pop()
            binding = Binding("value", given, scope)
            if isinstance(one, ast.Name):
                self.name(one.id, binding, into or scope)
            elif isinstance(one, ast.Attribute):
                self._program.attributes.setdefault(one.attr, []).append(binding)
            elif isinstance(one, ast.Subscript):
                if isinstance(one.slice, ast.Constant) and isinstance(one.slice.value, str):
                    self._program.items.setdefault(one.slice.value, []).append(binding)
            elif isinstance(one, ast.Starred):
                waiting.append((one.value, given))
            elif isinstance(one, (ast.Tuple, ast.List)):
                waiting += [(part, _item(given, number)) for number, part in reversed(list(enumerate(one.elts)))]

    def each(self, target: ast.expr, of: ast.expr, scope: Scope, outer: Scope) -> None:
        """Bind a loop's target: to any element of what is gone through."""
        self.target(target, element_of(of), outer, scope)

    def grown(self, function: ast.Attribute, call: ast.Call, where: Where) -> None:
        """Note that a list by a name has one more element."""
        if function.attr in {"append", "add"} and isinstance(function.value, ast.Name):
            self.name(function.value.id, Binding("item", call.args[0], where.scope), where.scope)
        elif function.attr == "update":
            for keyword in call.keywords:
                if keyword.arg:
                    self._program.items.setdefault(keyword.arg, []).append(Binding("value", keyword.value, where.scope))

    def pattern(self, pattern: ast.pattern, subject: ast.expr, scope: Scope) -> Iterator[ast.expr]:
        """Bind what a pattern captures; give the expressions that matching evaluates."""
        waiting: list[tuple[ast.pattern, ast.expr]] = [(pattern, subject)]
        while waiting:
            one, given = waiting.pop()
            name = one.name if isinstance(one, (ast.MatchAs, ast.MatchStar)) else None
            if name:
                self.name(name, Binding("value", given, scope), scope)
            if isinstance(one, ast.MatchValue):
                yield one.value
            elif isinstance(one, ast.MatchAs):
                waiting += [(one.pattern, given)] if one.pattern is not None else []
            elif isinstance(one, ast.MatchOr):
                waiting += [(part, given) for part in one.patterns]
            elif isinstance(one, ast.MatchSequence):
                waiting += [(part, _item(given, number)) for number, part in enumerate(one.patterns)]
            elif isinstance(one, ast.MatchMapping):
                waiting += [
                    (part, ast.copy_location(ast.Subscript(given, key, ast.Load()), given))
                    for key, part in zip(one.keys, one.patterns, strict=True)
                ]
                yield from one.keys
            elif isinstance(one, ast.MatchClass):
                yield one.cls
                waiting += _of_class(one, given)


def give_back(scope: Scope) -> None:
    """Hand what a function adds to a list of an outer scope to that scope."""
    for name, bindings in list(scope.names.items()):
        if scope.kind != "function" or not bindings or any(one.kind != "item" for one in bindings):
            continue
        above = scope.parent
        while above is not None and name not in above.names:
            above = above.parent
        if above is not None:
            above.names[name] += bindings
            del scope.names[name]


def _of_class(pattern: ast.MatchClass, given: ast.expr) -> list[tuple[ast.pattern, ast.expr]]:
    named = zip(pattern.kwd_attrs, pattern.kwd_patterns, strict=True)
    return [
        *((part, ast.copy_location(ast.Attribute(given, name, ast.Load()), given)) for name, part in named),
        *((part, element_of(given)) for part in pattern.patterns),
    ]


def _item(given: ast.expr, number: int) -> ast.expr:
    return ast.copy_location(ast.Subscript(given, ast.copy_location(ast.Constant(number), given), ast.Load()), given)
