"""What an expression of TorchScript source can only be: a dotted name, a type, a literal, a declaration.

torch evaluates whatever stands outside the bodies of functions while an archive loads; these forms have nothing in them to evaluate.
"""

from __future__ import annotations

import ast
from typing import Any

__all__ = ["chain_of", "is_declaration", "is_literal", "is_type"]

_NUMBERS = frozenset({"inf", "nan", "infj", "nanj"})  # those that have names


def chain_of(node: ast.Attribute) -> tuple[str, ...]:
    """Return the parts of a dotted name, or nothing for an attribute of some value."""
    parts = [node.attr]
    value: ast.expr = node.value
    while isinstance(value, ast.Attribute):
        parts.append(value.attr)
        value = value.value
    return (value.id, *reversed(parts)) if isinstance(value, ast.Name) else ()


def is_type(node: ast.expr) -> bool:
    """Whether an expression can only name a type: torch looks those up and evaluates nothing."""
    match node:
        case ast.Name(id=name):
            return name not in {"torch", "ops"}
        case ast.Constant(value=value):
            return value is None or value is Ellipsis or type(value) is str
        case ast.Attribute():
            chain = chain_of(node)
            return bool(chain) and (chain[0] == "__torch__" or chain in {("torch", "device"), ("torch", "Generator")})
        case ast.Subscript(value=value, slice=inside):
            return is_type(value) and is_type(inside)
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return all(map(is_type, parts))
    return False


def is_literal(node: ast.expr) -> bool:  # noqa: PLR0911 one line a form
    """Whether an expression is a value as it stands, so that evaluating it calls nothing but what makes lists and devices."""
    match node:
        case ast.Constant(value=value):
            return value is None or type(value) in (bool, int, float, str)
        case ast.Name(id=name):
            return name in _NUMBERS
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=ast.Constant(value=value)):
            return type(value) in (int, float)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Name(id=name)):
            return name in _NUMBERS
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return all(map(is_literal, parts))
        case ast.Dict(keys=keys, values=values):
            return all(key is not None and is_literal(key) for key in keys) and all(map(is_literal, values))
        case ast.Call(func=ast.Name(id="annotate"), args=[kind, value], keywords=[]):
            return is_type(kind) and is_literal(value)
        case ast.Call(func=ast.Attribute() as function, args=[ast.Constant(value=str())], keywords=[]):
            return chain_of(function) == ("torch", "device")
    return False


def is_declaration(statement: ast.Assign | ast.AnnAssign) -> bool:
    """Whether a statement of a class or module only says what there is: `weight : Tensor`, `stride : Final[int] = 1`."""
    if isinstance(statement, ast.AnnAssign):
        target: Any = statement.target
        value = statement.value
        return isinstance(target, ast.Name) and is_type(statement.annotation) and (value is None or is_literal(value))
    if len(statement.targets) != 1:
        return False
    target = statement.targets[0]
    if isinstance(target, ast.Name):
        return is_literal(statement.value)
    # an attribute whose name is no identifier: `__annotations__["0"] = __torch__.torch.nn.modules.linear.Linear`
    named = isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name) and target.value.id == "__annotations__"
    return named and isinstance(target.slice, ast.Constant) and type(target.slice.value) is str and is_type(statement.value)
