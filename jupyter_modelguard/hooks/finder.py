"""Notice when a module was executed: on its first import, after `importlib.reload`, or after it was deleted and imported again."""

from __future__ import annotations

import logging
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

__all__ = ["Finder"]

_log = logging.getLogger(__name__)


class Finder:
    """Finds modules through the other finders of `sys.meta_path`, and says so right after one was executed, while it stands there itself.

    Parameters
    ----------
    wanted
        Whether to watch the module of a name.
    executed
        Called with the name that a module is imported by, and the module.
    """

    def __init__(self, wanted: Callable[[str], bool], executed: Callable[[str, ModuleType], None]) -> None:
        self._wanted = wanted
        self._executed = executed
        self._searching = threading.local()

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Give what the other finders find, to be watched; None where they find nothing or nobody wants to know."""
        if not self._wanted(name) or getattr(self._searching, "name", None) == name:
            return None
        self._searching.name = name
        try:
            for finder in sys.meta_path:
                if finder is self or not hasattr(finder, "find_spec"):
                    continue
                spec = finder.find_spec(name, path, target)
                if spec is not None:
                    self._watch(spec)
                    return spec
        finally:
            self._searching.name = None
        return None

    def _watch(self, spec: ModuleSpec) -> None:
        loader = spec.loader
        if loader is None or isinstance(loader, type):
            return
        plain = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            plain(module)
            if self in sys.meta_path:  # the loader stays with its module when the guard goes
                self._executed(spec.name, module)

        try:
            loader.exec_module = exec_module  # type: ignore[method-assign]
        except AttributeError:
            _log.warning("the loader of %s cannot be watched: its loaders are held by the audit floor alone", spec.name)
