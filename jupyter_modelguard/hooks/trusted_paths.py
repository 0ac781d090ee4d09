"""Which files belong to Python or to an installed library, by real path.

A file anywhere else, planted beside a model or in the working directory, is never taken for a library's.
"""

from __future__ import annotations

import functools
import os
import site
import sys
import sysconfig

__all__ = ["is_trusted", "trusted_roots"]


@functools.cache
def trusted_roots() -> tuple[str, ...]:
    """Return the folders of the standard library and of site-packages, as real paths that end in a separator."""
    paths = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    paths.update(site.getsitepackages())
    paths.add(site.getusersitepackages())
    paths.add(os.path.dirname(os.__file__))
    paths.update(path for path in sys.path if path.endswith((".zip", "lib-dynload")) and path.startswith(sys.base_prefix))
    return tuple(sorted(os.path.realpath(path) + os.sep for path in paths if path))


def is_trusted(path: str) -> bool:
    """Return whether a file lies in the standard library or in site-packages."""
    real = os.path.realpath(path)
    return real.startswith((*trusted_roots(), _OWN))


_OWN = os.path.dirname(os.path.dirname(os.path.realpath(__file__))) + os.sep  # an editable install lives elsewhere
