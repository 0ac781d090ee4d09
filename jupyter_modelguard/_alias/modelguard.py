"""The name people type: `%load_ext modelguard` is `%load_ext jupyter_modelguard`.

Two unrelated projects install a package of this name; `__modelguard_alias__` is how the extension tells this module from theirs. Names
are looked up where they live, and not before they are used: loading the extension must not import what only scripts need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jupyter_modelguard

if TYPE_CHECKING:
    from jupyter_modelguard import (
        GuardHandle,
        ModelLoadBlockedError,
        assess,
        guarded,
        install,
        load_ipython_extension,
        scan,
        take_weights,
        unload_ipython_extension,
    )

__all__ = [
    "GuardHandle",
    "ModelLoadBlockedError",
    "assess",
    "guarded",
    "install",
    "load_ipython_extension",
    "scan",
    "take_weights",
    "unload_ipython_extension",
]

__modelguard_alias__ = "jupyter-modelguard"


def __getattr__(name: str) -> Any:
    if name not in __all__:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(jupyter_modelguard, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
