"""Warnings of a library during a proved load: shown when the load is over, in the way that the user has chosen.

Showing one opens the library's source, imports on Python 3.13, and may run a `showwarning` of the user's own: nothing that the load's scope
allows. Filters, registries and stack levels were applied before a warning comes here, and a filter that makes an error of it has raised.
"""

from __future__ import annotations

import types
import warnings
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.hooks.scopes import Mode, current_scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.hooks.scopes import Scope

__all__ = ["keep_warning", "show_warnings"]


def keep_warning(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Keep a warning until the proved load is over (`warnings._showwarnmsg`); what records warnings gets it at once."""
    scope = current_scope()
    if scope is None or scope.mode is not Mode.PROVED or _records():
        return wrapped(*args, **options)
    scope.warned.append((args, options))
    return None


def _records() -> bool:
    """Whether `catch_warnings(record=True)` is in force, which appends to a list and does nothing else."""
    module: Any = warnings
    kept = module._showwarnmsg_impl
    return (
        type(kept) is types.BuiltinMethodType and type(kept.__self__) is list and module.showwarning is module._showwarning_orig
    )


def show_warnings(scope: Scope) -> None:
    """Show what was kept during a load, which is over."""
    module: Any = warnings
    while scope.warned:
        args, options = scope.warned.pop(0)
        module._showwarnmsg(*args, **options)
