"""Small files in the folder of one person: read and replaced as a whole, under a lock that kernels share.

Nobody else may be able to put a word in there; see `trust_folder`.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import TYPE_CHECKING

from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.policy.trust_folder import check_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["LARGEST", "own_lock", "own_text", "replace_own"]

LARGEST = 1 << 24
"""Bytes that are read of such a file; thousands of decisions."""

_PATIENCE = 2.0  # seconds to wait for another kernel
_PAUSE = 0.01
_PLATFORM: str = sys.platform  # a plain string: every branch is checked on every platform
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


def own_text(path: Path) -> bytes:
    """Read such a file, one byte more than `LARGEST` at most; nothing if there is none.

    Raises
    ------
    ConfigurationError
        Somebody else could have written it.
    OSError
        It cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | _NO_LINK)
    except FileNotFoundError:
        return b""
    except OSError as error:
        if path.is_symlink():
            raise ConfigurationError(f"{path} is a link, so nothing is trusted. Take it away.") from error
        raise
    with os.fdopen(descriptor, "rb") as file:
        check_file(path, os.fstat(descriptor))
        return file.read(LARGEST + 1)


def replace_own(path: Path, text: bytes) -> None:
    """Put a text in the place of such a file, all of it or nothing; raises `OSError`."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}-{time.time_ns()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        fresh.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise


@contextlib.contextmanager
def own_lock(path: Path) -> Iterator[None]:
    """Keep other kernels of this user out by a file for that alone; raises `TimeoutError` when one stays in."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _NO_LINK, 0o600)
    try:
        check_file(path, os.fstat(descriptor))
        deadline = time.monotonic() + _PATIENCE
        while not _try_lock(descriptor):
            if time.monotonic() > deadline:
                raise TimeoutError(f"another process holds {path}")
            time.sleep(_PAUSE)
        yield
    finally:
        os.close(descriptor)  # which gives the lock back


def _try_lock(descriptor: int) -> bool:
    try:
        if _PLATFORM == "win32":
            import msvcrt

            getattr(msvcrt, "locking")(descriptor, getattr(msvcrt, "LK_NBLCK"), 1)  # noqa: B009 absent elsewhere
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True
