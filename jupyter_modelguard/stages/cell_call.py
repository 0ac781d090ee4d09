"""The call in a person's cell that a load is under way for, and the lines as they would be with another call in its place.

The interpreter knows which characters of the source it is executing; the call is taken only where exactly that piece is a call of the
very loader, found without running anything: names are looked up in the frame and in modules, never asked for as attributes. Nothing here
changes a cell. It makes the text that a person may put into one.
"""

from __future__ import annotations

import ast
import itertools
import linecache
import sys
import textwrap
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

__all__ = ["CellCall", "find_call"]

_MAIN: Final = "__main__"
_RUNS_CELLS: Final = "IPython.core.interactiveshell"
_TRANSFORMED: Final = "get_ipython()"  # what IPython makes of magics and shell lines: such a source is not what the cell says
_MOST_SOURCE: Final = 1 << 20  # characters of a cell or script that is parsed
_MOST_CELL: Final = 4_000  # characters that a card carries in one piece

_Place: TypeAlias = tuple[int, int]  # a line, counted from 1, and the UTF-8 bytes before a place in it


@dataclass(frozen=True, slots=True)
class CellCall:
    """A call, by its place in the source.

    Attributes
    ----------
    source
        Of the cell or script.
    node, statement
        The call, and the innermost statement that it is part of.
    names
        What each name that the source uses means there.
    running
        Whether the source is the whole of the cell that is running now, as the person wrote it.
    """

    source: str
    node: ast.Call
    statement: ast.stmt
    names: Mapping[str, Any] = field(repr=False)
    running: bool = False

    @property
    def before(self) -> str:
        """The lines of the statement as they are, moved to the left."""
        return textwrap.dedent("\n".join(_lines(self.source, *_span(self.statement))))

    @property
    def spreads(self) -> bool:
        """Whether some arguments come out of a list or dictionary, so that the source does not tell them."""
        starred = any(isinstance(item, ast.Starred) for item in self.node.args)
        return starred or any(keyword.arg is None for keyword in self.node.keywords)

    def argument(self, position: int, name: str) -> ast.expr | None:
        """Find an argument by its name or its place; None if it is not given."""
        for keyword in self.node.keywords:
            if keyword.arg == name:
                return keyword.value
        return self.node.args[position] if len(self.node.args) > position else None

    def text(self, node: ast.expr) -> str:
        """Give the source of a part of the call."""
        return ast.get_source_segment(self.source, node) or ast.unparse(node)

    def with_keyword(self, name: str, value: str, *, function: str = "") -> str:
        """Write the call with one keyword set to other source."""
        arguments = [self.text(item) for item in self.node.args]
        arguments += [
            f"{item.arg}={value if item.arg == name else self.text(item.value)}"
            for item in self.node.keywords
            if item.arg is not None
        ]
        if all(item.arg != name for item in self.node.keywords):
            arguments.append(f"{name}={value}")
        return f"{function or self.text(self.node.func)}({', '.join(arguments)})"

    def rewritten(self, call: str, *, imports: tuple[str, ...] = (), within: str = "") -> tuple[str, str]:
        """Put other source in the place of the call.

        Parameters
        ----------
        call
            What stands there instead.
        imports
            Names of modules that it needs; those that are bound already are not imported again.
        within
            The head of a block to put the statement in: "with torch.serialization.safe_globals([…]):".

        Returns
        -------
        tuple
            The lines as they would be, moved to the left like `before`, and the whole cell. The cell is empty where only the lines can
            be told, or where it is long, and both are where the lines could not be put together.
        """
        start, end = _places(self.node)
        changed = f"{self.source[: _offset(self.source, start)]}{call}{self.source[_offset(self.source, end) :]}"
        first, last = _span(self.statement)
        last += call.count("\n") - (end[0] - start[0])
        lines = _lines(changed, first, last)
        if within:
            if not self._can_be_moved():
                return "", ""
            indent = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
            lines = [f"{indent}{within}", *(f"    {line}" for line in lines)]
        needed = [f"import {name}" for name in imports if not self._has(name)]
        behind = changed.split("\n")[last:]
        whole = "\n".join([*needed, *changed.split("\n")[: first - 1], *lines, *behind])
        try:
            ast.parse(whole)
        except (SyntaxError, ValueError):
            return "", ""
        complete = self.running and len(whole) <= _MOST_CELL and not (needed and "__future__" in self.source)
        return "\n".join([*needed, textwrap.dedent("\n".join(lines))]), whole.rstrip("\n") if complete else ""

    def _can_be_moved(self) -> bool:
        """Whether the statement has its lines for itself, and moving them to the right changes no text in them."""
        if not isinstance(self.statement, (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr, ast.Return)):
            return False
        (first, start), (last, end) = _places(self.statement)
        before = _lines(self.source, first, first)[0].encode()[:start].strip()
        behind = _lines(self.source, last, last)[0].encode()[end:].strip()
        texts = (item for item in ast.walk(self.statement) if isinstance(item, (ast.Constant, ast.JoinedStr)))
        return not before and (not behind or behind.startswith(b"#")) and all(item.lineno == item.end_lineno for item in texts)

    def _has(self, module: str) -> bool:
        top = module.partition(".")[0]
        return module in sys.modules and self.names.get(top) is sys.modules.get(top)


