"""What a loader that imports may do beside resolving globals: the floor's rules for call scopes.

Code files are judged where the import system reads them (`code_files`). Here are the ways past it: native modules, source or bytecode that
a library reads by hand and runs, and installers that bring code of their own.
"""

from __future__ import annotations
import __future__ as future

import ast
import functools
import hashlib
import operator
import os
import re
import stat
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.artifacts.trusted_paths import is_library_code, is_trusted, trusted_roots
from jupyter_modelguard.hooks.scopes import Suspended

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType

    from jupyter_modelguard.hooks.scopes import Scope

__all__ = ["judge_call_event"]

_LARGEST_CODE: Final = 1 << 20  # bytes; no source file of a model is larger
_MOST_FILES: Final = 64  # that are kept in mind: the latest that a call opened
# what a library asked for by `from __future__ import …` holds for the text that it executes, and shows in the code
_FUTURES: Final = functools.reduce(operator.or_, (getattr(future, name).compiler_flag for name in future.all_feature_names))
_WRITES: Final = os.O_WRONLY | os.O_RDWR
_INSTALLER: Final = re.compile(
    r"(^|[\s/\\])(pip3?|uv|conda|mamba|micromamba|poetry|easy_install)(\.exe)?([\s'\"]|$).*\b(install|wheel|download)\b"
)


def judge_call_event(scope: Scope, event: str, args: tuple[Any, ...]) -> None:
    """Raise what ends the call if an event brings in code that nobody agreed to."""
    judge = _JUDGES.get(event)
    if judge is not None:
        judge(scope, args)


def _judge_import(scope: Scope, args: tuple[Any, ...]) -> None:
    """Extension modules beside a model run native code on import, and no digest of source covers them."""
    filename = args[1]
    if not scope.holds_code or filename is None:
        return
    with Suspended():
        trusted = is_trusted(filename)
    if not trusted:
        raise scope.refuse(f"native module {filename}")


def _note_open(scope: Scope, args: tuple[Any, ...]) -> None:
    path, mode, flags = args
    if type(path) is bytes:
        path = os.fsdecode(path)
    reads = (flags & _WRITES) == 0 if type(flags) is int else mode in ("r", "rb")
    if scope.holds_code and reads and type(path) is str and path not in scope.opened and not path.startswith(trusted_roots()):
        del scope.opened[:-_MOST_FILES]
        scope.opened.append(path)


def _judge_exec(scope: Scope, args: tuple[Any, ...]) -> None:
    """Source that a library opened, read and runs by itself is a code file all the same, whatever name it was compiled under."""
    if not scope.holds_code or not scope.opened:
        return
    code = args[0]
    with Suspended():
        if is_library_code(code.co_filename):
            return
        same = next(
            (path for path, content in _unapproved(scope) for text in _texts_of(path, content) if _is_code_of(code, text)), None
        )
    if same is not None:
        raise scope.refuse(f"code file {same}")


def _judge_bytecode(scope: Scope, args: tuple[Any, ...]) -> None:
    if not scope.holds_code or not scope.opened or not isinstance(args[0], (bytes, bytearray, memoryview)):
        return
    with Suspended():
        data = bytes(args[0])
        same = next((path for path, content in _unapproved(scope) if content.endswith(data)), None) if data else None
    if same is not None:
        raise scope.refuse(f"bytecode file {same}")


def _unapproved(scope: Scope) -> Iterator[tuple[str, bytes]]:
    """Read again what the call opened, as far as it can be code that nobody agreed to."""
    for path in tuple(scope.opened):
        try:
            status = os.stat(path)
            if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST_CODE or is_trusted(path):
                continue
            with open(path, "rb") as file:
                content = file.read()
        except (OSError, ValueError):
            continue
        if content and hashlib.sha256(content).hexdigest() not in scope.files:
            yield path, content


def _texts_of(path: str, content: bytes) -> list[bytes]:
    """Return what of a file is executed at once: of a `.pth` file, which a hub's code can have `site` read, each line for itself."""
    return [line for line in content.splitlines() if line.startswith(b"import")] if path.endswith(".pth") else [content]


def _is_code_of(code: CodeType, content: bytes) -> bool:
    """Whether this text compiles to that code, at any of Python's levels: the second leaves out assertions, the third docstrings too."""
    try:
        tree = compile(content, code.co_filename, "exec", code.co_flags & _FUTURES | ast.PyCF_ONLY_AST, dont_inherit=True)
        return any(
            compile(tree, code.co_filename, "exec", code.co_flags & _FUTURES, dont_inherit=True, optimize=level) == code
            for level in (0, 1, 2)
        )
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _judge_process(scope: Scope, args: tuple[Any, ...]) -> None:
    """Leave libraries the processes they need (compilers, tools that ask for the hardware), but none that installs more code."""
    words = args[1] if len(args) > 1 else args[0]
    command = words if isinstance(words, (str, bytes)) else " ".join(_text(word) for word in words or ())
    if not scope.installs and _INSTALLER.search(_text(command)):
        raise scope.refuse(f"a process that installs packages: {_text(command)[:200]}")


def _text(word: Any) -> str:
    if type(word) is bytes:
        return word.decode("utf-8", "replace")
    return word if type(word) is str else os.fsdecode(word) if isinstance(word, os.PathLike) else ""


_JUDGES: Final[dict[str, Callable[[Scope, tuple[Any, ...]], None]]] = {
    "import": _judge_import,
    "open": _note_open,
    "exec": _judge_exec,
    "marshal.loads": _judge_bytecode,
    "subprocess.Popen": _judge_process,
    "os.exec": _judge_process,
    "os.posix_spawn": _judge_process,
    "os.spawn": lambda scope, args: _judge_process(scope, args[1:]),
    "os.system": _judge_process,
}
