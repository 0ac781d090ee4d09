"""The name people type: `%load_ext modelguard` is `%load_ext jupyter_modelguard`.

Two unrelated projects install a package of this name. `__modelguard_alias__` is how the extension tells this module from theirs.
"""

from __future__ import annotations

from jupyter_modelguard import (
    GuardHandle,
    ModelLoadBlockedError,
    assess,
    guarded,
    install,
    load_ipython_extension,
    scan,
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
    "unload_ipython_extension",
]

__modelguard_alias__ = "jupyter-modelguard"
