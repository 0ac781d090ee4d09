"""Lines of the history that are old enough to go, and go for good: what is deleted stays neither in the file nor in its log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_modelguard.types import Outcome

if TYPE_CHECKING:
    from jupyter_modelguard.history.database import Database

__all__ = ["delete_before"]

_PENDING = "pending"


def delete_before(database: Database, before: float) -> int:
    """Delete loads, and questions that were answered, from before a time; what still waits stays.

    Parameters
    ----------
    database
        Where they are.
    before
        Seconds since the epoch.

    Returns
    -------
    int
        How many lines of loads went.

    Raises
    ------
    HistoryError
        The history cannot be used now; nothing was deleted.
    """
    from jupyter_modelguard.history.tables import approvals, loads

    with database.writing() as connection:
        connection.exec_driver_sql("PRAGMA secure_delete=ON")
        old = connection.execute(loads.delete().where(loads.c.at < before, loads.c.outcome != Outcome.WAITING.value))
        connection.execute(approvals.delete().where(approvals.c.asked < before, approvals.c.state != _PENDING))
    if old.rowcount:
        with database.reading() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return int(old.rowcount)
