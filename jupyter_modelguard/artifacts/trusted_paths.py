"""Which files belong to Python or to an installed library, by real path.

A file anywhere else, planted beside a model or in the working directory, is never taken for a library's.
"""

from __future__ import annotations

import functools
import os
import site
import sys
import sysconfig

__all__ = ["is_library_code", "is_time_zone", "is_trusted", "trusted_roots"]


@functools.cache
def trusted_roots() -> tuple[str, ...]:
    """Return the folders of the standard library and of site-packages, as real paths that end in a separator."""
    paths = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    paths.update(site.getsitepackages())
    paths.add(site.getusersitepackages())
    paths.add(os.path.dirname(os.__file__))
    paths.update(path for path in sys.path if path.endswith((".zip", "lib-dynload")) and path.startswith(sys.base_prefix))
    # what a cluster's module system puts on PYTHONPATH: libraries too, though no installation of this interpreter
    paths.update(path for path in sys.path if os.path.basename(path) in {"site-packages", "dist-packages"})
    return tuple(sorted(os.path.realpath(path) + os.sep for path in paths if path))


def is_trusted(path: str) -> bool:
    """Return whether a file lies in the standard library or in site-packages."""
    real = os.path.realpath(path)
    return real.startswith((*trusted_roots(), _OWN))


@functools.lru_cache(4096)
def is_library_code(filename: str) -> bool:
    """Return whether code that names this file comes with Python or an installed library; answers are remembered.

    For the question whose code is running, not for what may run: compiled code can claim any file.
    """
    return filename.startswith("<frozen ") or is_trusted(filename)


def is_time_zone(path: str) -> bool:
    """Return whether a file lies in one of the folders that Python reads time zones from, once it has been asked for one."""
    module = sys.modules.get("zoneinfo")
    folders: tuple[str, ...] = getattr(module, "TZPATH", ())
    return os.path.abspath(path).startswith(tuple(os.path.abspath(folder) + os.sep for folder in folders))


_OWN = os.path.dirname(os.path.dirname(os.path.realpath(__file__))) + os.sep  # an editable install lives elsewhere
