"""The text of a policy or lock file, read once for as long as nobody changes the file.

A link is not followed: what a file says has to stand in the file that somebody looked at, accepted, or is sure to own.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from jupyter_modelguard.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["CheckedFiles", "FileText", "read_text"]

T = TypeVar("T")
_LARGEST = 1 << 20  # bytes; thousands of rules
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


@dataclass(frozen=True, slots=True)
class FileText:
    """The bytes of a file, and what names them."""

    path: Path
    text: bytes
    digest: str  # sha256, hexadecimal


def read_text(path: Path) -> FileText | None:
    """Read a file that is no link; None if there is none.

    Raises
    ------
    ConfigurationError
        It is a link, too large, no regular file, or cannot be read; the message says what to do.
    """
    try:
        descriptor = os.open(path, _FLAGS)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if path.is_symlink():
            raise ConfigurationError(f"{path}:1: this is a link. Put the file itself in its place.") from None
        raise ConfigurationError(
            f"{path}:1: this cannot be read ({error.strerror}). Make it readable, or take it away."
        ) from None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ConfigurationError(f"{path}:1: this is no regular file. Take it away.")
        try:
            text = file.read(_LARGEST + 1)
        except OSError as error:
            raise ConfigurationError(f"{path}:1: this cannot be read ({error.strerror}).") from None
    if len(text) > _LARGEST:
        raise ConfigurationError(f"{path}:1: this is larger than {_LARGEST:,} bytes. Make it smaller.")
    return FileText(path, text, hashlib.sha256(text).hexdigest())


class CheckedFiles(Generic[T]):
    """What some files say, each read again only when it is another file or was written to.

    Parameters
    ----------
    understand
        Makes of a file's text what it says; a `ConfigurationError` is kept and raised each time.
    """

    def __init__(self, understand: Callable[[FileText], T]) -> None:
        self._understand = understand
        self._known: dict[Path, tuple[object, T | ConfigurationError | None]] = {}

    def read(self, path: Path) -> T | None:
        """Say what a file says; None if there is none.

        Raises
        ------
        ConfigurationError
            It cannot be read, or says nothing that can be understood.
        """
        mark = _mark(path)
        known = self._known.get(path)
        if mark is None:
            return None
        if known is None or known[0] != mark:
            known = self._known[path] = mark, self._fresh(path)
        if isinstance(known[1], ConfigurationError):
            raise known[1].with_traceback(None)
        return known[1]

    def _fresh(self, path: Path) -> T | ConfigurationError | None:
        try:
            text = read_text(path)
            return None if text is None else self._understand(text)
        except ConfigurationError as error:
            return error


def _mark(path: Path) -> object:
    """Tell a file from another and from what it was; None if there is none."""
    try:
        state = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return error.errno
    return state.st_dev, state.st_ino, state.st_mode, state.st_size, state.st_mtime_ns, state.st_ctime_ns
