"""Loaders that import a repository's own Python: `Auto*.from_pretrained`, `pipeline` and `torch.hub.load`.

The call opens a call scope. Before the library looks at the first code file (transformers imports every module that the file names
even before it runs the file), all files that the call will execute are collected and asked about once; then exactly their bytes run.
"""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.artifacts.code_tree import auto_map_modules, collect_code
from jupyter_modelguard.artifacts.reach import path_of
from jupyter_modelguard.hooks.calls import Call, current_call, holding_code
from jupyter_modelguard.hooks.code_files import CODE_TURN
from jupyter_modelguard.hooks.passage import Passage, call_text
from jupyter_modelguard.hooks.scopes import Mode, Scope, Suspended, current_scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.types import CodeFile

__all__ = [
    "ask_about_code",
    "folder_reader",
    "guard_code_call",
    "guard_dynamic_module",
    "guard_hub_import",
    "hub_origin",
    "python_files",
]

_COMMIT = re.compile(r"[0-9a-f]{40}")


def guard_code_call(passage: Passage, loader: str, parameter: str, position: int = 0) -> Callable[..., Any]:
    """Return a wrapt wrapper for a call that downloads, caches and may import a repository's code.

    Parameters
    ----------
    passage
        The way through the gate.
    loader
        Its name for people; `{class}` stands for the class it was called on.
    parameter, position
        Where the call takes the repository or folder.
    """

    def call(wrapped: Callable[..., Any], instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if passage.inside():
            return wrapped(*args, **options)
        name = loader.replace("{class}", getattr(instance, "__name__", type(instance).__name__))
        if current_call() is not None:
            with holding_code(name):
                return wrapped(*args, **options)
        frame = sys._getframe(1)
        target = options.get(parameter, args[position] if len(args) > position else None)
        local = isinstance(target, (str, os.PathLike)) and os.path.isdir(target)
        source = path_of(target) if local else f"hf:{target}"
        with Suspended():
            request = passage.gate.request(name, call_text(name, options), source or "", frame)
        with passage.call(request, frame):
            return wrapped(*args, **options)

    return call


def guard_dynamic_module(passage: Passage) -> Callable[..., Any]:
    """Return a wrapt wrapper for transformers' `get_cached_module_file`, which is called before `check_imports` and the import."""

    def fetch(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if passage.inside() and not _in_call():
            return wrapped(*args, **options)
        repository = str(args[0] if args else options["pretrained_model_name_or_path"])
        module_file = str(args[1] if len(args) > 1 else options["module_file"])
        with Suspended():
            read = _repository_reader(repository, options)
            files = collect_code((module_file, *auto_map_modules(read)), read)
            origin = os.path.abspath(repository) if os.path.isdir(repository) else hub_origin(repository, options.get("revision"))
        return ask_about_code(passage, f"transformers: {module_file}", origin, files, lambda: wrapped(*args, **options))

    return fetch


def guard_hub_import(passage: Passage) -> Callable[..., Any]:
    """Return a wrapt wrapper for `torch.hub._import_module`, which runs a repository's `hubconf.py`."""

    def run(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        path = str(args[1] if len(args) > 1 else options["path"])
        folder = os.path.dirname(os.path.abspath(path))
        with Suspended():
            # hubconf.py puts its folder on sys.path: every Python file below it can be imported by name
            others = sorted(python_files(folder))
            files = collect_code((os.path.basename(path), *others), folder_reader(folder))
        return ask_about_code(passage, "torch.hub", folder, files, lambda: wrapped(*args, **options))

    return run


def ask_about_code(passage: Passage, loader: str, origin: str, files: tuple[CodeFile, ...], go_on: Callable[[], Any]) -> Any:
    """Ask about the files that were not asked about in this call, then go on with exactly those files allowed.

    Parameters
    ----------
    passage
        The way through the gate.
    loader
        What to call it where no call of the table is under way.
    origin
        The folder or repository of the files.
    files
        Everything that would be imported.
    go_on
        The library's own function.
    """
    call = current_call()
    scope = current_scope()
    with CODE_TURN:
        if call is None or scope is None:
            # reached by a private name: no call of the table is under way, so this is the call
            with Suspended():
                request = passage.gate.request(loader, loader, origin, sys._getframe(3))
            with passage.public(request), Call(request) as alone, Scope(Mode.CALL, label=loader) as scope:
                _permit(passage, alone, scope, origin, files)
                return go_on()
        _permit(passage, call, scope, origin, files)
        return go_on()


def _permit(passage: Passage, call: Call, scope: Scope, origin: str, files: tuple[CodeFile, ...]) -> None:
    fresh = tuple(file for file in files if file.digest not in call.asked)
    if not fresh:
        return
    with Suspended():
        call.looked = True
        permit = passage.ask(lambda: passage.gate.check_code(call.request, origin, fresh))
        passage.gate.settle(permit, None)
    call.asked.update(permit.files)
    scope.files.update(permit.files)


def hub_origin(repository: str, revision: object) -> str:
    """Name a repository of a hub, with the commit if that was asked for by its full id: what a branch names can change."""
    return f"hf:{repository}@{revision}" if isinstance(revision, str) and _COMMIT.fullmatch(revision) else f"hf:{repository}"


def _in_call() -> bool:
    scope = current_scope()
    return scope is not None and scope.mode is Mode.CALL


def _repository_reader(repository: str, options: dict[str, Any]) -> Callable[[str], bytes | None]:
    """Read files of a local folder or of a hub repository; fetching a file runs nothing of it."""
    if os.path.isdir(repository):
        return folder_reader(repository)
    from transformers.utils import cached_file

    passed = {
        name: options[name]
        for name in ("cache_dir", "force_download", "proxies", "token", "revision", "local_files_only", "repo_type")
        if name in options
    }

    def read(name: str) -> bytes | None:
        try:
            path = cached_file(repository, name, **passed)
        except (OSError, ValueError):
            return None
        return _read(path)

    return read


def folder_reader(folder: str) -> Callable[[str], bytes | None]:
    """Make a function that reads files below a folder by their relative names, and gives None for what is not there."""

    def read(name: str) -> bytes | None:
        path = os.path.normpath(os.path.join(folder, name))
        return _read(path) if path.startswith(os.path.abspath(folder) + os.sep) or not os.path.isabs(folder) else None

    folder = os.path.abspath(folder)
    return read


def _read(path: str | None) -> bytes | None:
    if path is None or not os.path.isfile(path):
        return None
    with open(path, "rb") as file:
        return file.read()


def python_files(folder: str) -> list[str]:
    """List the Python files below a folder by their relative names."""
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and name != "__pycache__"]
        found += [os.path.relpath(os.path.join(parent, name), folder) for name in names if name.endswith(".py")]
    return found
