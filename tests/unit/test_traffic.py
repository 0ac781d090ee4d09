"""Modules whose pickles are traffic keep the plain loaders, whether they were imported before the guard or after it."""

import importlib
import pickle
import sys

import pytest

from jupyter_modelguard.hooks.floor import FLOOR
from jupyter_modelguard.hooks.patches import Patches
from jupyter_modelguard.testing import FakeGate

PLAIN = (pickle.loads,)


@pytest.fixture
def patches():
    FLOOR.open(frozenset(), lambda *_: False, lambda *_: None)
    patches = Patches(FakeGate())
    patches.install()
    yield patches
    patches.restore()
    FLOOR.close()


@pytest.fixture
def afresh(monkeypatch):
    """Import a module as if for the first time, and forget it."""

    def take(name):
        parent, _, child = name.rpartition(".")
        importlib.import_module(name)
        monkeypatch.setattr(importlib.import_module(parent), child, sys.modules[name])
        monkeypatch.delitem(sys.modules, name)
        return importlib.import_module(name)

    return take


def test_class_of_a_traffic_module_keeps_the_plain_loader(patches, afresh):
    reduction = afresh("multiprocessing.reduction")
    assert reduction.pickle.loads is not PLAIN[0]
    assert reduction.ForkingPickler.loads is PLAIN[0]


def test_other_modules_get_the_guarded_loader(patches, tmp_path, monkeypatch):
    (tmp_path / "some_reader.py").write_text("from pickle import loads\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert importlib.import_module("some_reader").loads is not PLAIN[0]
    monkeypatch.delitem(sys.modules, "some_reader")


def test_traffic_can_name_its_loader_in_a_pickle(patches):
    reduction = pytest.importorskip("joblib.externals.loky.backend.reduction")
    assert b"loads" in bytes(reduction.dumps(reduction.loads))