def find_call(frame: FrameType | None, loader: str) -> CellCall | None:
    """Find the call of a loader in the cell or script that is under way; None wherever that is not certain.

    Parameters
    ----------
    frame
        Where to start; frames of libraries are passed over.
    loader
        Its name: "torch.load", or that of a class and a method of it: "transformers.AutoModel.from_pretrained".
    """
    while frame is not None and frame.f_globals.get("__name__") != _MAIN:
        frame = frame.f_back
    if frame is None:
        return None
    source = "".join(linecache.getlines(frame.f_code.co_filename, frame.f_globals))
    position = next(itertools.islice(frame.f_code.co_positions(), frame.f_lasti // 2, None), None)
    if not source or len(source) > _MOST_SOURCE or "\r" in source or position is None:
        return None
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    first, last, start, end = position
    found = [
        (node, statement)
        for statement in ast.walk(tree)
        if isinstance(statement, ast.stmt)
        for node in _parts(statement)
        if isinstance(node, ast.Call) and _places(node) == ((first, start), (last, end))
    ]
    names = {**frame.f_builtins, **frame.f_globals, **frame.f_locals}
    if len(found) != 1 or not _is_loader(found[0][0].func, names, loader):
        return None
    return CellCall(source, *found[0], names, _TRANSFORMED not in source and _is_of_running_cell(frame))


def _parts(statement: ast.stmt) -> list[ast.AST]:
    """List what stands in a statement itself, not in statements within it."""
    found: list[ast.AST] = []
    waiting: list[ast.AST] = [statement]
    while waiting:
        inside = [child for child in ast.iter_child_nodes(waiting.pop()) if not isinstance(child, ast.stmt)]
        waiting += inside
        found += inside
    return found


def _is_of_running_cell(frame: FrameType) -> bool:
    """Whether the source of a frame is that of the cell which is running, and not of one that ran before and defined a function."""
    filename = frame.f_code.co_filename
    outer: FrameType | None = frame
    while outer is not None:
        if outer.f_back is not None and outer.f_back.f_globals.get("__name__") == _RUNS_CELLS:
            return outer.f_code.co_filename == filename
        outer = outer.f_back
    return False


def _is_loader(function: ast.expr, names: Mapping[str, Any], loader: str) -> bool:
    owner, _, name = loader.rpartition(".")
    module = sys.modules.get(owner)
    if module is not None:
        found = _resolve(function, names)
        return found is not None and found is vars(module).get(name)
    kind = _resolve(function.value, names) if isinstance(function, ast.Attribute) and function.attr == name else None
    return isinstance(kind, type) and kind.__name__ == owner.rpartition(".")[2]


def _resolve(node: ast.expr, names: Mapping[str, Any]) -> Any:
    """Look up what a name, or a name in a module, stands for; None where finding out could run code."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    owner = _resolve(node.value, names) if isinstance(node, ast.Attribute) else None
    return vars(owner).get(node.attr) if isinstance(owner, ModuleType) and isinstance(node, ast.Attribute) else None


def _places(node: ast.expr | ast.stmt) -> tuple[_Place, _Place]:
    return (node.lineno, node.col_offset), (node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)


def _span(node: ast.stmt) -> tuple[int, int]:
    """Give the first and last line of a statement, of its head alone where it has a body."""
    body = getattr(node, "body", None)
    return node.lineno, max(node.lineno, body[0].lineno - 1) if body else node.end_lineno or node.lineno


def _lines(source: str, first: int, last: int) -> list[str]:
    return source.split("\n")[first - 1 : last]


def _offset(source: str, place: _Place) -> int:
    """Turn a place into the characters before it."""
    lines = source.split("\n")
    return sum(len(line) + 1 for line in lines[: place[0] - 1]) + len(lines[place[0] - 1].encode()[: place[1]].decode())
