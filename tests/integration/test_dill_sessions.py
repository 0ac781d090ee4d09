"""Sessions that dill saves are pickles of whole modules: asked about in the name of the function that restores them."""

import importlib
import sys

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

dill = pytest.importorskip("dill", reason="dill is not installed")


@pytest.fixture
def session(tmp_path, armed, monkeypatch):
    (tmp_path / "acme_session.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("acme_session")
    module.extra = armed
    dill.dump_module(tmp_path / "session.pkl", module)
    del module.extra
    yield tmp_path / "session.pkl"
    sys.modules.pop("acme_session", None)


@pytest.mark.parametrize("name", ["load_module", "load_module_asdict"])
def test_saved_session_is_held_before_it_runs(name, session, hold, canary):
    getattr(dill, name)(session)
    assert canary.exists(), "the session is not armed"
    canary.unlink()
    running = hold()
    with pytest.raises(ModelLoadBlockedError, match=r"os\.system"):
        getattr(dill, name)(session)
    assert not canary.exists()
    assert running.outcomes() == [(f"dill.{name}", "blocked")]


def test_planted_module_that_a_session_names_is_held(session, hold, tmp_path, canary):
    (tmp_path / "acme_session.py").write_text(f"open({str(canary)!r}, 'w').close()")
    sys.modules.pop("acme_session")
    importlib.invalidate_caches()
    hold()
    with pytest.raises(ModelLoadBlockedError):
        dill.load_module(session)
    assert not canary.exists()
