"""The policy and lock files that count in one process, and what this person accepted of them.

Building one reads nothing but a lock file that was named: the others are read when a load is looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_modelguard.policy.accepted import AcceptedFiles
from jupyter_modelguard.policy.locks import Locks
from jupyter_modelguard.policy.places import Places
from jupyter_modelguard.policy.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Rulebook"]


class Rulebook:
    """What is written down about loads.

    Parameters
    ----------
    own_folder
        Finds the folder of this person; see `jupyter_modelguard.config.default_home`.
    project
        Folder whose files count; where the process is by default.
    lock
        A lock file that a person named on a command line, so that it counts without having been accepted.
    places
        Where the files lie; others in tests.

    Attributes
    ----------
    places, accepted, policy, locks
        Where they lie, which of a project's this person accepted, and what they say.

    Raises
    ------
    ConfigurationError
        The lock file that was named is missing, or cannot be understood.
    """

    def __init__(
        self, own_folder: Callable[[], Path], project: Path | None = None, lock: Path | None = None, places: Places | None = None
    ) -> None:
        self.places = places or Places(own_folder, project)
        self.accepted = AcceptedFiles(own_folder)
        self.policy = Policy(self.places, self.accepted)
        self.locks = Locks(self.places, self.accepted, lock)
