"""Configurations in Python, and modules that configurations name: mmengine, mmcv, ModelScope, and files that others execute by path.

Everything that a configuration would run is collected through all that it is based on, and asked about once, before the first of it runs.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import inspect
import os
import sys
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.artifacts.configurations import SUFFIXES, read_configuration
from jupyter_modelguard.artifacts.imported import imported_files
from jupyter_modelguard.artifacts.trusted_paths import is_trusted
from jupyter_modelguard.hooks.named import go_on, guard_call
from jupyter_modelguard.hooks.named_imports import and_what_they_import
from jupyter_modelguard.hooks.remote_code import ask_about_code
from jupyter_modelguard.hooks.same_text import handed_out, handing_out
from jupyter_modelguard.hooks.scopes import Mode, Scope, Suspended
from jupyter_modelguard.policy.named import named_finding, named_use
from jupyter_modelguard.types import Artifact, Judgement

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.hooks.passage import Passage

__all__ = ["guard_config_call", "guard_consented_file", "guard_named_file", "guard_registry_get", "guard_registry_scope"]


def guard_config_call(passage: Passage, loader: str, parameter: str = "filename") -> Callable[..., Any]:
    """Return a wrapt wrapper for the call that people write to read a configuration; `parameter` is its first, the path."""
    held = guard_call(passage, loader, 0, parameter)
    read = guard_named_file(passage, loader, 0, parameter, SUFFIXES)

    def call(wrapped: Callable[..., Any], instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        def inner(*args: Any, **options: Any) -> Any:
            return read(wrapped, instance, args, options)

        return held(inner, instance, args, options)

    return call


def guard_named_file(
    passage: Passage, loader: str, position: int = 0, parameter: str = "filename", suffixes: tuple[str, ...] = (".py",)
) -> Callable[..., Any]:
    """Return a wrapt wrapper for a function that executes the Python file whose path it takes.

    Parameters
    ----------
    passage
        The way through the gate.
    loader
        Its name for people.
    position, parameter
        Where the call takes the path.
    suffixes
        Files that can lead to Python files.
    """

    def run(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        given = options.get(parameter, args[position] if len(args) > position else None)
        if passage.inside() or not isinstance(given, (str, os.PathLike)):
            return wrapped(*args, **options)
        path = os.path.abspath(os.path.expanduser(os.fspath(given)))
        if not path.endswith(suffixes) or not os.path.isfile(path) or is_trusted(path):
            return wrapped(*args, **options)
        with Suspended():
            found = read_configuration(path, is_trusted, handed_out)
            named = [part for name in found.modules for part in (name, name.rpartition(".")[0]) if part]
            files = (*found.texts.values(), *found.filled_in, *imported_files(named, is_trusted))
            files = and_what_they_import(files)
        if not files:
            return wrapped(*args, **options)

        def read() -> Any:
            with handing_out(getattr(wrapped, "__globals__", {}), {place: file.content for place, file in found.texts.items()}):
                return wrapped(*args, **options)

        return ask_about_code(passage, loader, os.path.dirname(path), files, read)

    return run


def guard_consented_file(passage: Passage, loader: str) -> Callable[..., Any]:
    """Return a wrapt wrapper like `guard_named_file` for a function that refuses Python by itself unless it is told `trust_remote_code`."""
    ask = guard_named_file(passage, loader)

    def run(wrapped: Callable[..., Any], instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        takes = inspect.signature(wrapped)
        if passage.inside() or "trust_remote_code" not in takes.parameters:  # before ModelScope 1.36 it refused nothing
            return ask(wrapped, instance, args, options)
        if takes.bind_partial(*args, **options).arguments.get("trust_remote_code"):
            return ask(wrapped, instance, args, options)
        with Scope(Mode.CALL, label=loader):
            return wrapped(*args, **options)

    return run


def guard_registry_get(passage: Passage, loader: str) -> Callable[..., Any]:
    """Return a wrapt wrapper for mmengine's `Registry.get`, which imports whatever dotted name a configuration has for a type."""

    def get(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        key = args[0] if args else options.get("key")
        if passage.inside() or not isinstance(key, str) or "." not in key:
            return wrapped(*args, **options)
        first, *_ = parts = key.split(".")
        names = [f"{first}.registry", *(".".join(parts[:count]) for count in range(1, len(parts) + 1))]
        found = _asked(passage, loader, names, lambda: wrapped(*args, **options))
        with Suspended():
            uses = {
                use.name: use
                for name in (key, f"{getattr(found, '__module__', '')}.{getattr(found, '__qualname__', '')}")
                if (use := named_use(name, "")).judgement is Judgement.DANGEROUS
            }
        if not uses:
            return found
        with Suspended():
            request = passage.gate.request(loader, f"{loader}({key!r:.200})", "<text>", None)
            artifact = Artifact(key, "<text>", "yaml", hashlib.sha256(key.encode()).hexdigest(), len(key))
            findings = tuple(named_finding("config-target", use, key) for use in uses.values())
        with passage.public(request):
            return go_on(passage, request, artifact, tuple(uses.values()), findings, lambda: found)

    return get


def guard_registry_scope(passage: Passage, loader: str) -> Callable[..., Any]:
    """Return a wrapt wrapper for mmengine's `Registry.switch_scope_and_registry`, which imports the `registry` module of a scope."""

    def switch(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        scope = (args[0] if args else options.get("scope")) or _default_scope()
        if passage.inside() or not isinstance(scope, str):
            return wrapped(*args, **options)

        def prepare() -> Any:
            with contextlib.suppress(ImportError, AttributeError):  # as the library does, which imports only later
                importlib.import_module(f"{scope}.registry")
            return wrapped(*args, **options)

        return _asked(passage, loader, [f"{scope}.registry"], prepare, lambda: wrapped(*args, **options))

    return switch


def _asked(
    passage: Passage, loader: str, names: list[str], load: Callable[[], Any], plainly: Callable[[], Any] | None = None
) -> Any:
    """Ask about the modules of these names that are nobody's installed library, if there are any, and go on."""
    with Suspended():
        files = imported_files(names, is_trusted)
    if not files:
        return (plainly or load)()
    return ask_about_code(passage, loader, os.path.dirname(files[0].path), files, load)


def _default_scope() -> str | None:
    current = sys.modules["mmengine.registry"].DefaultScope.get_current_instance()
    return None if current is None else str(current.scope_name)
