"""Policy and lock files in a folder of a test, in front of a guard that has nobody to ask."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import pickle

import pytest

from jupyter_modelguard import guard
from jupyter_modelguard.approval.order import Approver
from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.history.store import Store
from jupyter_modelguard.policy.places import Places
from jupyter_modelguard.policy.policy import Policy
from jupyter_modelguard.policy.rulebook import Rulebook
from jupyter_modelguard.policy.trust import Trust

from searched_modules import SEARCHED  # isort: skip

__all__ = ["Desk", "allows", "blocked", "digest", "load"]


def load(path, loader=None):
    """Load a file; what opened a log to leave a canary is closed again."""
    with open(path, "rb") as file:
        value = (loader or pickle.load)(file)
    if isinstance(value, logging.Handler):
        value.close()
    return value


def blocked(path, loader=None):
    """Say what the error says."""
    with pytest.raises(ModelLoadBlockedError) as caught:
        load(path, loader)
    return str(caught.value)


def digest(path):
    """Give the sha256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def allows(**fields):
    """Write a rule that allows."""
    lines = [f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {value}" for name, value in fields.items()]
    return "\n".join(["[[rule]]", 'action = "allow"', 'reason = "Reviewed."', *lines]) + "\n"


class Desk:
    """The files that a load is decided by, each written where it would lie."""

    def __init__(self, folder, worker, monkeypatch):
        self.folder = folder
        self.worker = worker
        self._monkeypatch = monkeypatch
        self.project = folder / "project"
        self.own = folder / "own" / "share" / "jupyter-modelguard"
        self.system = folder / "etc" / "policy.toml"
        self.prefix = folder / "prefix"
        for made in (self.project, self.system.parent, self.prefix / "etc" / "modelguard"):
            made.mkdir(parents=True)
        self.own.mkdir(mode=0o700, parents=True)
        (self.project / ".git").mkdir()
        self.lock = self.project / "modelguard.lock"
        self.policy = self.project / "modelguard.toml"
        self.user = self.own / "policy.toml"
        self.elsewhere = ""  # who else than an administrator could write a file
        self.made = None

    def rulebook(self, named=None):
        places = Places(lambda: self.own, self.project, system=self.system, prefix=self.prefix)
        made = Rulebook(lambda: self.own, lock=named, places=places)
        made.policy = Policy(places, made.accepted, lambda _path: self.elsewhere)
        return made

    def accept(self, path):
        from jupyter_modelguard.policy.checked_file import read_text

        self.rulebook().accepted.accept(path, read_text(path).digest, "ada")

    def rewrite(self, *pairs):
        """Put other words in the lock file, and accept it so."""
        text = self.lock.read_text()
        for before, after in pairs:
            assert before in text
            text = text.replace(before, after)
        self.lock.write_text(text)
        self.accept(self.lock)

    @contextlib.contextmanager
    def guarding(self, person=None, named=None):
        """Hold the loads of this process; `person` answers, nobody by default."""
        home = self.folder / "modelguard-home"
        home.mkdir(mode=0o700, exist_ok=True)
        store = Store(home)
        self.made = guard.Guard(
            self.worker, person or Approver(store), store, trust=Trust(lambda: self.own), rulebook=self.rulebook(named)
        )
        self.made.patches.searched = SEARCHED
        self.made.open()
        self._monkeypatch.setattr(guard, "_current", self.made)
        try:
            yield self.made
        finally:
            self.made.rulebook = None  # a locked policy keeps the guard, and this is a test
            self.made.close()
            self._monkeypatch.setattr(guard, "_current", None)
