"""Texts of a configuration that MONAI evaluates as Python: those that begin with a dollar sign, in a file that builds things."""

from __future__ import annotations

import ast
import re

from jupyter_modelguard.policy.catalogue import capability_of
from jupyter_modelguard.types import Judgement, QualifiedName, Severity

__all__ = ["judge_expression"]


def judge_expression(expression: str) -> tuple[str, Severity | None] | None:
    """Judge an expression; it is parsed and never evaluated.

    Parameters
    ----------
    expression
        With its dollar sign.

    Returns
    -------
    tuple or None
        What it does, and how bad that is where it is worse than usual; None if it calls and imports nothing, or is no Python.
    """
    try:
        tree = ast.parse(re.sub(r"[@%][\w#:.]+", "value", expression[1:]).strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    names = [_dotted(node) for node in ast.walk(tree) if isinstance(node, (ast.Attribute, ast.Name))]
    acts = any(isinstance(node, (ast.Call, ast.Import, ast.ImportFrom)) for node in ast.walk(tree))
    if not acts:
        return None
    known = [
        capability_of(QualifiedName(*(f"builtins.{name}" if "." not in name else name).rsplit(".", 1))) for name in names if name
    ]
    bad = next((one for one in known if one is not None and one.judgement is Judgement.DANGEROUS), None)
    does = bad.sentence if bad is not None else "is evaluated as Python"
    return f"a text that {does}", Severity.CRITICAL if bad is not None else None


def _dotted(node: ast.expr) -> str:
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""
