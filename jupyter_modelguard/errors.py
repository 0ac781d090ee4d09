"""Every error that jupyter_modelguard raises on purpose.

ModelGuardError (RuntimeError)
├── ConfigurationError      a setting or folder cannot be used as it is
├── ModelLoadBlockedError   a load was stopped; nothing of the file ran
├── StaleArtifactError      the file changed between the look and the load
├── ScanError               a target could not be scanned at all
├── HistoryError            the history cannot be used as asked
└── UnloadRefusedError      the guard cannot go while a load is under way
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_modelguard.types import Assessment

__all__ = [
    "ConfigurationError",
    "HistoryError",
    "ModelGuardError",
    "ModelLoadBlockedError",
    "ScanError",
    "StaleArtifactError",
    "UnloadRefusedError",
]


class ModelGuardError(RuntimeError):
    """Root of the tree: catch this to catch whatever the guard raises."""


class ConfigurationError(ModelGuardError):
    """An environment variable or a folder is not as it must be; the message says what to change."""


class ModelLoadBlockedError(ModelGuardError):
    """A model load was stopped before any code of the file ran.

    Parameters
    ----------
    message
        What was stopped, why, and what to do next.
    assessment
        What was found; None when the load was stopped outside any guarded loader.
    record_id
        The line of the history, for `%modelguard show` and `%modelguard allow`.
    """

    def __init__(self, message: str, assessment: Assessment | None = None, record_id: str | None = None) -> None:
        super().__init__(message)
        self.assessment = assessment
        self.record_id = record_id

    def _render_traceback_(self) -> list[str]:
        """Show IPython's users the message alone: the frames are the library's, and the message names the cell."""
        return [f"{type(self).__name__}: {self}"]


class StaleArtifactError(ModelGuardError):
    """The file is no longer the one that was looked at."""


class ScanError(ModelGuardError):
    """The target cannot be scanned: it is missing, unreadable or no file."""


class HistoryError(ModelGuardError):
    """The history cannot be opened or does not hold what was asked for."""


class UnloadRefusedError(ModelGuardError):
    """The guard cannot be unloaded now; finish the load that is under way first."""
