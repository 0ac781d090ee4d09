"""Histories that somebody reaches behind the store's back, and one real server for the tests of this folder."""

import contextlib
import sqlite3

import pytest

from jupyter_modelguard import config
from jupyter_modelguard.history.store import Store


@pytest.fixture
def store(history):
    return history.open()


@pytest.fixture
def behind(history):
    """Run SQL past the store, in a file."""

    def run(statement, *values):
        with contextlib.closing(sqlite3.connect(history.home / "history.sqlite", isolation_level=None)) as connection:
            return connection.execute(statement, values).fetchall()

    return run


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    """A server with Ada, who may do everything, and Grace, who may look; gives it, the history's folder and the trust's."""
    pytest.importorskip("jupyter_server")
    from jupyter_servers import started_server

    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("server")
    home.chmod(0o700)
    with started_server(folder, home, people=True) as server:
        yield server, home, folder / "trust"


@pytest.fixture
def server(served):
    return served[0]


@pytest.fixture
def kernels(served, monkeypatch):
    """The served history as a kernel of the same person writes it."""
    monkeypatch.setattr(config, "default_home", lambda: served[2])
    made = Store(served[1])
    yield made
    made.close()
