"""What a load must leave as it was: modules, classes, functions and the settings of the process."""

from __future__ import annotations

import atexit
import copyreg
import decimal
import gc
import os
import signal
import sys
import threading
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Snapshot"]

_ALWAYS = (
    "builtins",
    "os",
    "sys",
    "copyreg",
    "pickle",
    "_pickle",
    "codecs",
    "warnings",
    "io",
    "types",
    "functools",
    "_compat_pickle",
)
_ALWAYS += (
    "importlib",
    "logging",
    "operator",
    "__main__",
    "jupyter_modelguard.policy.grammar",
    "jupyter_modelguard.engines.stubs",
)
_COME_AND_GO = frozenset({"__warningregistry__", "last_type", "last_value", "last_traceback", "last_exc", "_"})


class Snapshot:
    """Everything of some globals' modules, classes and functions, by identity.

    Parameters
    ----------
    names
        The globals, as `(module, name)`.
    """

    def __init__(self, names: Iterable[tuple[str, str]]) -> None:
        self._holders: dict[str, Any] = {}
        for module in (*_ALWAYS, *(module for module, _ in names)):
            if type(sys.modules.get(module)) is ModuleType:
                self._holders[module] = sys.modules[module]
        for module, name in names:
            value = vars(sys.modules[module]).get(name) if module in sys.modules else None
            if isinstance(value, type):
                self._holders.update((f"{cls.__module__}.{cls.__qualname__}", cls) for cls in type.mro(value))
            elif value is not None and hasattr(value, "__dict__"):
                self._holders[f"{module}.{name}"] = value
        self._before = {label: _parts(holder) for label, holder in self._holders.items()}
        self._settings = _settings()
        self._ignored: frozenset[str] = frozenset()

    def ignore(self, changes: Iterable[str]) -> None:
        """Leave out what a process changes that does nothing, like what a fork renews."""
        self._ignored = frozenset(changes)

    def settle(self) -> None:
        """Take the settings as they are now, in a process that was set up."""
        self._settings = _settings()

    def changes(self) -> list[str]:
        """Say what is not as it was."""
        found = []
        for label, holder in self._holders.items():
            before, now = self._before[label], _parts(holder)
            if before.keys() == now.keys() and all(value is before[key] for key, value in now.items()):
                continue
            for key in sorted(before.keys() | now.keys(), key=str):
                if key not in _COME_AND_GO and before.get(key, _MISSING) is not now.get(key, _MISSING):
                    if isinstance(now.get(key), ModuleType):
                        continue  # a submodule that was imported on demand
                    found.append(f"{label}.{key} was changed")
        now_set = _settings()
        found += [f"{what} was changed" for what, value in self._settings.items() if now_set[what] != value]
        return [change for change in found if change not in self._ignored]


_MISSING = object()


def _parts(holder: Any) -> Mapping[str, Any]:
    parts = dict(vars(holder))
    if isinstance(holder, FunctionType):
        for part in ("__code__", "__defaults__", "__kwdefaults__"):
            parts[part] = getattr(holder, part)
    return parts


def _settings() -> dict[str, Any]:
    found: dict[str, Any] = {
        "the environment": dict(os.environ),
        "the working directory": os.getcwd(),
        "sys.path": list(sys.path),
        "sys.meta_path": [id(item) for item in sys.meta_path],
        "sys.path_hooks": [id(item) for item in sys.path_hooks],
        "copyreg": [len(vars(copyreg)[name]) for name in ("_extension_registry", "_inverted_registry", "_extension_cache")],
        "copyreg.dispatch_table": [id(item) for item in copyreg.dispatch_table.values()],
        "atexit": atexit._ncallbacks(),
        "signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)],
        "decimal": repr(decimal.getcontext().prec),
        "the limit of recursion": sys.getrecursionlimit(),
        "garbage collection": gc.isenabled(),
        "tracing": (sys.gettrace(), threading.gettrace()),
        "files": len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0,
    }
    np = sys.modules.get("numpy")
    if np is not None:
        kinds = ("f8", "f4", "i8", "i4", "u1", "?", "O", "U", "S", "V", "M8", "m8", "c16")
        found["a data type of numpy"] = repr([np.dtype(kind).__reduce__() for kind in kinds])
        found["numpy's errors"] = np.geterr()
    torch = sys.modules.get("torch")
    if torch is not None:
        found["torch's settings"] = (
            torch.get_default_dtype(),
            torch.is_grad_enabled(),
            torch.are_deterministic_algorithms_enabled(),
        )
    return found
