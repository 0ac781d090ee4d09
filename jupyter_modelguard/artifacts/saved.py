"""What a save has just written, in a form in which it can be looked at a little later without mistaking other bytes for it.

A small file is its bytes, taken at once. A large one stays where it is: its state is noted as soon as any further change would leave a
mark, and what was read of it counts only if that state is still the same at the end.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from dataclasses import dataclass, field
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Self

from jupyter_modelguard.artifacts.reach import Reached
from jupyter_modelguard.artifacts.source import StreamSource

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["MOST_TAKEN", "Saved", "names_of_the_notebook"]

MOST_TAKEN = 1 << 22
"""Bytes up to which a file is taken into memory, which takes a millisecond."""

_COARSE_CLOCK = 5  # CLOCK_REALTIME_COARSE of Linux: the one that files are stamped by
_DEFINED = (type, FunctionType, BuiltinFunctionType, ModuleType, int, float, str, bytes, tuple, list, dict, type(None))
_TICK = 0.0005  # seconds between looks at it
_LONGEST_TICK = 0.011  # seconds; a hundred ticks a second is the slowest kernel


def names_of_the_notebook(data: bytes | None) -> Mapping[str, Any]:
    """Keep what the notebook has defined, for bytes that name something of it; no data of the user's, which may be large and go away."""
    if data is not None and b"__main__" not in data:
        return {}
    return {name: value for name, value in tuple(vars(sys.modules["__main__"]).items()) if isinstance(value, _DEFINED)}


@dataclass(frozen=True, slots=True)
class Saved:
    """One file that was written, or one stream.

    Attributes
    ----------
    loaders
        Those by which such a file is loaded again.
    dialect
        How they read it.
    path
        Where it was written to, for people; empty where that is not known.
    data
        All of its bytes; None where they stay in the file.
    descriptor
        Of the file, which `close` closes; None where there is none.
    state
        Of the file as it was just after it was written.
    unpack
        What the loader does first with what it reads; None where that is nothing.
    at
        When it was saved, in seconds since the epoch.
    notebook
        What the names of the notebook stood for then.
    """

    loaders: tuple[str, ...]
    dialect: str
    path: str
    data: bytes | None = None
    descriptor: int | None = None
    state: os.stat_result | None = None
    unpack: Callable[[Reached], Reached] | None = None
    at: float = field(default_factory=time.time)
    notebook: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def at_path(
        cls, path: str, loaders: tuple[str, ...], dialect: str, unpack: Callable[[Reached], Reached] | None = None
    ) -> Self | None:
        """Take a file that was written and closed a moment ago; None where that cannot be done for sure. Raises `OSError`."""
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
        try:
            state = os.fstat(descriptor)
            if stat.S_ISREG(state.st_mode) and state.st_size <= MOST_TAKEN:
                data = _read(descriptor, state.st_size)
                made = cls(loaders, dialect, path, data, descriptor, state, unpack, notebook=names_of_the_notebook(None))
            elif stat.S_ISREG(state.st_mode) and _is_past(state.st_mtime_ns, state.st_ctime_ns):
                state = os.fstat(descriptor)
                made = cls(loaders, dialect, path, None, descriptor, state, unpack, notebook=names_of_the_notebook(None))
            else:
                os.close(descriptor)
                return None
        except BaseException:
            os.close(descriptor)
            raise
        return made

    @property
    def size(self) -> int:
        """Bytes that wait in memory for the look."""
        return len(self.data or b"")

    def reach(self) -> Reached:
        """Reach the bytes as the loader will."""
        if self.data is not None:
            reached = Reached.of_bytes(self.data, self.path)
        else:
            assert self.descriptor is not None  # noqa: S101 the one or the other
            assert self.state is not None  # noqa: S101
            source = StreamSource(path=f"/proc/{os.getpid()}/fd/{self.descriptor}")
            reached = Reached(source, self.path, self.state.st_size, os.dup(self.descriptor))
        return reached if self.unpack is None else self.unpack(reached)

    @property
    def unchanged(self) -> bool:
        """Whether what was read is what was written."""
        if self.data is not None or self.descriptor is None or self.state is None:
            return self.data is not None
        return _marks(os.fstat(self.descriptor)) == _marks(self.state)

    def close(self) -> None:
        """Let go of the file."""
        if self.descriptor is not None:
            os.close(self.descriptor)


def _read(descriptor: int, size: int) -> bytes:
    data = os.pread(descriptor, size + 1, 0)
    if len(data) != size:
        raise OSError("the file changes while it is read")
    return data


def _marks(state: os.stat_result) -> tuple[int, ...]:
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns


def _is_past(*stamps: int) -> bool:
    """Wait until a change of a file would be stamped later than this; False where there is no telling."""
    if not sys.platform.startswith("linux"):
        return False
    deadline = time.monotonic() + _LONGEST_TICK
    while time.clock_gettime_ns(_COARSE_CLOCK) <= max(stamps):
        if time.monotonic() > deadline:
            return False  # stamped by another machine's clock
        time.sleep(_TICK)
    return True
