"""The processes that the history knows of: which kernel wrote a line, and whether it is still there.

A row is written with the first line or question of a process, in the same transaction, so that a kernel which loads nothing leaves none.
"""

from __future__ import annotations

import functools
import os
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_modelguard.history.process import host_name, process_mark
from jupyter_modelguard.history.rows import text

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["Session", "begin", "end", "kernel_id", "listed", "row_of_process"]

_CONNECTION_FILE = re.compile(r"kernel-([0-9A-Za-z_.-]+)\.json")


@dataclass(frozen=True, slots=True)
class Session:
    """One process that wrote lines.

    Attributes
    ----------
    session
        Its name in the history.
    kernel
        Jupyter's id of the kernel; None elsewhere.
    notebook
        The one that its first line comes from, if that is known.
    host, pid
        Where it runs or ran.
    started, ended
        Seconds since the epoch, of its first line or question and of its orderly end; None when it has not ended so.
    alive
        Whether it is still there; None when that cannot be said from here, as for a process of another machine.
    version
        Of its modelguard.
    """

    session: str
    kernel: str | None
    notebook: str | None
    host: str
    pid: int
    started: float
    ended: float | None
    alive: bool | None
    version: str


def kernel_id() -> str | None:
    """Jupyter's id of the kernel that this process is, from the name of its connection file; None elsewhere."""
    application = getattr(sys.modules.get("ipykernel.kernelapp"), "IPKernelApp", None)
    if application is None or not application.initialized():
        return None
    name = Path(str(application.instance().connection_file)).name
    found = _CONNECTION_FILE.fullmatch(name)
    return found[1] if found else None


def row_of_process(session: str, notebook: str | None) -> dict[str, object]:
    """Values for the row of this process; made before the write lock is taken, because the first one reads a few files."""
    return {"session": session, "notebook": notebook and text(notebook), "started": time.time(), **_process(os.getpid())}


def begin(connection: Connection, row: dict[str, object]) -> None:
    """Write the row of this process, unless it is there."""
    from jupyter_modelguard.history.tables import insert, owner_of, sessions

    unless_there = insert(sessions, connection).on_conflict_do_nothing(index_elements=["owner", "session"])
    connection.execute(unless_there, {"owner": owner_of(connection), **row})


def end(connection: Connection, session: str) -> None:
    """Note that a process ends in good order."""
    from jupyter_modelguard.history.tables import mine, sessions

    which = (mine(sessions, connection), sessions.c.session == session)
    connection.execute(sessions.update().where(*which).values(ended=time.time()))


@functools.lru_cache(maxsize=1)
def _process(pid: int) -> dict[str, object]:
    """Values of the columns that are the same for every write of a process."""
    from importlib.metadata import version

    mark = process_mark(pid) or ""
    return {"kernel": kernel_id(), "host": host_name(), "pid": pid, "process": mark, "version": version("jupyter-modelguard")}


def listed(connection: Connection) -> tuple[Session, ...]:
    """All processes, the latest first."""
    from jupyter_modelguard.history.tables import mine, sessions

    query = sessions.select().where(mine(sessions, connection)).order_by(sessions.c.started.desc(), sessions.c.session)
    here = host_name()
    found = []
    for row in connection.execute(query).mappings():
        alive = None
        if row["ended"] is not None:
            alive = False
        elif row["host"] == here and row["process"]:
            mark = process_mark(row["pid"])
            alive = None if mark is None else mark == row["process"]
        plain = {name: row[name] for name in ("session", "kernel", "notebook", "host", "pid", "started", "ended", "version")}
        found.append(Session(**plain, alive=alive))
    return tuple(found)
