"""A guard in this process with nobody to ask: what is not proved is blocked."""

import os
import pickle
import sys
import time

import pytest

sys.path.append(os.path.dirname(__file__))  # the tests here share an assembler of streams and a process without the guard

from jupyter_modelguard import config, guard
from jupyter_modelguard.approval.order import Approver
from jupyter_modelguard.engines.worker import Worker
from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.history.store import Store

from plain_loads import PlainLoads  # isort: skip
from searched_modules import SEARCHED  # isort: skip


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
        made.patches.searched = SEARCHED
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


def seen(canary, seconds=10):
    """Wait for what a child of the attack may write after the attack is over."""
    deadline = time.monotonic() + seconds
    while not canary.exists():
        assert time.monotonic() < deadline, "the attack does not work"
        time.sleep(0.005)


@pytest.fixture(scope="session")
def _plain_loads():
    started = {}

    def of(*modules):
        if modules not in started:
            started[modules] = PlainLoads(*modules)
        return started[modules]

    yield of
    for made in started.values():
        made.close()


@pytest.fixture
def plainly(_plain_loads, tmp_path):
    """Run source where nobody is guarded; `modules` are imported there before."""

    def run(source, *modules, **names):
        return _plain_loads(*modules).run(source, str(tmp_path), **names)

    return run


@pytest.fixture
def strike(plainly, hold, canary):
    """Show that a stream writes its canary without the guard, and that it does not with it."""

    def attack(data, *modules):
        plainly("import pickle\npickle.loads(data)", *modules, data=data)
        seen(canary)
        canary.unlink()
        hold()
        with pytest.raises(ModelLoadBlockedError):
            pickle.loads(data)
        assert not canary.exists()

    return attack


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
