"""The policy and lock files that count in one process, and what this person accepted of them.

Building one reads nothing but a lock file that was named, and imports next to nothing: all else is for the first load that is looked at.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.policy.accepted import AcceptedFiles
    from jupyter_modelguard.policy.locks import Locks
    from jupyter_modelguard.policy.places import Places
    from jupyter_modelguard.policy.policy import Policy

__all__ = ["Rulebook"]


class Rulebook:
    """What is written down about loads.

    Parameters
    ----------
    own_folder
        Finds the folder of this person; see `jupyter_modelguard.config.default_home`.
    project
        Folder whose files count; the one where the process is by default, now: changing the folder changes no policy.
    lock
        A lock file that a person named on a command line, so that it counts without having been accepted.
    places
        Where the files lie; others in tests.

    Raises
    ------
    ConfigurationError
        The lock file that was named is missing, or cannot be understood.
    """

    def __init__(
        self, own_folder: Callable[[], Path], project: Path | None = None, lock: Path | None = None, places: Places | None = None
    ) -> None:
        self._own_folder = own_folder
        self._project = project if project is not None else _here()
        self._lock = lock
        if places is not None:
            self.places = places
        if lock is not None:
            _ = self.locks  # read now: what is put in its place later was not named

    @cached_property
    def places(self) -> Places:
        """Where the files lie."""
        from jupyter_modelguard.policy.places import Places

        return Places(self._own_folder, self._project)

    @cached_property
    def accepted(self) -> AcceptedFiles:
        """Which files of projects this person accepted."""
        from jupyter_modelguard.policy.accepted import AcceptedFiles

        return AcceptedFiles(self._own_folder)

    @cached_property
    def policy(self) -> Policy:
        """What the policy files say."""
        from jupyter_modelguard.policy.policy import Policy

        return Policy(self.places, self.accepted)

    @cached_property
    def locks(self) -> Locks:
        """What the lock files say."""
        from jupyter_modelguard.policy.locks import Locks

        return Locks(self.places, self.accepted, self._lock)


def _here() -> Path | None:
    try:
        return Path.cwd()
    except OSError:
        return None  # the folder was deleted
