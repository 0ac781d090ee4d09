"""A guard in this process with nobody to ask: what is not proved is blocked."""

import os
import sys

import pytest

from jupyter_modelguard import config, guard
from jupyter_modelguard.approval.order import Approver
from jupyter_modelguard.engines.worker import Worker
from jupyter_modelguard.history.store import Store


class WarmWorker(Worker):
    """One process for all tests: a guard that closes leaves it to the next. Forked children end theirs."""

    home = os.getpid()

    def close(self):
        if os.getpid() != self.home:
            super().close()


@pytest.fixture(scope="session")
def worker():
    made = WarmWorker()
    yield made
    Worker.close(made)


@pytest.fixture
def hold(tmp_path, worker, monkeypatch):
    """Start to hold the loads of this process."""
    folder = tmp_path / "modelguard-home"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("MODELGUARD_HOME", str(folder))
    monkeypatch.setenv("MODELGUARD_HEADLESS", "deny")
    config.home.cache_clear()
    started = []

    def start():
        store = Store(folder)
        made = guard.Guard(worker, Approver(store), store)
        made.open()
        monkeypatch.setattr(guard, "_current", made)
        started.append(made)
        return made

    yield start
    for made in started:
        made.close()
    config.home.cache_clear()


@pytest.fixture
def canary(tmp_path):
    return tmp_path / "canary"


class Touch:
    """Pickles as a command that leaves a canary."""

    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return os.system, (f"touch '{self.canary}'",)


@pytest.fixture
def armed(canary):
    return Touch(canary)


@pytest.fixture
def in_notebook(monkeypatch):
    """Make classes the user's own, as if a notebook cell had defined them."""

    def add(*classes):
        for cls in classes:
            monkeypatch.setattr(cls, "__module__", "__main__")
            monkeypatch.setattr(sys.modules["__main__"], cls.__name__, cls, raising=False)

    return add
