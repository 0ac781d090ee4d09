"""A desk with policy and lock files, and what is loaded there."""

import pickle

import pytest

from jupyter_modelguard.ipython.locking import write_lock
from jupyter_modelguard.types import Scope

from assembly import call, stream  # isort: skip
from chooser import Chooser  # isort: skip
from rulebooks import Desk, load  # isort: skip


@pytest.fixture
def desk(tmp_path, worker, monkeypatch):
    monkeypatch.delenv("MODELGUARD_HEADLESS", raising=False)
    return Desk(tmp_path, worker, monkeypatch)


@pytest.fixture
def unknown(desk, canary):
    """A file whose load opens the canary with a function that nothing vouches for."""
    path = desk.project / "models" / "model.pkl"
    path.parent.mkdir()
    path.write_bytes(stream(call("logging.handlers:WatchedFileHandler", str(canary))))
    return path


@pytest.fixture
def proved(tmp_path):
    """A file that loads silently, once it was looked at."""
    np = pytest.importorskip("numpy", reason="the array is numpy's")
    path = tmp_path / "array.pkl"
    path.write_bytes(pickle.dumps(np.arange(3.0)))
    return path


@pytest.fixture
def locked(desk, unknown, canary):
    """A lock file that was written from what a person allowed, and accepted."""
    with desk.guarding(Chooser(Scope.ONCE)) as made:
        load(unknown)
        write_lock(desk.lock, made.deciding.allowed, made.trust)
    assert canary.exists()
    canary.unlink()
    desk.accept(desk.lock)
    return desk.lock
