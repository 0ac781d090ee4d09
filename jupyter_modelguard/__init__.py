"""jupyter_modelguard: a model load that would run code stops before its first byte runs, until a person says so.

    %load_ext modelguard

In a script, `install()` holds loads for the whole process and `guarded()` for a block. Names are resolved on first use, so that
importing the package costs a kernel next to nothing.
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False  # `typing` itself takes milliseconds, which every guarded child would pay
if TYPE_CHECKING:
    from typing import Any

    from jupyter_modelguard.engines.convert import take_weights
    from jupyter_modelguard.engines.scan import scan
    from jupyter_modelguard.errors import ModelLoadBlockedError
    from jupyter_modelguard.handle import GuardHandle, guarded, install
    from jupyter_modelguard.ipython.extension import load_ipython_extension, unload_ipython_extension
    from jupyter_modelguard.policy.evaluate import evaluate as assess

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

_HOMES = {
    "_jupyter_server_extension_points": ("jupyter_modelguard.server.extension", "_jupyter_server_extension_points"),
    "GuardHandle": ("jupyter_modelguard.handle", "GuardHandle"),
    "ModelLoadBlockedError": ("jupyter_modelguard.errors", "ModelLoadBlockedError"),
    "assess": ("jupyter_modelguard.policy.evaluate", "evaluate"),
    "guarded": ("jupyter_modelguard.handle", "guarded"),
    "install": ("jupyter_modelguard.handle", "install"),
    "load_ipython_extension": ("jupyter_modelguard.ipython.extension", "load_ipython_extension"),
    "scan": ("jupyter_modelguard.engines.scan", "scan"),
    "take_weights": ("jupyter_modelguard.engines.convert", "take_weights"),
    "unload_ipython_extension": ("jupyter_modelguard.ipython.extension", "unload_ipython_extension"),
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("jupyter-modelguard")
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    module, attribute = _HOMES[name]
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
