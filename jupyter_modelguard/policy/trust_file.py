"""The file that keeps what one person trusts: read and replaced as a whole, under a lock that kernels share.

It is read anew for every load that would be asked about, so that what one kernel trusts or forgets counts in the next. A file
that is broken is moved aside and grants nothing; one that somebody else could have written is left alone and grants nothing.
"""

from __future__ import annotations

import hmac
import json
import logging
import time
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.policy.own_file import LARGEST, own_lock, own_text, replace_own
from jupyter_modelguard.policy.trust_entry import TrustEntry, entry_from_plain, entry_to_plain
from jupyter_modelguard.policy.trust_folder import check_folder

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["TrustFile"]

_LOG = logging.getLogger(__name__)
_NAME = "trust.json"
_VERSION = 1


class TrustFile:
    """The entries in one folder.

    Building one touches no file.

    Parameters
    ----------
    folder
        Finds the folder; asked each time, and never told by an environment variable.
    name
        Of the file in it.
    seal
        Makes of the folder and the written entries what only this installation makes of them; without it a file has no seal. Raises
        `ConfigurationError` or `OSError` like `read`.
    """

    def __init__(self, folder: Callable[[], Path], name: str = _NAME, seal: Callable[[Path, bytes], str] | None = None) -> None:
        self._folder = folder
        self._name = name
        self._seal = seal

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
        text = own_text(folder / self._name)
        try:
            return self._entries(folder, text)
        except ValueError:
            with self._lock(folder):
                return self._mended(folder)

    def change(self, change: Callable[[tuple[TrustEntry, ...]], tuple[TrustEntry, ...]]) -> tuple[TrustEntry, ...]:
        """Replace what is trusted by what `change` makes of it, and give that; raises like `read`."""
        folder = self._folder()
        check_folder(folder, create=True)
        with self._lock(folder):
            before = self._mended(folder)
            after = change(before)
            if after != before:
                self._write(folder, after)
            return after

    def _lock(self, folder: Path) -> contextlib.AbstractContextManager[None]:
        return own_lock((folder / self._name).with_suffix(".lock"))

    def _mended(self, folder: Path) -> tuple[TrustEntry, ...]:
        """Read under the lock; move a broken file aside."""
        path = folder / self._name
        text = own_text(path)
        try:
            return self._entries(folder, text)
        except ValueError as error:
            aside = path.with_name(f"{path.name}.broken-{time.time_ns()}")
            path.replace(aside)
            _LOG.warning("What was trusted cannot be read (%s); it was moved to %s, and nothing is trusted.", error, aside)
            return ()

    def _entries(self, folder: Path, text: bytes) -> tuple[TrustEntry, ...]:
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
        if self._seal is not None and not hmac.compare_digest(str(plain.get("seal")).encode(), self._sealed(folder, entries)):
            raise ValueError("it was not written by this installation, or changed since")
        return tuple(entry_from_plain(entry) for entry in entries)

    def _sealed(self, folder: Path, plain: list[Any]) -> bytes:
        """Give the seal of entries; nothing where there is none."""
        return b"" if self._seal is None else self._seal(folder, json.dumps(plain).encode("ascii")).encode("ascii")

    def _write(self, folder: Path, entries: tuple[TrustEntry, ...]) -> None:
        plain = [entry_to_plain(entry) for entry in entries]
        seal = {} if self._seal is None else {"seal": self._sealed(folder, plain).decode("ascii")}
        text = json.dumps({"version": _VERSION, **seal, "entries": plain}, indent=1).encode("ascii")
        if len(text) > LARGEST:
            raise OSError("there is no room for more; modelguard forget takes trust back")
        try:
            self._entries(folder, text)
        except ValueError as error:  # one entry that cannot be read would take all others with it
            raise OSError(str(error)) from error
        replace_own(folder / self._name, text)
