"""A seal that only this user's installation on this machine makes: for what must not come along in an archive or from another computer.

The key lies in a file of its own beside what it seals. It counts only together with this machine's id, this user and the place of that very
file on the disk, so that a copy of the whole folder seals nothing: not a backup, not a home folder that somebody packed, not one that is
mounted elsewhere. Code that runs as this user can read the key and seal what it likes.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from typing import TYPE_CHECKING

from jupyter_modelguard.policy.trust_folder import check_file

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["seal"]

_KEY = "installation.key"
_LENGTH = 32  # bytes
_MACHINE = ("/etc/machine-id", "/var/lib/dbus/machine-id")
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


def seal(folder: Path, text: bytes) -> str:
    """Seal a text, hexadecimal.

    Parameters
    ----------
    folder
        One that was looked at already, see `trust_folder.check_folder`; the key is made there when there is none.
    text
        What is sealed.

    Raises
    ------
    ConfigurationError
        Somebody else could have written the key.
    OSError
        It cannot be read or made.
    """
    path = folder / _KEY
    try:
        descriptor = os.open(path, os.O_RDONLY | _NO_LINK)
    except FileNotFoundError:
        _make(folder)
        descriptor = os.open(path, os.O_RDONLY | _NO_LINK)
    try:
        state = os.fstat(descriptor)
        check_file(path, state)
        key = os.read(descriptor, _LENGTH + 1)
    finally:
        os.close(descriptor)
    if len(key) != _LENGTH:
        raise OSError(f"{path} holds no key; take it away")
    place = f"{_machine()}|{getattr(os, 'getuid', int)()}|{state.st_ino}|{folder}"
    return hmac.digest(key, hashlib.sha256(place.encode("utf-8", "surrogateescape")).digest() + text, "sha256").hex()


def _make(folder: Path) -> None:
    """Write a fresh key whole, and leave one that another kernel made meanwhile."""
    fresh = folder / f"{_KEY}.{os.getpid()}-{secrets.token_hex(4)}"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_LENGTH))
        with contextlib.suppress(FileExistsError):
            os.link(fresh, folder / _KEY)
    finally:
        fresh.unlink()


def _machine() -> str:
    """Name this machine as its operating system does; by its host's name where it does not."""
    for path in _MACHINE:
        with contextlib.suppress(OSError), open(path, encoding="ascii", errors="replace") as file:  # noqa: PTH123 a fixed name
            return file.read().strip()
    import platform

    return platform.node()
