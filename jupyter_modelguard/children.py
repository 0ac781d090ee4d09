"""The guard in children: what a `.pth` file in site-packages starts in each Python that a guarded process starts.

Forked children keep the guard by themselves. What is spawned begins as a fresh interpreter; where `modelguard install --children` left its
`.pth` file and the parent says so in `MODELGUARD_CHILDREN`, `begin` waits there for the first import of a library of the table, or for the
first call of a loader of `pickle`, and installs the guard then, with nobody to ask. Until then a child pays for this module alone, which
therefore imports next to nothing.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # `typing` itself takes milliseconds, which every child would pay
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

__all__ = ["WATCHED", "begin", "start_up_line"]

WATCHED = frozenset(
    {
        "cloudpickle",
        "diffusers",
        "dill",
        "joblib",
        "keras",
        "mmengine",
        "numpy",
        "pandas",
        "sentence_transformers",
        "shelve",
        "torch",
        "transformers",
        "yaml",
    }
)
"""Libraries whose import brings the guard; the others load through `pickle` or through one of these."""

# Who reads what the parent sent, before the child has done anything: these never bring the guard.
_TRAFFIC = ("multiprocessing.", "multiprocess.", "joblib.externals.loky.", "loky.", "concurrent.futures.")
_LOADERS = ("load", "loads")


def start_up_line() -> str:
    """Return the line of the `.pth` file: silent and without effect if there is no guarded parent, or no modelguard any more."""
    attempt = r"try:\n from jupyter_modelguard.children import begin\n begin()\nexcept Exception:\n pass"
    return f"import os; os.environ.get('MODELGUARD_CHILDREN') and exec(\"{attempt}\")\n"


def begin() -> None:
    """Wait for the first load in this process."""
    if any(isinstance(finder, _Waiting) for finder in sys.meta_path):
        return
    waiting = _Waiting()
    sys.meta_path.insert(0, waiting)
    if "pickle" in sys.modules:
        waiting.watch_pickle(sys.modules["pickle"])
    if not WATCHED.isdisjoint(sys.modules):
        waiting.install()


class _Waiting:
    """A finder that finds nothing by itself."""

    def __init__(self) -> None:
        self._done = False
        self._kept: dict[str, Any] = {}

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Install the guard before a library is imported, and let the other finders find it."""
        if self._done or (name != "pickle" and name.partition(".")[0] not in WATCHED):
            return None
        if name != "pickle":
            self.install()
        for finder in tuple(sys.meta_path):  # all of them: the guard has put one before this
            spec = finder.find_spec(name, path, target) if finder is not self and hasattr(finder, "find_spec") else None
            if spec is not None:
                if name == "pickle" and spec.loader is not None:
                    self._watch(spec.loader)
                return spec
        return None

    def _watch(self, loader: Any) -> None:
        plain = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            plain(module)
            self.watch_pickle(module)

        loader.exec_module = exec_module

    def watch_pickle(self, module: ModuleType) -> None:
        """Put in place of the loaders what installs the guard when it is first used."""
        names = vars(module)
        for name in _LOADERS:
            self._kept[name] = names[name]
            names[name] = _Forward(self, name, names[name])
        self._kept["Unpickler"] = names.pop("Unpickler")
        names["__getattr__"] = self._unpickler

    def _unpickler(self, name: str) -> Any:
        if name != "Unpickler" or self._done:
            message = f"module 'pickle' has no attribute {name!r}"
            raise AttributeError(message)
        self.install()
        return sys.modules["pickle"].Unpickler

    def install(self) -> None:
        """Install the guard, once."""
        if self._done:
            return
        self._done = True
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        if self._kept:
            names = vars(sys.modules["pickle"])
            names.update(self._kept)
            names.pop("__getattr__", None)
        import os

        from jupyter_modelguard.handle import install

        install(strict=os.environ.get("MODELGUARD_CHILDREN") == "strict")


class _Forward:
    """Stands for a loader until the guard is there; no function, so that it is no method where a class keeps it."""

    def __init__(self, waiting: _Waiting, name: str, original: Callable[..., Any]) -> None:
        self._waiting = waiting
        self._name = name
        self._original = original
        self.__name__ = self.__qualname__ = name
        self.__module__ = "pickle"
        self.__doc__ = original.__doc__

    def __call__(self, *args: Any, **options: Any) -> Any:
        caller = sys._getframe(1).f_globals.get("__name__")  # noqa: SLF001 as in every hook
        if type(caller) is str and caller.startswith(_TRAFFIC):
            return self._original(*args, **options)
        self._waiting.install()
        return getattr(sys.modules["pickle"], self._name)(*args, **options)

    def __reduce__(self) -> str:
        return self._name
