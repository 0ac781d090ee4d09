"""The file that keeps what one person trusts: read and replaced as a whole, under a lock that kernels share.

It is read anew for every load that would be asked about, so that what one kernel trusts or forgets counts in the next. A file
that is broken is moved aside and grants nothing; one that somebody else could have written is left alone and grants nothing.
"""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING

from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.policy.own_file import LARGEST, own_lock, own_text, replace_own
from jupyter_modelguard.policy.trust_entry import TrustEntry, entry_from_plain, entry_to_plain
from jupyter_modelguard.policy.trust_folder import check_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["TrustFile"]

_LOG = logging.getLogger(__name__)
_NAME = "trust.json"
_LOCK = "trust.lock"
_VERSION = 1


class TrustFile:
    """The entries in one folder.

    Building one touches no file.

    Parameters
    ----------
    folder
        Finds the folder; asked each time, and never told by an environment variable.
    """

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._folder = folder

    def read(self) -> tuple[TrustEntry, ...]:
        """Give what is trusted, the oldest first; nothing where the file is broken.

        Raises
        ------
        ConfigurationError
            Somebody else could have written it.
        OSError
            It cannot be read.
        """
        folder = self._folder()
        if not check_folder(folder):
            return ()
        text = own_text(folder / _NAME)
        try:
            return _entries(text)
        except ValueError:
            with own_lock(folder / _LOCK):
                return self._mended(folder / _NAME)

    def change(self, change: Callable[[tuple[TrustEntry, ...]], tuple[TrustEntry, ...]]) -> tuple[TrustEntry, ...]:
        """Replace what is trusted by what `change` makes of it, and give that; raises like `read`."""
        folder = self._folder()
        check_folder(folder, create=True)
        with own_lock(folder / _LOCK):
            before = self._mended(folder / _NAME)
            after = change(before)
            if after != before:
                _write(folder, after)
            return after

    @staticmethod
    def _mended(path: Path) -> tuple[TrustEntry, ...]:
        """Read under the lock; move a broken file aside."""
        text = own_text(path)
        try:
            return _entries(text)
        except ValueError as error:
            aside = path.with_name(f"{path.name}.broken-{time.time_ns()}")
            path.replace(aside)
            _LOG.warning("What was trusted cannot be read (%s); it was moved to %s, and nothing is trusted.", error, aside)
            return ()


def _entries(text: bytes) -> tuple[TrustEntry, ...]:
    """Read the file's text; a `ValueError` says that it is broken."""
    if not text:
        return ()
    if len(text) > LARGEST:
        raise ValueError("it is too large")
    try:
        plain = json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(plain, dict) or not isinstance(plain.get("version"), int):
        raise ValueError("it is not what was written")  # noqa: TRY004 the file is wrong, not a caller
    if plain["version"] != _VERSION:
        raise ConfigurationError(f"What is trusted was written by another version of modelguard ({plain['version']}).")
    entries = plain.get("entries")
    if not isinstance(entries, list):
        raise ValueError("it has no list of entries")  # noqa: TRY004 as above
    return tuple(entry_from_plain(entry) for entry in entries)


def _write(folder: Path, entries: tuple[TrustEntry, ...]) -> None:
    text = json.dumps({"version": _VERSION, "entries": [entry_to_plain(entry) for entry in entries]}, indent=1).encode("ascii")
    if len(text) > LARGEST:
        raise OSError("there is no room for more; modelguard forget takes trust back")
    try:
        _entries(text)
    except ValueError as error:  # one entry that cannot be read would take all others with it
        raise OSError(str(error)) from error
    replace_own(folder / _NAME, text)
