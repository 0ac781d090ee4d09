"""Which files of projects this person accepted: a lock file, or the rules of a project that allow.

A project cannot approve itself. What comes with one counts once this person has read it, as it was then: a file is accepted by its path
and the digest of its bytes, and one that was changed afterwards counts no more than one that was never seen. Kept where trust is kept.
"""

from __future__ import annotations

import json
import logging
import re
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.policy.own_file import LARGEST, own_lock, own_text, replace_own
from jupyter_modelguard.policy.trust_folder import check_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Accepted", "AcceptedFiles"]

_LOG = logging.getLogger(__name__)
_NAME = "accepted.json"
_LOCK = "accepted.lock"
_VERSION = 1
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Accepted:
    """One file that somebody accepted."""

    path: str  # absolute
    digest: str  # sha256 of its bytes, hexadecimal
    by: str
    at: float  # seconds since the epoch


class AcceptedFiles:
    """The files that one person accepted; building one touches nothing.

    Parameters
    ----------
    folder
        Finds the folder of this person; see `jupyter_modelguard.config.default_home`.
    """

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._folder = folder
        self._warned: set[str] = set()

    def accepts(self, path: Path, digest: str) -> bool:
        """Whether a file with these bytes was accepted at this path; it never raises."""
        try:
            return any((one.path, one.digest) == (str(path), digest) for one in self.entries())
        except (ConfigurationError, OSError) as error:
            if str(error) not in self._warned:
                self._warned.add(str(error))
                _LOG.warning("No file of a project counts: %s", error)
            return False

    def accept(self, path: Path, digest: str, by: str) -> None:
        """Accept a file as it is, in place of what it was; raises `ConfigurationError` or `OSError` where that cannot be kept."""
        fresh = Accepted(str(path), digest, by, time.time())
        self._change(lambda entries: (*(one for one in entries if one.path != str(path)), fresh))

    def withdraw(self, path: Path) -> bool:
        """Accept a file no more; False if it was not accepted. Raises like `accept`."""
        found = any(one.path == str(path) for one in self.entries())
        if found:
            self._change(lambda entries: tuple(one for one in entries if one.path != str(path)))
        return found

    def entries(self) -> tuple[Accepted, ...]:
        """Give what was accepted; raises `ConfigurationError` or `OSError` where that cannot be read."""
        folder = self._folder()
        return _entries(own_text(folder / _NAME), folder / _NAME) if check_folder(folder) else ()

    def _change(self, change: Callable[[tuple[Accepted, ...]], tuple[Accepted, ...]]) -> None:
        folder = self._folder()
        check_folder(folder, create=True)
        with own_lock(folder / _LOCK):
            path = folder / _NAME
            plain = {"version": _VERSION, "files": [asdict(one) for one in change(_entries(own_text(path), path))]}
            replace_own(path, json.dumps(plain, indent=1).encode("ascii"))


def _entries(text: bytes, path: Path) -> tuple[Accepted, ...]:
    """Read the file; what is not as it was written accepts nothing, and is not written over."""
    if not text:
        return ()
    try:
        plain: Any = json.loads(text) if len(text) <= LARGEST else None
        if plain["version"] != _VERSION:
            raise ConfigurationError(f"{path} was written by another version of modelguard.")
        return tuple(_entry(one) for one in plain["files"])
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ConfigurationError(f"{path} is broken, so no file of a project counts. Take it away.") from None


def _entry(plain: Any) -> Accepted:
    entry = Accepted(**plain)
    kinds = [type(entry.path), type(entry.by), type(entry.at) in {int, float}]
    if kinds != [str, str, True] or type(entry.digest) is not str or not _DIGEST.fullmatch(entry.digest):
        raise ValueError("an entry is not as it was written")
    return entry
