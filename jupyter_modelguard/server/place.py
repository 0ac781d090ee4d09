"""The history that this server's environment names: a file that may not be there yet, or a database for many.

Looking creates nothing. A kernel begins the file with its first line; until then the history is empty.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Literal

from jupyter_modelguard.config import database_url, home, named_home
from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.history.store import Store

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["HistoryPlace"]


class HistoryPlace:
    """Where the history is; any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._store: Store | None = None
        self._file: Path | None = None

    @property
    def name(self) -> str:
        """The same text as in a kernel whose history this is; empty where the environment names none."""
        try:
            return self._made().place
        except ConfigurationError:
            return ""

    @property
    def kind(self) -> Literal["sqlite", "postgresql"]:
        """The database: "sqlite" or "postgresql"."""
        try:
            return "sqlite" if self._made().kind == "sqlite" else "postgresql"
        except ConfigurationError:
            return "sqlite"

    def open(self) -> Store | None:
        """Give the history; None while there is none.

        Raises
        ------
        ConfigurationError
            The environment names a place that cannot be used.
        """
        store = self._made()
        if self._file is not None:
            if not self._file.exists():
                return None
            home()  # refuses a folder that others can write to
        return store

    def close(self) -> None:
        """Let go of the history."""
        with self._lock:
            if self._store is not None:
                self._store.close()
                self._store = None

    def _made(self) -> Store:
        with self._lock:
            if self._store is None:
                folder, url = named_home(), database_url()
                self._store = Store(folder, url)
                self._file = self._store.path if url is None else None
            return self._store
