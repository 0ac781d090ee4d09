"""Guard a script, a service or a test: what `%load_ext modelguard` does for a notebook."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from pathlib import PurePath
from typing import TYPE_CHECKING, Self

from jupyter_modelguard import guard
from jupyter_modelguard.types import CallSite

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["GuardHandle", "guarded", "install"]

_lock = threading.Lock()
_handles = 0
_started_here = False


class GuardHandle:
    """Keeps the guard in place until it is closed; a context manager too."""

    def __init__(self, guard_held: guard.Guard, *, strict: bool = False) -> None:
        self._open = True
        self._guard = guard_held
        if strict:
            guard_held.be_strict(True, self)  # noqa: FBT003 one switch

    def close(self) -> None:
        """Give up this handle; the last one to go restores what was patched, unless an administrator locked the policy.

        Raises
        ------
        UnloadRefusedError
            If a load is under way.
        """
        global _handles, _started_here  # noqa: PLW0603 handles are counted for the process
        with _lock:
            if not self._open:
                return
            if _handles == 1 and _started_here and not self._guard.locked:
                guard.stop()
                _started_here = False
            _handles -= 1
            self._open = False
            self._guard.be_strict(False, self)  # noqa: FBT003

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def install(*, strict: bool = False) -> GuardHandle:
    """Hold the loads of this whole process.

    Outside a notebook nobody can be asked: a load that was not proved and that no accepted rule covers is blocked. Calling it again
    is harmless; every handle has to be closed.

    Parameters
    ----------
    strict
        Whether to hold libraries that unpickle for themselves too, traffic between processes included, as long as this handle is open.

    Returns
    -------
    GuardHandle
        Close it to stop.

    Raises
    ------
    ConfigurationError
        If an environment variable holds what cannot be used.
    """
    global _handles, _started_here  # noqa: PLW0603
    with _lock:
        held = guard.current()
        if held is None:
            shell = _shell()
            held = guard.start(shell, site=_script if shell is None else CallSite)
            _started_here = True
        _handles += 1
        return GuardHandle(held, strict=strict)


@contextmanager
def guarded(*, strict: bool = False) -> Iterator[GuardHandle]:
    """Hold the loads of a block.

    The current thread is what it promises to hold; while it lasts the loaders are guarded for every thread of the process.
    `strict` is as for `install`.
    """
    with install(strict=strict) as handle:
        yield handle


def _script() -> CallSite:
    """Name the script, as lines of a load are lines of it."""
    import sys

    path = getattr(sys.modules.get("__main__"), "__file__", None)
    return CallSite(PurePath(path).name if isinstance(path, str) else None)


def _shell() -> object | None:
    """Return the IPython shell this runs in, found without importing IPython."""
    import sys

    module = sys.modules.get("IPython")
    return module.get_ipython() if module is not None else None
