"""Guarded names put in place and taken back: in modules, in what the user bound, on every import, and whatever others did meanwhile."""

import copy
import importlib
import pickle
import sys

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.hooks.floor import FLOOR
from jupyter_modelguard.hooks.patches import Patches
from jupyter_modelguard.hooks.row import GuardedFunction
from jupyter_modelguard.testing import FakeGate

EARLY = {"load": pickle.load, "loads": pickle.loads, "Unpickler": pickle.Unpickler}


def test_user_names_bound_to_an_original_are_bound_to_the_guarded_form(armed, closed, canary):
    namespace = {"load": pickle.load, "mine": pickle.loads, "other": 3}
    patches = Patches(FakeGate())
    FLOOR.open(closed, lambda *_: False, lambda *_: None)
    patches.install(namespace)
    try:
        with pytest.raises(ModelLoadBlockedError):
            namespace["mine"](armed)
    finally:
        patches.restore()
        FLOOR.close()
    assert namespace == {"load": EARLY["load"], "mine": EARLY["loads"], "other": 3}
    assert not canary.exists()


def test_modules_of_the_user_get_the_guarded_form_too(armed, closed, canary, tmp_path, monkeypatch):
    (tmp_path / "my_reader.py").write_text("from pickle import loads\n\ndef read(data):\n    return loads(data)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    mine = importlib.import_module("my_reader")
    patches = Patches(FakeGate())
    FLOOR.open(closed, lambda *_: False, lambda *_: None)
    patches.install()
    try:
        with pytest.raises(ModelLoadBlockedError):
            mine.read(armed)
    finally:
        patches.restore()
        FLOOR.close()
        del sys.modules["my_reader"]
    assert mine.loads is EARLY["loads"]
    assert not canary.exists()


def test_restore_puts_every_original_back_and_keeps_what_others_put_there():
    before = {name: getattr(pickle, name) for name in ("load", "loads", "Unpickler")}
    python_load = pickle._Unpickler.load
    patches = Patches(FakeGate())
    patches.install()
    assert pickle.load is not before["load"]
    somebodys = pickle.load

    def theirs(*args):
        return somebodys(*args)

    pickle.load = theirs
    patches.restore()
    assert pickle.load is theirs
    pickle.load = before["load"]
    assert {name: getattr(pickle, name) for name in before} == before
    assert pickle._Unpickler.load is python_load


def test_guarded_functions_pickle_as_the_public_names(gate):
    for name in ("load", "loads", "Unpickler"):
        assert pickle.loads.__module__ == "pickle"
        assert f"c{'pickle'}\n{name}\n".encode() in pickle.dumps(getattr(pickle, name), 0)


def test_guarded_functions_copy_and_show_as_functions_do(gate):
    np = pytest.importorskip("numpy", reason="its loader is a wrapped one")
    assert isinstance(np.load, GuardedFunction)
    assert copy.copy(np.load) is np.load
    assert copy.deepcopy([np.load])[0] is np.load
    assert repr([np.load]).startswith("[<function load at ")


def test_rows_are_applied_on_import_on_reload_and_on_import_after_deletion(monkeypatch):
    from jupyter_modelguard.hooks.table import Row

    def guard(original, _passage):
        def guarded(*args):
            return original(*args)

        guarded.__modelguard__ = original
        return guarded

    patches = Patches(FakeGate(), [Row("tabnanny", "check", guard)])
    monkeypatch.delitem(sys.modules, "tabnanny", raising=False)
    patches.install()
    try:
        module = importlib.import_module("tabnanny")
        assert hasattr(module.check, "__modelguard__")
        assert hasattr(importlib.reload(module).check, "__modelguard__")
        monkeypatch.delitem(sys.modules, "tabnanny")
        assert hasattr(importlib.import_module("tabnanny").check, "__modelguard__")
    finally:
        patches.restore()


def test_fault_in_a_row_never_breaks_the_import(monkeypatch, caplog):
    from jupyter_modelguard.hooks.table import Row

    def broken(_original, _passage):
        raise RuntimeError("a bug of ours")

    patches = Patches(FakeGate(), [Row("tabnanny", "check", broken), Row("tabnanny", "no_such_name", broken)])
    monkeypatch.delitem(sys.modules, "tabnanny", raising=False)
    patches.install()
    try:
        assert importlib.import_module("tabnanny").check
    finally:
        patches.restore()
    assert {row.attribute for row in patches.missing} == {"check", "no_such_name"}


def test_guarded_loader_that_a_library_kept_is_as_if_it_were_not_there_once_the_guard_is_gone(armed, closed, canary):
    patches = Patches(FakeGate())
    FLOOR.open(closed, lambda *_: False, lambda *_: None)
    patches.install()
    kept = pickle.loads
    try:
        with pytest.raises(ModelLoadBlockedError):
            kept(armed)
    finally:
        patches.restore()
        FLOOR.close()
    assert not canary.exists()
    kept(armed)
    assert canary.exists()
