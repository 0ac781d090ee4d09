"""Loaders of Hugging Face that import a repository's own Python, and the question that all such loaders ask: `ask_about_code`.

The call opens a call scope. Before the library looks at the first code file (transformers imports every module that the file names
even before it runs the file), all files that the call will execute are collected and asked about once; then exactly their bytes run.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.artifacts.code_tree import collect_code, folder_reader
from jupyter_modelguard.artifacts.reach import path_of
from jupyter_modelguard.hooks.calls import Call, current_call, holding_code
from jupyter_modelguard.hooks.code_files import CODE_TURN
from jupyter_modelguard.hooks.hub_repositories import Place, code_of
from jupyter_modelguard.hooks.passage import Passage, call_text
from jupyter_modelguard.hooks.scopes import Mode, Scope, Suspended, current_scope, for_each_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from jupyter_modelguard.types import CodeFile

__all__ = [
    "ask_about_code",
    "guard_code_call",
    "guard_dynamic_import",
    "guard_dynamic_module",
    "guard_trust_question",
]

_TRUST_PARAMETERS = ("trust_remote_code", "model_name", "has_local_code", "has_remote_code")


class _Fetched(threading.local):
    """What was asked about as it was fetched where no call of the table is under way: the library imports it in a second step."""

    files: Mapping[str, bytes] = MappingProxyType({})


_fetched = for_each_thread(_Fetched())


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
        target = options.get(parameter, args[position] if len(args) > position else None)
        if current_call() is not None:
            with holding_code(name), _naming(target, options):
                return wrapped(*args, **options)
        frame = sys._getframe(1)
        local = isinstance(target, (str, os.PathLike)) and os.path.isdir(target)
        source = path_of(target) if local else f"hf:{target}"
        with Suspended():
            request = passage.gate.request(name, call_text(name, options), source or "", frame)
        with passage.call(request, frame), _naming(target, options):
            return wrapped(*args, **options)

    return call


@contextlib.contextmanager
def _naming(target: object, options: dict[str, Any]) -> Iterator[None]:
    """Note for the call under way which repository or folder it is on."""
    call = current_call()
    if call is None or not isinstance(target, (str, os.PathLike)):
        yield
        return
    call.places.append(Place(os.fspath(target), options))
    try:
        yield
    finally:
        call.places.pop()


def guard_dynamic_module(passage: Passage) -> Callable[..., Any]:
    """Return a wrapt wrapper for transformers' `get_cached_module_file`, which is called before `check_imports` and the import."""

    def fetch(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if passage.inside() and not _in_call():
            return wrapped(*args, **options)
        module = Place(str(args[0] if args else options["pretrained_model_name_or_path"]), options)
        module_file = str(args[1] if len(args) > 1 else options["module_file"])
        call = current_call()
        places = call.places if call is not None else []
        with Suspended():
            files = module.code((module_file,))
            if call is None or any(file.digest not in call.asked for file in files):
                files = code_of(places, module, module_file)  # the library comes here once for every file
            origin = (places[0] if places else module).origin
        fetched = ask_about_code(passage, f"transformers: {module_file}", origin, files, lambda: wrapped(*args, **options))
        if not _in_call():
            _fetched.files = {file.digest: file.content for file in files}
        return fetched

    return fetch


def guard_dynamic_import(passage: Passage) -> Callable[..., Any]:
    """Return a wrapt wrapper for transformers' `get_class_in_module`, which runs a module that lies in its cache.

    Inside a call of the table what runs is what that call asked about. Reached by another name there is no such call: the files are asked
    about here, unless the same thread was just asked when they were fetched.
    """

    def run(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if passage.inside() or _in_call():
            return wrapped(*args, **options)
        given = options.get("module_path", args[1] if len(args) > 1 else None)
        with Suspended():
            cache = getattr(sys.modules.get("transformers.dynamic_module_utils"), "HF_MODULES_CACHE", "")
            folder, name = os.path.split(os.path.join(cache, os.fspath(given or "")))
            files = collect_code((name,), folder_reader(folder))
        known, _fetched.files = _fetched.files, {}
        return ask_about_code(passage, f"transformers: {name}", folder, files, lambda: wrapped(*args, **options), known)

    return run


def guard_trust_question(_passage: Passage) -> Callable[..., Any]:
    """Return a wrapt wrapper for transformers' `resolve_trust_remote_code`, which asks `[y/N]` where a call does not say.

    In a guarded call the person is asked once, by the card, which shows what would run: nothing of it runs before that is decided. What
    the call does say stays as it is.
    """

    def resolve(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        said, _name, has_own, has_code = (*args, *(options.get(name) for name in _TRUST_PARAMETERS[len(args) :]))[:4]
        return True if said is None and has_code and not has_own and _in_call() else wrapped(*args, **options)

    return resolve


def ask_about_code(
    passage: Passage,
    loader: str,
    origin: str,
    files: tuple[CodeFile, ...],
    go_on: Callable[[], Any],
    known: Mapping[str, bytes] = MappingProxyType({}),
) -> Any:
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
    known
        Contents by digest that were asked about just before, where no call of the table is under way.
    """
    call = current_call()
    scope = current_scope()
    with CODE_TURN:
        if call is None or scope is None:
            # reached by a private name: no call of the table is under way, so this is the call
            with Suspended():
                request = passage.gate.request(loader, loader, origin, sys._getframe(3))
            with passage.public(request), Call(request) as alone, Scope(Mode.CALL, label=loader) as scope:
                alone.asked.update(known)
                scope.files.update(known)
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


def _in_call() -> bool:
    scope = current_scope()
    return scope is not None and scope.mode is Mode.CALL
