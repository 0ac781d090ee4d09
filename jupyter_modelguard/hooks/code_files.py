"""Execute the bytes that were looked at: how a call scope holds a model's own Python files.

While a loader that imports is under way, source outside the standard library and site-packages runs only if its content was approved,
and what runs is the very content that was hashed. Bytecode beside a model is never used, nor is a cache of our
own kept in its place: it can claim any source, and compiling the few files of a model costs little.
"""

from __future__ import annotations

import hashlib
import os
import threading
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.artifacts.trusted_paths import is_trusted
from jupyter_modelguard.hooks.approved_loads import surprise
from jupyter_modelguard.hooks.scopes import Mode, Scope, Suspended, current_scope, thread_state

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

__all__ = ["CODE_TURN", "guard_get_code", "guard_sourceless_get_code", "guard_zipped_get_code"]

CODE_TURN = threading.RLock()
"""Loads that execute code files take turns: two at once could run each other's modules."""

_folders: set[str] = set()  # real paths of folders that approved code was run from
_EMPTY = hashlib.sha256(b"").hexdigest()  # the __init__.py files that libraries put beside a copied module


def guard_get_code(original: Callable[..., CodeType | None]) -> Callable[..., CodeType | None]:
    """Guard `SourceLoader.get_code`, through which every Python source file is imported whatever its suffix."""

    def get_code(self: Any, fullname: str) -> CodeType | None:
        scope = _call_scope()
        if scope is None:
            loading = current_scope() is not None
            return _from_source(self, fullname, every=loading) if loading or _folders else original(self, fullname)
        with Suspended():
            path = self.get_filename(fullname)
            if is_trusted(path):
                return original(self, fullname)
            content = self.get_data(path)
            digest = hashlib.sha256(content).hexdigest()
        if digest != _EMPTY and digest not in scope.files:
            raise scope.refuse(f"code file {path}")
        _folders.add(os.path.dirname(os.path.realpath(path)))
        return self.source_to_code(content, path)  # type: ignore[no-any-return]

    def _from_source(self: Any, fullname: str, *, every: bool) -> CodeType | None:
        """Import from the source that a person can read, whatever lies in `__pycache__`.

        For what an approved pickle names (`every`), and later for the modules of a folder whose code was approved.
        """
        with Suspended():
            path = self.get_filename(fullname)
            beside = not is_trusted(path) if every else os.path.dirname(os.path.realpath(path)) in _folders
            scope = thread_state.scope
            content = self.get_data(path) if beside else b""
            if beside and scope is not None and hashlib.sha256(content).hexdigest() not in scope.files:
                if scope.alone:
                    raise scope.refuse(f"the code file {path}")
                if scope.bound and not scope.own_code:
                    surprise(scope, f"the code file {path}")
        return self.source_to_code(content, path) if beside else original(self, fullname)

    get_code.__modelguard__ = original  # type: ignore[attr-defined]
    return get_code


def guard_zipped_get_code(original: Callable[..., CodeType | None]) -> Callable[..., CodeType | None]:
    """Guard `zipimporter.get_code`: modules in an archive that is no installed library's, of which nobody was shown a file."""

    def get_code(self: Any, fullname: str) -> CodeType | None:
        scope = _call_scope()
        if scope is not None:
            with Suspended():
                trusted = is_trusted(self.archive)
            if not trusted:
                raise scope.refuse(f"code in the archive {self.archive}")
        _beyond_its_card(self.archive, "code in the archive")
        return original(self, fullname)

    get_code.__modelguard__ = original  # type: ignore[attr-defined]
    return get_code


def guard_sourceless_get_code(original: Callable[..., CodeType | None]) -> Callable[..., CodeType | None]:
    """Guard `SourcelessFileLoader.get_code`: bytecode without source, which nobody can read before it runs."""

    def get_code(self: Any, fullname: str) -> CodeType | None:
        scope = _call_scope()
        if scope is not None:
            with Suspended():
                path = self.get_filename(fullname)
                trusted = is_trusted(path)
            if not trusted:
                raise scope.refuse(f"bytecode file {path}")
        else:
            _beyond_its_card(self.get_filename(fullname), "the bytecode file")
        return original(self, fullname)

    get_code.__modelguard__ = original  # type: ignore[attr-defined]
    return get_code


def _beyond_its_card(path: str, kind: str) -> None:
    """End an approved load that imports what its card did not show."""
    scope = current_scope()
    if scope is None or not scope.bound or scope.own_code:
        return
    with Suspended():
        trusted = is_trusted(path)
    if not trusted:
        surprise(scope, f"{kind} {path}")


def _call_scope() -> Scope | None:
    """Return the innermost scope if it holds code files; a load inside it that a person approved may import what it was approved for."""
    scope = current_scope()
    return scope if scope is not None and scope.mode is Mode.CALL and scope.holds_code else None
