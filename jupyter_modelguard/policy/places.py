"""Where policy and lock files lie, from the administrator's to this person's own; no environment variable names one.

    /etc/modelguard/policy.toml             the machine's
    <sys.prefix>/etc/modelguard/policy.toml the environment's
    modelguard.toml, or [tool.modelguard] in pyproject.toml, and modelguard.lock: the project's
    policy.toml in the folder where trust is kept: this person's

A project's files are those in the folder of the notebook or script and in the folders above it, up to the one that holds `.git`, or to the
home folder. A folder that anybody may write to belongs to no project.
"""

from __future__ import annotations

import contextlib
import enum
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_modelguard.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LOCK_NAME", "Kind", "Place", "Places"]

LOCK_NAME = "modelguard.lock"
_POLICY_NAME = "modelguard.toml"
_SYSTEM = Path("/etc/modelguard/policy.toml")
_PLATFORM: str = sys.platform  # a plain string: every branch is checked on every platform
_MOST_FOLDERS = 32


class Kind(enum.Enum):
    """Whose a policy file is."""

    SYSTEM = "machine"
    PREFIX = "environment"
    PROJECT = "project"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Place:
    """Where there may be a policy."""

    kind: Kind
    path: Path
    table: str = ""  # dotted name of the table in it; the whole file by default


class Places:
    """The places that count in one process.

    Parameters
    ----------
    own_folder
        Finds the folder of this person; see `jupyter_modelguard.config.default_home`.
    project
        Folder of the notebook or script; without one no project's files count.
    system, prefix
        The machine's policy and the environment's folder; another in tests.
    """

    def __init__(
        self, own_folder: Callable[[], Path], project: Path | None = None, *, system: Path = _SYSTEM, prefix: Path | None = None
    ) -> None:
        self._own_folder = own_folder
        self._system = system
        self._prefix = prefix or Path(sys.prefix)
        self.project = project.resolve() if project is not None else None
        self._folders: tuple[Path, ...] | None = None
        self._policies: tuple[Place, ...] | None = None

    def policies(self) -> tuple[Place, ...]:
        """Give the places of policies, the administrator's first; they stay the same while the process lasts."""
        if self._policies is None:
            self._policies = self._find_policies()
        return self._policies

    def _find_policies(self) -> tuple[Place, ...]:
        prefix = self._prefix / "etc" / "modelguard" / "policy.toml"
        places = [] if _PLATFORM == "win32" else [Place(Kind.SYSTEM, self._system)]
        places += [Place(Kind.PREFIX, prefix)] if prefix != self._system else []
        for folder in self.project_folders():
            places.append(Place(Kind.PROJECT, folder / _POLICY_NAME))
            places.append(Place(Kind.PROJECT, folder / "pyproject.toml", "tool.modelguard"))
        with contextlib.suppress(ConfigurationError):  # who has no home folder has no file in it
            places.append(Place(Kind.USER, self._own_folder() / "policy.toml"))
        return tuple(places)

    def locks(self) -> tuple[Path, ...]:
        """Give the places of the project's lock files, the nearest first."""
        return tuple(folder / LOCK_NAME for folder in self.project_folders())

    def lock_to_write(self) -> Path:
        """Give the lock file that is there, the nearest, or where there is none the place of one."""
        places = self.locks()
        if not places:
            raise ConfigurationError("There is no folder of a project here.")
        return next((path for path in places if os.path.lexists(path)), places[0])

    def project_folders(self) -> tuple[Path, ...]:
        """Give the folders of the project, the nearest first; they stay the same while the process lasts."""
        if self._folders is None:
            self._folders = self._find_folders()
        return self._folders

    def _find_folders(self) -> tuple[Path, ...]:
        if self.project is None:
            return ()
        try:
            home: Path | None = self._own_folder().parents[2]
        except (ConfigurationError, IndexError):
            home = None
        folders: list[Path] = []
        for folder in (self.project, *self.project.parents)[:_MOST_FOLDERS]:
            if folder == folder.parent or (folders and (folder == home or _is_open(folder))):
                break
            folders.append(folder)
            if os.path.lexists(folder / ".git"):
                return tuple(folders)
        return tuple(folders)


def _is_open(folder: Path) -> bool:
    try:
        return bool(folder.stat().st_mode & stat.S_IWOTH) and _PLATFORM != "win32"
    except OSError:
        return True
