"""A real PostgreSQL server for the tests, and databases in it; nothing of it outlives them.

The server is Debian's, run as another user where the tests run as root, on a socket in a folder of its own and on no port.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path
from urllib.parse import quote

__all__ = ["Server", "missing"]

_PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
_QUICK = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=16MB -c max_connections=100"


def missing():
    """Why there is no server; None when there is one."""
    if not _PROGRAMS:
        return "no PostgreSQL server is installed"
    try:
        import psycopg  # noqa: F401 looked for
    except ImportError:
        return "psycopg is not installed"
    return None


class Server:
    """One server in a temporary folder; `start`, `stop` and `database` as often as a test likes."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="modelguard-postgresql-"))
        self._as = []
        if hasattr(os, "getuid") and os.getuid() == 0:
            try:
                user = pwd.getpwnam("postgres")
            except KeyError:
                user = pwd.getpwnam("nobody")
            shutil.chown(self.folder, user.pw_uid, user.pw_gid)
            self._as = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        self._run("initdb", "-D", self._data, "-U", "modelguard", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self.start()

    @property
    def _data(self):
        return str(self.folder / "data")

    def _run(self, program, *arguments):
        command = [*self._as, str(_PROGRAMS[-1] / program), *arguments]
        done = subprocess.run(
            command, cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr or done.stdout

    def start(self):
        options = f"-c listen_addresses='' -c unix_socket_directories='{self.folder}' {_QUICK}"
        # what the server inherits it keeps open, so that its output goes to a file
        self._run("pg_ctl", "-D", self._data, "-l", str(self.folder / "log"), "-o", options, "-w", "-t", "60", "start")

    def stop(self):
        self._run("pg_ctl", "-D", self._data, "-m", "fast", "-w", "stop")

    def database(self):
        """Make an empty database and give its address."""
        name = f"d{uuid.uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {name}", "postgres")
        return self.url(name)

    def url(self, name, user="modelguard"):
        return f"postgresql+psycopg://{user}@/{name}?host={quote(str(self.folder), safe='')}"

    def execute(self, statement, name):
        """Run a statement in a database, past the history; give its rows."""
        import psycopg

        with psycopg.connect(host=str(self.folder), user="modelguard", dbname=name, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def close(self):
        with contextlib.suppress(AssertionError):
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
