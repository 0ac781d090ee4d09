"""Calls of hubs beside Hugging Face that download a repository and may run its code, named by where a person finds that repository."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.artifacts.reach import path_of
from jupyter_modelguard.hooks.calls import current_call, holding_code
from jupyter_modelguard.hooks.passage import call_text
from jupyter_modelguard.hooks.scopes import Suspended

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.hooks.passage import Passage

__all__ = ["guard_repository_call", "modelscope_page", "opencsg_page"]


def guard_repository_call(
    passage: Passage, loader: str, parameter: str, position: int, page: Callable[[str, dict[str, Any]], str]
) -> Callable[..., Any]:
    """Return a wrapt wrapper for a call that a person writes, inside which the library's own sinks ask in its name.

    Parameters
    ----------
    passage
        The way through the gate.
    loader
        Its name for people; `{class}` stands for the class it was called on.
    parameter, position
        Where the call takes the repository or the folder.
    page
        Says where a repository is, from its name and the options of the call; empty for a folder.
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
        if isinstance(target, (list, tuple)) and target:
            target = target[0]
        with Suspended():
            named = target if isinstance(target, (str, os.PathLike)) else None
            source = (page(os.fspath(named), options) or path_of(named)) if named is not None else ""
            request = passage.gate.request(name, call_text(name, options), source or "", frame)
        with passage.call(request, frame):
            return wrapped(*args, **options)

    return call


def modelscope_page(name: str, options: dict[str, Any]) -> str:
    """Say where on ModelScope a repository is."""
    revision = options.get("model_revision") or options.get("revision")
    return _page(
        name, os.environ.get("MODELSCOPE_ENDPOINT") or "https://modelscope.cn", f"?Revision={revision}" if revision else ""
    )


def opencsg_page(name: str, _options: dict[str, Any]) -> str:
    """Say where on OpenCSG a repository is; its wrappers of transformers know no revision."""
    return _page(name, os.environ.get("CSGHUB_DOMAIN") or "https://opencsg.com", "")


def _page(name: str, address: str, rest: str) -> str:
    return "" if os.path.exists(name) else f"{address.rstrip('/')}/models/{name}{rest}"
