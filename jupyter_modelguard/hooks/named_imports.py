"""Modules and folders that a configuration names for import: mmengine, diffusers, sentence-transformers, ModelScope.

What lies in an installed library is that library's. Everything else, a module planted in the working directory included, is collected
with whatever it imports from beside itself, and asked about before the first of it runs.
"""

from __future__ import annotations

import inspect
import os
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.artifacts.code_tree import collect_code, folder_reader, python_files, read_file
from jupyter_modelguard.artifacts.imported import absolute_imports, imported_files
from jupyter_modelguard.artifacts.trusted_paths import is_trusted
from jupyter_modelguard.hooks.hub_repositories import hub_origin
from jupyter_modelguard.hooks.remote_code import ask_about_code
from jupyter_modelguard.hooks.scopes import Suspended

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.hooks.passage import Passage
    from jupyter_modelguard.types import CodeFile

__all__ = ["and_what_they_import", "guard_diffusers_module", "guard_model_folder", "guard_named_imports"]


def guard_named_imports(passage: Passage, loader: str) -> Callable[..., Any]:
    """Return a wrapt wrapper for a function that imports modules by the names it takes first: a text or a list of texts."""

    def run(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if passage.inside():
            return wrapped(*args, **options)
        given = args[0] if args else options.get(next(iter(inspect.signature(wrapped).parameters)))
        names = [given] if isinstance(given, str) else [name for name in given or () if isinstance(name, str)]
        with Suspended():
            files = imported_files([part for name in names for part in (name, name.rpartition(".")[0]) if part], is_trusted)
        if not files:
            return wrapped(*args, **options)
        return ask_about_code(passage, loader, os.path.dirname(files[0].path), files, lambda: wrapped(*args, **options))

    return run


def guard_model_folder(passage: Passage, loader: str, position: int = 0, parameter: str = "model_dir") -> Callable[..., Any]:
    """Return a wrapt wrapper for a function that imports, or makes importable, all Python files of the folder that it takes."""

    def run(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        given = options.get(parameter, args[position] if len(args) > position else None)
        if passage.inside() or not isinstance(given, (str, os.PathLike)) or not os.path.isdir(given):
            return wrapped(*args, **options)
        with Suspended():
            folder = os.path.abspath(given)
            files = and_what_they_import(collect_code(sorted(python_files(folder)), folder_reader(folder)))
        if not files:
            return wrapped(*args, **options)
        return ask_about_code(passage, loader, folder, files, lambda: wrapped(*args, **options))

    return run


def guard_diffusers_module(passage: Passage) -> Callable[..., Any]:
    """Return a wrapt wrapper for diffusers' `get_cached_module_file`, which is called before anything of a repository runs."""

    def fetch(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if passage.inside():
            return wrapped(*args, **options)
        repository = str(args[0] if args else options["pretrained_model_name_or_path"])
        module_file = str(args[1] if len(args) > 1 else options["module_file"])
        subfolder = options.get("subfolder") or ""
        local = os.path.isfile(os.path.join(repository, subfolder, module_file))
        if not options.get("trust_remote_code") and (local or "/" in repository):
            return wrapped(*args, **options)  # the library refuses by itself, before it looks at the file
        with Suspended():
            read = folder_reader(os.path.join(repository, subfolder)) if local else _hub_reader(repository, subfolder, options)
            entry = module_file if local or "/" in repository else f"{repository}.py"
            files = and_what_they_import(collect_code((entry,), read))
            origin = os.path.abspath(repository) if local else hub_origin(repository, options.get("revision"))
        return ask_about_code(passage, f"diffusers: {module_file}", origin, files, lambda: wrapped(*args, **options))

    return fetch


def and_what_they_import(files: tuple[CodeFile, ...]) -> tuple[CodeFile, ...]:
    """Add the modules in the working directory and beside it that the files import: `check_imports` runs those even earlier.

    Empty ones, which libraries put beside a module that they copied, run nothing.
    """
    names = [name for file in files for name in absolute_imports(file.content)]
    known = {file.digest for file in files}
    return (*files, *(file for file in imported_files(names, is_trusted) if file.content and file.digest not in known))


def _hub_reader(repository: str, subfolder: str, options: dict[str, Any]) -> Callable[[str], bytes | None]:
    """Read files of a hub repository, or of diffusers' mirror of community pipelines; fetching a file runs nothing of it."""
    from importlib.metadata import version

    from diffusers.utils import dynamic_modules_utils as library
    from huggingface_hub import hf_hub_download

    passed = {name: options[name] for name in ("cache_dir", "proxies", "token", "local_files_only") if options.get(name)}
    revision = options.get("revision")
    community = "/" not in repository

    def read(name: str) -> bytes | None:
        try:
            if community:
                release = revision or f"v{'.'.join(version('diffusers').split('.')[:3])}"
                mirror = library.COMMUNITY_PIPELINES_MIRROR_ID
                path = hf_hub_download(mirror, f"{release}/{name}", repo_type="dataset", **passed)
            else:
                path = hf_hub_download(repository, name, subfolder=subfolder or None, revision=revision, **passed)
        except (OSError, ValueError):
            return None
        return read_file(path)

    return read
