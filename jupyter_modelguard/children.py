"""The guard in children: what a `.pth` file in site-packages starts in each Python that a guarded process starts.

Forked children keep the guard by themselves. What is spawned begins as a fresh interpreter; where `modelguard install --children` left its
`.pth` file and the parent says so in `MODELGUARD_CHILDREN`, `begin` waits there for the first import of a library of the table, or for the
first call of a loader of `pickle`, and installs the guard then, with nobody to ask. Until then a child pays for this module alone, which
therefore imports next to nothing.
"""

from __future__ import annotations

import _thread
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
        "jsonpickle",
        "keras",
        "mmengine",
        "numpy",
        "pandas",
        "ruamel",
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
_READERS = ("pickle", "_pickle")
_LOADERS = ("load", "loads", "_load", "_loads")
_CLASSES = ("Unpickler", "_Unpickler")


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
        self._kept: dict[str, dict[str, Any]] = {}  # what was in a module before
        self._turn = _thread.RLock()

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Install the guard before a library is imported, and let the other finders find it."""
        if self._done or (name not in _READERS and name.partition(".")[0] not in WATCHED):
            return None
        if name == "_pickle" and "pickle" in sys.modules:
            return None  # imported by that, which is watched when it is complete
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
        """Put in place of the loaders what installs the guard when it is first used, in the module of the C readers too."""
        forwards: dict[str, _Forward] = {}
        for reader in _READERS:
            names = vars(module) if reader == "pickle" else vars(sys.modules.get(reader, module))
            if reader in self._kept or "__getattr__" in names:
                continue
            self._kept[reader] = {name: names[name] for name in (*_LOADERS, *_CLASSES) if name in names}
            for name in self._kept[reader]:
                if name in _CLASSES:
                    del names[name]
                else:
                    names[name] = forwards.setdefault(name, _Forward(self, name, names[name]))
            names["__getattr__"] = self._class_of(reader)

    def _class_of(self, reader: str) -> Callable[[str], Any]:
        def find(name: str) -> Any:
            if name not in _CLASSES or self._done:
                message = f"module {reader!r} has no attribute {name!r}"
                raise AttributeError(message)
            self.install()
            return getattr(sys.modules[reader], name)

        return find

    def install(self) -> None:
        """Install the guard, once; where that fails, whatever needs it fails as well, and the next load tries again."""
        with self._turn:
            if self._done:
                return
            self._done = True
            for reader, kept in self._kept.items():
                names = vars(sys.modules[reader])
                names.update(kept)
                names.pop("__getattr__", None)
            self._kept.clear()
            try:
                import os

                from jupyter_modelguard.handle import install

                install(strict=os.environ.get("MODELGUARD_CHILDREN") == "strict")
            except BaseException:
                self._done = False
                if "pickle" in sys.modules:
                    self.watch_pickle(sys.modules["pickle"])
                raise
            if self in sys.meta_path:
                sys.meta_path.remove(self)


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
