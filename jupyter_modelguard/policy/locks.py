"""What lock files say of a load that would be asked about.

Those of the project count once this person accepted them as they are, and the one that was named on the command line as it was when it was
named. Which they are, and what keeps one from counting, `files` tells.
"""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.policy.checked_file import CheckedFiles, read_text
from jupyter_modelguard.policy.covering import covering
from jupyter_modelguard.policy.lock_file import read_lock
from jupyter_modelguard.types import Decision, Scope

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jupyter_modelguard.policy.accepted import AcceptedFiles
    from jupyter_modelguard.policy.checked_file import FileText
    from jupyter_modelguard.policy.lock_file import LockEntry
    from jupyter_modelguard.policy.places import Places
    from jupyter_modelguard.types import HistoryRecord

__all__ = ["LOCK", "LockedFile", "Locks"]

LOCK = "lock"
"""Transport of a decision that a lock file took."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LockedFile:
    """One lock file that is there."""

    path: Path
    entries: tuple[LockEntry, ...] = ()
    powerless: str = ""  # why it does not count, in a sentence
    digest: str = ""


class Locks:
    """The lock files that count in one process; building one reads only a file that was named.

    Parameters
    ----------
    places
        Where the project's lie.
    accepted
        Which of them this person accepted.
    named
        The one that was named on the command line. It is read now: what is put in its place later was not named.

    Raises
    ------
    ConfigurationError
        The named one is missing, or cannot be understood.
    """

    def __init__(self, places: Places, accepted: AcceptedFiles, named: Path | None = None) -> None:
        self._places = places
        self._accepted = accepted
        self._files = CheckedFiles(_understood)
        self._warned: set[str] = set()
        self._named = _named(named) if named is not None else None

    def files(self) -> tuple[LockedFile, ...]:
        """Read the files that are there, the one that was named first."""
        named = (self._named,) if self._named is not None else ()
        taken = {file.path for file in named}
        others = [file for path in self._places.locks() if path not in taken and (file := self._read(path)) is not None]
        return (*named, *others)

    def look(self, record: HistoryRecord, hold: Callable[[], str]) -> Decision | None:
        """Say whether a lock file that counts lets a load pass; it never raises. `hold` is as for `Trust.look`."""
        try:
            found = self._find(record, hold, counting=True)
        except Exception:  # noqa: BLE001 a fault of ours has it asked about
            _LOG.exception("Whether a lock file covers %s could not be found out", record.id)
            return None
        if found is None:
            return None
        granted = found.granted
        reason = f"{granted.reason} · {found.place}"
        return Decision(True, granted.by, LOCK, reason, granted.scope, granted.at)  # noqa: FBT003 as everywhere

    def waiting(self, record: HistoryRecord, hold: Callable[[], str]) -> str:
        """Say which entry would let a load pass if its file were accepted; empty if none. It never raises."""
        try:
            found = self._find(record, hold, counting=False)
        except Exception:  # noqa: BLE001 only a remark depends on it
            _LOG.exception("Whether a lock file would cover %s could not be found out", record.id)
            return ""
        how = f"modelguard policy accept {found.file}, or modelguard run --lock" if found else ""
        return f"{found.place} covers it, and was not accepted: {how}" if found else ""

    def _find(self, record: HistoryRecord, hold: Callable[[], str], *, counting: bool) -> LockEntry | None:
        day = dt.datetime.now().astimezone().date()
        files = [file for file in self.files() if bool(file.powerless) is not counting]
        entries = {id(entry.granted): entry for file in files for entry in file.entries if entry.counts_on(day)}
        found = covering((entry.granted for entry in entries.values()), record, hold) if entries else None
        return entries[id(found)] if found is not None and found.scope is not Scope.ONCE else None

    def _read(self, path: Path) -> LockedFile | None:
        try:
            file = self._files.read(path)
        except ConfigurationError as error:
            if str(error) not in self._warned:
                self._warned.add(str(error))
                _LOG.warning("%s Until then it lets nothing pass.", error)
            return LockedFile(path, powerless=str(error))
        if file is None or self._accepted.accepts(path, file.digest):
            return file
        return LockedFile(path, file.entries, f"It was not accepted as it is now: modelguard policy accept {path}", file.digest)


def _understood(file: FileText) -> LockedFile:
    return LockedFile(file.path, read_lock(file), "", file.digest)


def _named(path: Path) -> LockedFile:
    file = read_text(path)
    if file is None:
        raise ConfigurationError(f"{path}:1: there is no such lock file.")
    return _understood(file)
