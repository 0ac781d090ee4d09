"""Which kinds of nodes bind names or do something, and which method of the collector takes them; it goes through all others."""

from __future__ import annotations

import ast
from typing import Final

__all__ = ["HANDLERS", "INSIDES"]

INSIDES: Final = frozenset(
    {"__subclasses__", "__globals__", "__builtins__", "f_globals", "f_builtins", "gi_frame", "tb_frame", "cr_frame", "ag_frame"}
)
"""Attributes from which anything of Python can be reached."""

HANDLERS: Final[dict[type[ast.AST], str]] = {
    ast.FunctionDef: "_function",
    ast.AsyncFunctionDef: "_function",
    ast.Lambda: "_lambda",
    ast.ClassDef: "_class",
    ast.ListComp: "_comprehension",
    ast.SetComp: "_comprehension",
    ast.GeneratorExp: "_comprehension",
    ast.DictComp: "_comprehension",
    ast.Assign: "_assign",
    ast.AnnAssign: "_annotated",
    ast.AugAssign: "_augmented",
    ast.NamedExpr: "_named",
    ast.For: "_for",
    ast.AsyncFor: "_for",
    ast.With: "_with",
    ast.AsyncWith: "_with",
    ast.If: "_if",
    ast.IfExp: "_choice",
    ast.BoolOp: "_either",
    ast.Try: "_try",
    ast.TryStar: "_try",
    ast.Match: "_match",
    ast.Return: "_return",
    ast.Yield: "_return",
    ast.YieldFrom: "_return",
    ast.Import: "_import",
    ast.ImportFrom: "_import_from",
    ast.Global: "_global",
    ast.Nonlocal: "_global",
    ast.Call: "_call",
    ast.Attribute: "_attribute",
    ast.Subscript: "_subscript",
    ast.Delete: "_delete",
}
