"""What a definition says of itself: its parameters, what its decorators make of it, and whether a branch of a file runs at all."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.engines.python_code.model import Binding, Scope, Unit
from jupyter_modelguard.engines.python_code.values import Inst, Kind

if TYPE_CHECKING:
    from jupyter_modelguard.engines.python_code.model import Where
    from jupyter_modelguard.engines.python_code.program import Program

__all__ = ["LOOKUPS", "arguments_of", "branch_runs", "define", "last_name", "registers"]

LOOKUPS: Final = frozenset({"property", "cached_property", "lazyproperty", "setter", "deleter", "getter"})
"""Decorators of methods that run when they are read."""

_OF_THE_CLASS: Final = frozenset({"__new__", "__init_subclass__", "__class_getitem__"})


def define(program: Program, node: Any, name: str, where: Where, decorators: list[ast.expr]) -> Unit:
    """Make the unit and the scope of a function or lambda, with its defaults bound."""
    arguments = node.args
    owner = where.scope.owner
    in_class = where.scope.kind == "class"
    marks = {last_name(one) for one in decorators}
    scope = Scope("function", where.scope.source, where.scope, owner)
    unit = Unit(
        f"{owner.name}.{name}" if in_class and owner else name,
        where.scope.source,
        tuple(one.arg for one in (*arguments.posonlyargs, *arguments.args)),
        arguments.vararg.arg if arguments.vararg else "",
        arguments.kwarg.arg if arguments.kwarg else "",
        scope,
        bound=in_class and "staticmethod" not in marks,
        lookup=in_class and not LOOKUPS.isdisjoint(marks),
    )
    for one in arguments_of(arguments):
        scope.names[one.arg] = []
    positional = (*arguments.posonlyargs, *arguments.args)
    pairs = [*zip(reversed(positional), reversed(arguments.defaults), strict=False)]
    pairs += [pair for pair in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if pair[1] is not None]
    for one, default in pairs:
        scope.bind(one.arg, Binding("value", default, where.scope))
    if unit.bound and unit.parameters and owner is not None:
        of_class = name in _OF_THE_CLASS or "classmethod" in marks
        scope.bind(unit.parameters[0], Binding("known", None, scope, (Kind(owner) if of_class else Inst(owner),)))
    program.units.append(unit)
    program.function_of[node] = unit
    program.scope_of[node] = scope
    return unit


def arguments_of(arguments: ast.arguments) -> list[ast.arg]:
    """Give all parameters."""
    extra = [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *extra]


def last_name(node: ast.expr) -> str:
    """Give the last part of a dotted name, or of one that is called."""
    while isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def registers(decorator: ast.expr) -> str:
    """Give the name of the function that a decorator like `name.register` adds to; empty for any other."""
    of = decorator.func if isinstance(decorator, ast.Call) else decorator
    return of.value.id if isinstance(of, ast.Attribute) and of.attr == "register" and isinstance(of.value, ast.Name) else ""


def branch_runs(test: ast.expr) -> bool | None:
    """Whether a branch is taken when a file is imported, where that can be told from its condition alone."""
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return None if (inner := branch_runs(test.operand)) is None else not inner
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        sides = [test.left, test.comparators[0]]
        names = [one for one in sides if isinstance(one, ast.Name) and one.id == "__name__"]
        mains = [one for one in sides if isinstance(one, ast.Constant) and one.value == "__main__"]
        if names and mains and isinstance(test.ops[0], (ast.Eq, ast.NotEq)):
            return isinstance(test.ops[0], ast.NotEq)
    return None
