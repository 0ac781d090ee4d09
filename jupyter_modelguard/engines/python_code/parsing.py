"""Bytes to a syntax tree, as the interpreter that would run them reads them: coding cookies, byte order marks, deep nesting."""

from __future__ import annotations

import ast
import sys
import threading
import warnings
from typing import Final

__all__ = ["parsed"]

_DEEP: Final = 20_000  # nested expressions; whoever runs the file may allow more than Python does by itself
_STACK: Final = 256 << 20  # bytes for that


def parsed(content: bytes) -> ast.Module | str:
    """Parse a file; the sentence says why that cannot be done.

    Nesting that is too deep for this process's limit is read again under a higher one: the process that would run the file may have set
    its own.
    """
    try:
        return _parse(content)
    except (SyntaxError, ValueError, LookupError) as error:
        return f"cannot be read as Python ({type(error).__name__})"
    except (RecursionError, MemoryError):
        return _deeper(content)


def _parse(content: bytes) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of escapes in a stranger's strings
        return ast.parse(content)


def _deeper(content: bytes) -> ast.Module | str:
    found: list[ast.Module] = []

    def parse() -> None:
        try:
            found.append(_parse(content))
        except (SyntaxError, ValueError, LookupError, RecursionError, MemoryError):
            return

    limit, stack = sys.getrecursionlimit(), threading.stack_size()
    try:
        sys.setrecursionlimit(max(limit, _DEEP))
        threading.stack_size(_STACK)
        thread = threading.Thread(target=parse)
        thread.start()
        thread.join()
    finally:
        sys.setrecursionlimit(limit)
        threading.stack_size(stack)
    return found[0] if found else "is nested too deeply to be read"
