"""PyTorch Hub: `torch.hub.load`, `help` and `list`, which run the `hubconf.py` of a repository or of a local folder.

torch asks `[y/N]` by itself before it downloads a repository that it does not know, and takes every folder of its cache for trusted ever
after. Here the person is asked once, after the download and before the first file runs, about exactly the files that may run. Until they
agree nothing counts as trusted: what a call that is kept blocked has downloaded is taken away again.
"""

from __future__ import annotations

import ast
import os
import shutil
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.artifacts.code_tree import collect_code, folder_reader, python_files
from jupyter_modelguard.artifacts.imported import imported_files
from jupyter_modelguard.artifacts.trusted_paths import is_trusted
from jupyter_modelguard.hooks.calls import current_call
from jupyter_modelguard.hooks.named_imports import and_what_they_import
from jupyter_modelguard.hooks.remote_code import ask_about_code
from jupyter_modelguard.hooks.scopes import Mode, Suspended, current_scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.hooks.passage import Passage
    from jupyter_modelguard.types import CodeFile

__all__ = ["github_page", "guard_hub_fetch", "guard_hub_import", "guard_hub_removal", "guard_hub_trust"]

_fetched: set[str] = set()  # folders of torch's cache that calls under way have downloaded, and nobody has agreed to


def github_page(repository: str, options: dict[str, Any]) -> str:
    """Say where on GitHub a repository is, "owner/name:ref" as people write it; the branch is torch's to choose where none is named."""
    name, _, ref = repository.partition(":")
    local = str(options.get("source")).lower() == "local"
    return "" if local else f"https://github.com/{name}" + (f"/tree/{ref}" if ref else "")


def guard_hub_import(passage: Passage) -> Callable[..., Any]:
    """Return a wrapt wrapper for `torch.hub._import_module`, which runs a repository's `hubconf.py`."""

    def run(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        path = os.path.abspath(str(args[1] if len(args) > 1 else options["path"]))
        folder, agreed = os.path.dirname(path), False
        with Suspended():
            files = _hub_files(folder, os.path.basename(path))

        def go_on() -> Any:
            nonlocal agreed
            agreed = True
            return wrapped(*args, **options)

        try:
            return ask_about_code(passage, "torch.hub", folder, files, go_on)
        finally:
            if folder in _fetched:
                _fetched.discard(folder)
                if not agreed:
                    with Suspended():
                        shutil.rmtree(folder, ignore_errors=True)

    return run


def guard_hub_fetch(passage: Passage) -> Callable[..., Any]:
    """Return a wrapt wrapper for `torch.hub._get_cache_or_reload`, which notes what was downloaded and not just found."""

    def fetch(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if passage.inside() or current_call() is None:
            return wrapped(*args, **options)
        with Suspended():
            before = _folders(_cache())
        folder = wrapped(*args, **options)
        with Suspended():
            name = os.path.basename(folder)
            if _folders(os.path.dirname(folder)).get(name) != before.get(name):
                _fetched.add(os.path.abspath(folder))
        return folder

    return fetch


def guard_hub_trust(passage: Passage) -> Callable[..., Any]:
    """Return a wrapt wrapper for torch's own question whether a repository is trusted: a call under guard is asked about by us, later.

    `trust_repo=True` is the person's own word to torch, who then need not be asked by it; that goes its way.
    """

    def check(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        scope = current_scope()
        said = options.get("trust_repo", args[3] if len(args) > 3 else None)  # noqa: PLR2004 its place in torch
        if passage.inside() or scope is None or scope.mode is not Mode.CALL or said is True:
            return wrapped(*args, **options)
        return None

    return check


def guard_hub_removal(passage: Passage) -> Callable[..., Any]:
    """Return a wrapt wrapper for `torch.hub._remove_if_exists`: the first name in a repository's archive says what it clears away."""

    def remove(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        path = str(args[0] if args else options["path"])
        scope = current_scope()
        if not passage.inside() and scope is not None:
            with Suspended():
                cache, place = os.path.realpath(_cache()), os.path.realpath(path)
            if not place.startswith(cache + os.sep):
                raise scope.refuse(f"the removal of {place}, which is not in torch's cache")
        return wrapped(*args, **options)

    return remove


def _hub_files(folder: str, entry: str) -> tuple[CodeFile, ...]:
    """Collect what `hubconf.py` can run: its folder is on the path, so every Python file below it, and what those find elsewhere."""
    files = collect_code((entry, *sorted(python_files(folder))), folder_reader(folder))
    files = and_what_they_import(files)
    known = {file.digest for file in files}
    named = imported_files(_dependencies(files[0].content) if files else (), is_trusted)
    return (*files, *(file for file in named if file.digest not in known))


def _dependencies(content: bytes) -> list[str]:
    """List what `hubconf.py` calls its dependencies: to look for `a.b`, torch imports `a`."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    values = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and any(isinstance(name, ast.Name) and name.id == "dependencies" for name in node.targets)
    ]
    return [
        part.value
        for value in values
        for part in ast.walk(value)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    ]


def _cache() -> str:
    from torch import hub

    return str(hub.get_dir())


def _folders(cache: str) -> dict[str, tuple[int, int]]:
    """List the folders of a cache, with what tells a new one from the one before."""
    if not os.path.isdir(cache):
        return {}
    with os.scandir(cache) as entries:
        return {entry.name: (entry.inode(), entry.stat().st_ctime_ns) for entry in entries if entry.is_dir()}
