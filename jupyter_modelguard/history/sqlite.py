"""The history as one SQLite file, which several kernels and a server share.

Write-ahead logging, a file only its owner can read, two seconds of patience with a lock. On a folder of a network the log is a
rollback journal instead: write-ahead logging keeps its index in memory that only processes of one machine share.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
import os
import sqlite3
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from jupyter_modelguard.history.backend import Trouble
from jupyter_modelguard.history.process import host_name

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection, Engine

__all__ = ["Journaling", "Sqlite", "on_network"]

Journaling = Literal["wal", "delete"]

_LOG = logging.getLogger(__name__)
_PLATFORM: str = sys.platform  # a plain string: every branch is checked on every platform
_PATIENCE = 2.0  # seconds to wait for somebody else's lock
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_TROUBLES = frozenset(  # conditions of the file or the disk, not mistakes in a statement
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
        *_DAMAGED,
    }
)
_DECODED = functools.partial(str, encoding="utf-8", errors="backslashreplace")  # one line that is no text hides no other
_NETWORKS = frozenset({"9p", "afs", "beegfs", "ceph", "cifs", "fuse.sshfs", "gpfs", "lustre", "nfs", "nfs4", "smb3", "smbfs"})


class Sqlite:
    """The file at `path`.

    Parameters
    ----------
    path
        Where the file is or will be; its folder must exist.
    journal
        How it is written: "wal", or "delete" where several machines share the folder; None goes by the file system.
    """

    name = "sqlite"
    owner = ""

    def __init__(self, path: Path, journal: Journaling | None = None) -> None:
        self.path = path
        self.shown = str(path)
        self._journal = journal

    @property
    def place(self) -> str:
        """See `Backend`."""
        return hashlib.sha256(f"{host_name()}\n{self.path.absolute()}".encode("utf-8", "surrogateescape")).hexdigest()[:16]

    def engine(self) -> Engine:
        """See `Backend`."""
        from sqlalchemy import URL, create_engine, event

        _create(self.path)
        engine = create_engine(
            URL.create("sqlite", database=str(self.path)),
            isolation_level="AUTOCOMMIT",  # transactions are begun by name, see `begin`
            max_overflow=-1,  # each waiting load keeps a connection
            connect_args={"timeout": _PATIENCE, "check_same_thread": False},
            execution_options={"owner": self.owner},
            hide_parameters=True,
        )

        @event.listens_for(engine, "connect")
        def set_up(connection: sqlite3.Connection, _record: object) -> None:
            connection.execute("PRAGMA synchronous=NORMAL")  # whole after kill -9; a power cut may take the last lines
            connection.text_factory = _DECODED
            connection.execute("PRAGMA secure_delete=ON")  # what is deleted, or replaced, is not left in the file

        return engine

    def prepare(self, connection: Connection) -> None:
        """See `Backend`; how a file is journaled is kept in it, and one that is there stays as it is unless that would be unsafe."""
        wanted = self._journal or ("delete" if on_network(self.path) else "wal")
        known = self.version(connection) != 0
        if connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == wanted or (
            known and self._journal is None and wanted == "wal"
        ):
            return
        with contextlib.suppress(Exception) if known else contextlib.nullcontext():  # others use it now: another time
            connection.exec_driver_sql(f"PRAGMA journal_mode={wanted}")

    def version(self, connection: Connection) -> int:
        """See `Backend`."""
        return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())

    def stamp(self, connection: Connection, version: int) -> None:
        """See `Backend`."""
        connection.exec_driver_sql(f"PRAGMA user_version={version:d}")

    def back_up(self, version: int) -> None:
        """See `Backend`; the copy lies beside the file, and the one of an earlier step makes room for it."""
        backup = self.path.with_name(f"{self.path.stem}.before-{version:d}{self.path.suffix}")
        part = backup.with_name(f"{backup.name}.part")
        part.unlink(missing_ok=True)
        _create(part)
        try:
            with (
                contextlib.closing(sqlite3.connect(self.path, timeout=_PATIENCE)) as source,
                contextlib.closing(sqlite3.connect(part, timeout=_PATIENCE)) as target,
            ):
                source.backup(target)
                target.execute("PRAGMA journal_mode=DELETE")  # one file, whatever the first page says of a log
            for earlier in self._backups():
                earlier.unlink()
            part.replace(backup)
        except sqlite3.Error as error:
            raise OSError(f"it could not be copied to {backup.name}: {error}") from error
        finally:
            part.unlink(missing_ok=True)
        _LOG.info("The history as it was is kept as %s.", backup)

    def begin(self, connection: Connection) -> None:
        """See `Backend`; the file has one lock."""
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    begin_for_all = begin

    def begin_to_read(self, connection: Connection) -> None:
        """See `Backend`; what is read first says from when on."""
        connection.exec_driver_sql("BEGIN")

    def wipe(self) -> None:
        """See `Backend`; the log is emptied, and the copy from before the last change of the tables goes."""
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(self.path, timeout=_PATIENCE)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for backup in self._backups():
            with contextlib.suppress(OSError):
                backup.unlink()

    def state(self, connection: Connection) -> object:
        """See `Backend`; one pragma, some 30 µs."""
        return connection.exec_driver_sql("PRAGMA data_version").scalar_one()

    def trouble(self, error: BaseException) -> Trouble:
        """See `Backend`."""
        code = _code(error)
        if code in _DAMAGED:
            return Trouble.DAMAGED
        if code == sqlite3.SQLITE_BUSY:
            return Trouble.BUSY
        return Trouble.UNUSABLE if code in _TROUBLES or isinstance(error, OSError) else Trouble.STATEMENT

    def said(self, error: BaseException) -> str:
        """See `Backend`."""
        return str(getattr(error, "orig", error))

    def replace(self) -> None:
        """See `Backend`; another kernel may have done so already."""
        if _sound(self.path):
            return
        aside = self.path.with_name(f"{self.path.stem}.damaged-{time.time_ns()}{self.path.suffix}")
        for ending in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{self.path}{ending}", f"{aside}{ending}")  # noqa: PTH105 names, not paths
        _LOG.warning("The history %s was damaged; it is kept as %s and a fresh one is begun.", self.path, aside.name)
        _create(self.path)

    def bounded(self, connection: Connection, seconds: float) -> AbstractContextManager[None]:  # noqa: ARG002 see there
        """See `Backend`; a file answers or fails by itself."""
        return contextlib.nullcontext()

    def _backups(self) -> list[Path]:
        return [*self.path.parent.glob(f"{self.path.stem}.before-*{self.path.suffix}")]


def on_network(path: Path) -> bool:
    """Whether Linux says that a path lies in a file system which several machines can have mounted; False where nothing is known."""
    if _PLATFORM != "linux":
        return False
    deepest, kind = 0, ""
    try:
        folder = path.resolve()
        for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape").splitlines():
            before, _, after = line.partition(" - ")
            mount = Path(before.split()[4].replace("\\040", " "))
            if folder.is_relative_to(mount) and len(mount.parts) >= deepest:
                deepest, kind = len(mount.parts), after.split()[0]
    except (OSError, IndexError):
        return False
    return kind in _NETWORKS


def _create(path: Path) -> None:
    """Make a file that only its owner can read, where there is none yet.

    One that is there is not opened: closing it again would take away the locks that SQLite holds on it for this process, and another
    process would then believe that it is alone with the file.
    """
    with contextlib.suppress(OSError):  # SQLite says better what is wrong
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _code(error: BaseException) -> int | None:
    """SQLite's primary result code, without the extended part."""
    code = getattr(getattr(error, "orig", error), "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else None


def _sound(path: Path) -> bool:
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=_PATIENCE)) as connection:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except sqlite3.DatabaseError as error:
        return _code(error) not in _DAMAGED
