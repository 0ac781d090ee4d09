"""Python files that a library reads once more after they were looked at: it gets the text that was looked at.

mmengine reads a configuration, replaces placeholders in it and executes what comes out, so that no digest of what runs can be compared with
what was agreed to. While it does so, the `open` of its module hands out the bytes that were shown, whatever the file holds by then.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import os
import shutil
import threading
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.hooks.scopes import for_each_thread

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["handed_out", "handing_out"]


class _Texts(threading.local):
    of: Mapping[str, bytes] | None = None


_texts = for_each_thread(_Texts())


@contextlib.contextmanager
def handing_out(namespace: dict[str, Any], texts: Mapping[str, bytes]) -> Iterator[None]:
    """Let a module read these bytes in place of what the files hold now.

    Parameters
    ----------
    namespace
        Of the module. Loads that execute code files take turns (`CODE_TURN`), so no other thread puts something there meanwhile.
    texts
        Content by normalised absolute path.
    """
    ours: dict[str, Any] = {"open": _open, "shutil": _Shutil()}
    kept = {name: namespace[name] for name in ours if name in namespace}
    namespace.update(ours if kept.get("shutil") is shutil else {"open": _open})
    outer = _texts.of
    _texts.of = {**(outer or {}), **texts}
    try:
        yield
    finally:
        _texts.of = outer
        for name in ours:
            namespace.pop(name, None)
        namespace.update(kept)


def handed_out(path: Any) -> bytes | None:
    """Return what is handed out in place of a file on this thread at present; None if the file itself would be read."""
    texts = _texts.of
    return texts.get(os.path.abspath(os.fspath(path))) if texts and isinstance(path, (str, os.PathLike)) else None


def _open(file: Any, mode: str = "r", buffering: int = -1, encoding: str | None = None, *others: Any, **options: Any) -> Any:
    content = handed_out(file)
    if content is None or set(mode) - set("rbt"):
        return builtins.open(file, mode, buffering, encoding, *others, **options)
    stream = io.BytesIO(content)
    return stream if "b" in mode else io.TextIOWrapper(stream, encoding)


class _Shutil:
    """The module, but for the function that reads a file."""

    @staticmethod
    def copyfile(source: Any, target: Any, **options: Any) -> Any:
        """Write what was looked at."""
        content = handed_out(source)
        if content is None:
            return shutil.copyfile(source, target, **options)
        with builtins.open(target, "wb") as file:
            file.write(content)
        return target

    def __getattr__(self, name: str) -> Any:
        return getattr(shutil, name)
