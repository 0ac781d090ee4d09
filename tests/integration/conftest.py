"""A guard in this process, with a history of its own, and a person who can be told what to say."""

import importlib
import os
import pickle
import shutil
import sys
import time

import pytest
from executed import execute

from jupyter_modelguard import config, guard
from jupyter_modelguard.approval.order import Approver
from jupyter_modelguard.engines.worker import Worker
from jupyter_modelguard.history.store import Store
from jupyter_modelguard.types import Decision

from searched_modules import SEARCHED  # isort: skip


class Touch:
    """Pickles as a command that leaves a canary: what an armed file of these tests does, and all that it does."""

    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return os.system, (f"touch '{self.canary}'",)


class Person:
    """Answers every question with one word, and keeps what was asked."""

    def __init__(self, says):
        self.says = says
        self.asked = []
        self.surprised = []

    def prior(self, _record):
        return None

    def surprise(self, record, why):
        self.surprised.append(why)

    def ask(self, record, view, _changed):
        self.asked.append((record, view))
        return Decision(allow=self.says, by="ada", transport="card", reason="I read the code", at=time.time())


class WarmWorker(Worker):
    """One process for all tests: a guard that closes leaves it to the next. Forked children end theirs."""

    home = os.getpid()

    def close(self):
        if os.getpid() != self.home:
            super().close()


class Running:
    """A guard that holds this process while it is entered."""

    def __init__(self, made):
        self.guard = made
        self._earlier = {record.id for record in made.store.history(50)}

    def history(self):
        """The lines of this guard, the latest first."""
        self.guard.store.flush()
        return [record for record in self.guard.store.history(50) if record.id not in self._earlier]

    def outcomes(self):
        """What the history says, the first load first."""
        return [(record.request.loader, record.outcome.value) for record in reversed(self.history())]


@pytest.fixture(scope="session")
def worker():
    made = WarmWorker()
    yield made
    Worker.close(made)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A private folder for the history."""
    folder = tmp_path / "modelguard-home"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("MODELGUARD_HOME", str(folder))
    monkeypatch.delenv("MODELGUARD_HEADLESS", raising=False)
    config.home.cache_clear()
    yield folder
    config.home.cache_clear()


@pytest.fixture
def run_notebook(home, tmp_path, monkeypatch):
    """Run a notebook in a fresh folder that nobody watches."""
    folder = tmp_path / "notebook"
    folder.mkdir()
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    def run(notebook):
        return execute(notebook, folder)

    run.folder = folder
    return run


@pytest.fixture
def hold(home, worker, monkeypatch):
    """Start to hold the loads of this process; `says` is what a person answers, None when there is nobody."""
    assert guard.current() is None
    started = []

    def start(says=None):
        store = Store(home)
        person = Approver(store) if says is None else Person(says)
        made = guard.Guard(worker, person, store)
        made.patches.searched = SEARCHED
        made.open()
        monkeypatch.setattr(guard, "_current", made)
        started.append(made)
        return Running(made)

    yield start
    for made in started:
        made.close()


@pytest.fixture
def canary(tmp_path):
    return tmp_path / "canary"


@pytest.fixture
def armed(canary):
    """An object whose pickle writes the canary."""
    return Touch(canary)


@pytest.fixture
def armed_pickle(tmp_path, armed):
    path = tmp_path / "armed.pkl"
    path.write_bytes(pickle.dumps({"weights": [1.5], "extra": armed}))
    return path


@pytest.fixture
def fresh_modules(tmp_path, monkeypatch):
    """Keep modules of repositories in a folder of this test's own; call it to forget those that were imported."""
    pytest.importorskip("transformers", reason="transformers is not installed")
    importlib.import_module("transformers.dynamic_module_utils")
    folder = tmp_path / "modules"
    for module in ("transformers.dynamic_module_utils", "transformers.utils.hub", "transformers.utils"):
        if hasattr(sys.modules.get(module), "HF_MODULES_CACHE"):
            monkeypatch.setattr(sys.modules[module], "HF_MODULES_CACHE", str(folder))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(sys, "path", list(sys.path))

    def forget():
        for name in [name for name in sys.modules if name.partition(".")[0] == "transformers_modules"]:
            del sys.modules[name]

    forget()
    yield forget
    forget()


@pytest.fixture
def hub(hub_of_this_run, fresh_modules, monkeypatch):
    """A hub that has nothing yet, which clients in this process ask; nothing of it is cached."""
    constants = importlib.import_module("huggingface_hub.constants")
    assert hub_of_this_run.url == constants.ENDPOINT
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    shutil.rmtree(constants.HF_HUB_CACHE, ignore_errors=True)
    hub_of_this_run.repositories.clear()
    hub_of_this_run.asked.clear()
    hub_of_this_run.before = None
    return hub_of_this_run
