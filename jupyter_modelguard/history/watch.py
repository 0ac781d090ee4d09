"""Whether anybody has written to the history since the last look, at the price of one small question to the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from jupyter_modelguard.history.database import Database

__all__ = ["Watch"]

_SILENCE = 2.0  # seconds
_NEVER = object()


class Watch:
    """Looks at a history from a connection of its own; one thread at a time.

    Parameters
    ----------
    database
        The history.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection | None = None
        self._state: object = _NEVER

    def open(self) -> None:
        """Connect, if that was not done; raises HistoryError when it cannot be."""
        if self._connection is None:
            self._connection = self._database.connect()

    def changed(self) -> bool:
        """Whether somebody has written since the last look; the first look says yes, and so does one that follows on trouble.

        Raises
        ------
        HistoryError
            The database cannot be used now.
        """
        from sqlalchemy.exc import SQLAlchemyError

        self.open()
        assert self._connection is not None  # noqa: S101 opened
        try:
            with self._database.backend.bounded(self._connection, _SILENCE):
                state = self._database.backend.state(self._connection)
        except SQLAlchemyError as error:
            self.close()
            raise self._database.failed(error) from None
        same, self._state = state == self._state, state
        return not same

    def look_again(self) -> None:
        """Have the next look say yes."""
        self._state = _NEVER

    def close(self) -> None:
        """Let go of the connection."""
        connection, self._connection, self._state = self._connection, None, _NEVER
        if connection is not None:
            connection.close()
