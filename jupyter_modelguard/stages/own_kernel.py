"""Whether everything in this kernel is the user's own doing, so that what it saves may count as theirs.

An approval for once must not become one for always: a file that was saved after a stranger's code had run could carry that code on. So a
kernel is the user's own until a load passes that was not proved, and for good not any more then. Its forked children say so too, because
what they loaded comes back to it; they themselves never count as the user's own. A guard that came after the first cells saw nothing of
what was loaded there: only imports may stand before it.
"""

from __future__ import annotations

import logging
import mmap
import os
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterable

__all__ = ["OwnKernel", "began_before"]

_LOG = logging.getLogger(__name__)
_MAGICS = frozenset({"%load_ext", "%config", "%matplotlib", "%autoreload", "%modelguard", "%pip"})


class OwnKernel:
    """Keeps in mind whether this kernel is the user's own, for itself and for the children that it forks.

    Parameters
    ----------
    own
        Whether it is now.
    """

    def __init__(self, *, own: bool) -> None:
        self._pid = os.getpid()
        self._spoilt = mmap.mmap(-1, 1)  # forked children write the same byte
        if not own:
            self._spoilt[0] = 1

    @classmethod
    def of_shell(cls, shell: object) -> Self:
        """Ask an IPython shell what has run so far; nobody knows that of a script."""
        cells = getattr(getattr(shell, "history_manager", None), "input_hist_raw", None)
        return cls(own=isinstance(cells, list) and began_before(cells))

    @property
    def is_own(self) -> bool:
        """Whether what is saved here and now is the user's own."""
        return not self._spoilt[0] and os.getpid() == self._pid

    def spoil(self, why: str) -> None:
        """Note that something ran here that nobody proved."""
        if not self._spoilt[0]:
            self._spoilt[0] = 1
            _LOG.info("What is saved here is not remembered any more as your own: %s.", why)


def began_before(cells: Iterable[str]) -> bool:
    """Whether the guard began before anything could be loaded: cells so far import installed libraries, set texts and numbers, and no more.

    Parameters
    ----------
    cells
        Sources of the cells that have run, the one that loads the guard included.
    """
    import ast

    for cell in cells:
        lines = cell.splitlines()
        magics = [line.strip() for line in lines if line.strip().startswith("%")]
        if any(line.split()[0] not in _MAGICS for line in magics):
            return False
        rest = "\n".join(line for line in lines if not line.strip().startswith(("%", "!")))
        try:
            statements = ast.parse(rest).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
        for statement in statements:
            if _brings_the_guard(statement):
                break  # what comes after is held
            if not _is_harmless(statement):
                return False
    return True


def _is_harmless(statement: ast.stmt) -> bool:
    import ast

    if isinstance(statement, ast.Import):
        return all(_is_library(alias.name) for alias in statement.names)
    if isinstance(statement, ast.ImportFrom):
        return not statement.level and _is_library(statement.module or "")
    if isinstance(statement, (ast.Assign, ast.Expr)):
        return isinstance(statement.value, ast.Constant)
    return isinstance(statement, ast.Pass)


def _is_library(module: str) -> bool:
    if module in {"jupyter_modelguard", "modelguard"}:
        return True
    from jupyter_modelguard.engines.installed import file_of, find_file, is_installed

    path = file_of(module)
    path = find_file(module) if path is None else path
    return path is not None and (path in {"", "built-in", "frozen"} or is_installed(path))


def _brings_the_guard(statement: ast.stmt) -> bool:
    import ast

    call = statement.value if isinstance(statement, (ast.Assign, ast.Expr)) else None
    return isinstance(call, ast.Call) and ast.unparse(call.func) in {"jupyter_modelguard.install", "modelguard.install"}
