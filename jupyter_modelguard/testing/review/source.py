"""What the source of a method could run: a look at its syntax, with the line and the reason.

It finds what is written down. A call of another function of the library is not followed, so that what is found must be explained, and what
is not found must still be read.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from dataclasses import dataclass
from types import FunctionType
from typing import Any

__all__ = ["MADE_IN_C", "Danger", "dangers", "function_of"]

MADE_IN_C = "is made in C, where its source cannot be looked at"
_EVALUATE = frozenset({"exec", "eval", "compile", "execfile"})
_BY_NAME = frozenset({"getattr", "setattr", "delattr", "hasattr"})
_READERS = frozenset({"load", "loads", "read_pickle", "Unpickler", "_load", "_loads", "from_pickle"})
_MODULES = frozenset(
    {
        "os",
        "sys",
        "subprocess",
        "importlib",
        "shutil",
        "socket",
        "ctypes",
        "pickle",
        "cloudpickle",
        "dill",
        "marshal",
        "runpy",
        "multiprocessing",
    }
)


@dataclass(frozen=True, slots=True)
class Danger:
    """One thing that a method could run.

    Attributes
    ----------
    line
        In the file of the source; 0 where there is no source.
    reason
        A clause whose subject is the method: "calls what it is given as 'f'".
    """

    line: int
    reason: str


def function_of(value: Any) -> FunctionType | None:
    """Give the Python function behind a method as it stands in its class; None for one made in C."""
    for _ in range(10):
        if isinstance(value, (staticmethod, classmethod)):
            value = value.__func__
        elif isinstance(value, property):
            value = value.fget
        elif not isinstance(value, FunctionType) and isinstance(
            vars(value).get("orig_func") if hasattr(value, "__dict__") else None, FunctionType
        ):
            value = vars(value)["orig_func"]  # networkx wraps functions in objects
        else:
            break
    return value if isinstance(value, FunctionType) else None


def dangers(value: Any) -> tuple[Danger, ...]:
    """Look at the source of a function or method for what could run something of a file's choosing."""
    function = function_of(value)
    if function is None:
        return (Danger(0, MADE_IN_C),)
    try:
        lines, start = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, SyntaxError, TypeError):
        return (Danger(0, "has no source to look at"),)
    node = next((node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))), None)
    if node is None:
        return (Danger(start, "is a function without a body of its own, like a lambda"),)
    look = _Look(node)
    for inner in node.body:
        look.visit(inner)
    return tuple(Danger(start + line - 1, reason) for line, reason in dict.fromkeys(look.found))


class _Look(ast.NodeVisitor):
    def __init__(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        taken = function.args
        names = [argument.arg for argument in (*taken.posonlyargs, *taken.args, *taken.kwonlyargs)]
        names += [argument.arg for argument in (taken.vararg, taken.kwarg) if argument is not None]
        self._given = set(names) - {"self", "cls"}
        self.found: list[tuple[int, str]] = []

    def visit_Import(self, node: ast.Import) -> None:
        self._note(node, f"imports {', '.join(alias.name for alias in node.names)}")

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self._note(node, f"imports from {node.module or '.'}")

    def visit_Assign(self, node: ast.Assign) -> None:
        # a name that is given a part of an argument is as good as the argument
        if self._root(node.value) in self._given:
            self._given |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        self.generic_visit(node)

    def visit_For(self, node: ast.For) -> None:
        source = (
            node.iter.func.value if isinstance(node.iter, ast.Call) and isinstance(node.iter.func, ast.Attribute) else node.iter
        )
        if self._root(source) in self._given:
            self._given |= {name.id for name in ast.walk(node.target) if isinstance(name, ast.Name)}
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        called = node.func
        if isinstance(called, ast.Name):
            self._judge_name(node, called.id)
        elif isinstance(called, ast.Attribute):
            self._judge_attribute(node, called)
        elif self._root(called) in self._given:
            self._note(node, f"calls a part of what it is given as {self._root(called)!r}")
        elif not isinstance(called, ast.Call):
            self._note(node, "calls what it looks up")
        self.generic_visit(node)

    def _judge_name(self, node: ast.Call, name: str) -> None:
        if name in self._given:
            self._note(node, f"calls what it is given as {name!r}")
        elif name in _EVALUATE:
            self._note(node, f"evaluates code with {name}")
        elif name in ("__import__", "import_module"):
            self._note(node, "imports what it is told to")
        elif name == "open":
            self._note(node, "opens a file")
        elif name in _BY_NAME and len(node.args) > 1 and not isinstance(node.args[1], ast.Constant):
            self._note(node, f"reaches attributes by computed names with {name}")
        elif name in _READERS:
            self._note(node, f"reads another stream with {name}")

    def _judge_attribute(self, node: ast.Call, called: ast.Attribute) -> None:
        root = self._root(called)
        if called.attr == "import_module":
            self._note(node, "imports what it is told to")
        elif root in _MODULES and root not in self._given:
            self._note(node, f"calls {ast.unparse(called)}")
        elif called.attr in _READERS:
            self._note(node, f"reads another stream with {ast.unparse(called)}")
        elif root in self._given and called.attr.startswith("__"):
            self._note(node, f"calls {called.attr} of what it is given as {root!r}")
        elif called.attr in ("apply", "map", "call"):
            self._note(node, f"applies something with {ast.unparse(called)}")

    @staticmethod
    def _root(node: ast.AST) -> str:
        while isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred)):
            node = node.value
        return node.id if isinstance(node, ast.Name) else ""

    def _note(self, node: ast.stmt | ast.expr, reason: str) -> None:
        self.found.append((node.lineno, reason))
