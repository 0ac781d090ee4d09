"""The history that this user's settings name: what every kernel, command and server opens."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from jupyter_modelguard.history.store import Store

if TYPE_CHECKING:
    from jupyter_modelguard.history.sqlite import Journaling

__all__ = ["open_history"]


def open_history(journal: str = "auto") -> Store:
    """Open the file in `MODELGUARD_HOME`, or the database that `MODELGUARD_DATABASE_URL` names; no file is touched yet.

    Parameters
    ----------
    journal
        As `ModelGuardConfig.history_journal` has it.

    Raises
    ------
    ConfigurationError
        One of the two variables cannot be followed.
    """
    from jupyter_modelguard.config import database_url, home

    return Store(home(), database_url(), journal=None if journal == "auto" else cast("Journaling", journal))
