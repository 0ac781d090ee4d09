"""Regular files: the only ones that can be looked at and read again."""

from __future__ import annotations

import io
import os
import stat

__all__ = ["open_regular", "path_to", "regular_descriptor", "state_of"]


def open_regular(path: str) -> int:
    """Open a regular file, and nothing that blocks; raises `OSError` as `open` would, and for what is no such file."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(21, "Is a directory", path)
        message = f"{path} is not a regular file, so it cannot be looked at before it is loaded; copy it to a file first"
        raise OSError(message)
    return descriptor


def state_of(status: os.stat_result) -> tuple[int, ...]:
    """Say which file it is and when it was written to, to be compared."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def regular_descriptor(file: object) -> int | None:
    """Give the descriptor of an exact CPython file over a regular file; a subclass may read something else than it."""
    raw = file.raw if type(file) in (io.BufferedReader, io.BufferedRandom) else file  # type: ignore[attr-defined]
    if type(raw) is not io.FileIO:
        return None
    descriptor = raw.fileno()
    return descriptor if stat.S_ISREG(os.fstat(descriptor).st_mode) else None


def path_to(descriptor: int, name: str) -> str:
    """Give a path that leads another process of this user to the very file behind a descriptor."""
    try:
        there = os.stat(name)
        here = os.fstat(descriptor)
        if (there.st_ino, there.st_dev) == (here.st_ino, here.st_dev):
            return name
    except OSError:
        pass  # renamed, deleted or never had a name: the descriptor still leads to it
    return f"/proc/{os.getpid()}/fd/{descriptor}"
