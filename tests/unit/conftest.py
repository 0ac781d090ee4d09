"""A history in a folder of its own, and the hooks with a gate that answers at once."""

import contextlib
import os
import pickle
import sqlite3

import pytest

from jupyter_modelguard.hooks.floor import FLOOR
from jupyter_modelguard.hooks.patches import Patches
from jupyter_modelguard.testing import FakeGate
from jupyter_modelguard.types import QualifiedName


@pytest.fixture
def store(history):
    return history.open()


@pytest.fixture
def behind(history, request):
    """Run SQL past the store."""

    def run(statement):
        if history.url is not None:
            name = history.url.rpartition("/")[2].partition("?")[0]
            return request.getfixturevalue("postgresql").execute(statement, name)
        with contextlib.closing(sqlite3.connect(history.home / "history.sqlite", isolation_level=None)) as connection:
            return connection.execute(statement).fetchall()

    return run


class Touch:
    """Pickles as a command that leaves a canary."""

    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return os.system, (f"touch {self.canary}",)


@pytest.fixture
def canary(tmp_path):
    return tmp_path / "canary"


@pytest.fixture
def touch(canary):
    """An object whose pickle writes the canary."""
    return Touch(canary)


@pytest.fixture
def armed(touch):
    """A stream that writes the canary, with weights beside."""
    return pickle.dumps({"weights": [1, 2], "extra": touch})


@pytest.fixture
def closed():
    """Globals that the floor lets pass."""
    return frozenset({QualifiedName("collections", "OrderedDict")})


@pytest.fixture
def gate(closed):
    """Guard the names of this process, with a gate that takes dates for proved."""
    gate = FakeGate(frozenset({("datetime", "date"), ("collections", "OrderedDict")}))
    FLOOR.open(closed, lambda module, name: module in {"posix", "nt", "os"}, lambda *_: None)
    patches = Patches(gate)
    patches.install()
    yield gate
    patches.restore()
    FLOOR.close()
