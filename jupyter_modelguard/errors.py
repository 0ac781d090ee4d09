"""Every error that jupyter_modelguard raises on purpose.

ModelGuardError (RuntimeError)
├── ConfigurationError      a setting or folder cannot be used as it is
├── ModelLoadBlockedError   a load was stopped; nothing of the file ran
├── StaleArtifactError      the file changed between the look and the load
├── ScanError               a target could not be scanned at all
├── HistoryError            the history cannot be used as asked
│   └── AnotherCardError    an answer is to another card than the one that waits
└── UnloadRefusedError      the guard cannot go while a load is under way

A message may hold a path or a name that a stranger chose. Whoever prints it prints what `printable` makes of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_modelguard.types import Assessment

__all__ = [
    "AnotherCardError",
    "ConfigurationError",
    "HistoryError",
    "ModelGuardError",
    "ModelLoadBlockedError",
    "ScanError",
    "StaleArtifactError",
    "UnloadRefusedError",
    "printable",
]

_BYTE, _PLANE = 0xFF, 0xFFFF


class ModelGuardError(RuntimeError):
    """Root of the tree: catch this to catch whatever the guard raises."""

    def __str__(self) -> str:
        """Give the message, with nothing in it that steers a terminal."""
        return printable(super().__str__())


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


class AnotherCardError(HistoryError):
    """A load is to be allowed, but its card is not the one that the person saw."""


class UnloadRefusedError(ModelGuardError):
    """The guard cannot be unloaded now; finish the load that is under way first."""


def printable(text: str, *, lines: bool = True) -> str:
    """Spell out what moves a terminal's cursor, turns text around or has no ink, and leave all else as it is.

    Parameters
    ----------
    text
        Words of ours with a path or a name in them; what strangers wrote alone is escaped further, see `approval.text`.
    lines
        Whether its line breaks are ours.
    """
    return "".join(one if one.isprintable() or (lines and one == "\n") else _spelled_out(one) for one in text)


def _spelled_out(character: str) -> str:
    point = ord(character)
    return f"\\x{point:02x}" if point <= _BYTE else f"\\u{point:04x}" if point <= _PLANE else f"\\U{point:08x}"
