"""A saved session of dill names the module that it is of, and dill imports that module before it reads the session."""

import sys

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

from opcodes import HEAD, dots, text  # isort: skip

dill = pytest.importorskip("dill")

SESSION = HEAD + dots("dill._dill", "_import_module") + b"0" + text("planted_by_a_session") + b"0}."


@pytest.mark.parametrize("call", ["load_module(path)", "load_module_asdict(path, update=True)", "load_session(path)"])
@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_session_imports_no_planted_module(call, hold, plainly, tmp_path, canary, monkeypatch):
    (tmp_path / "planted_by_a_session.py").write_text(f"open({str(canary)!r}, 'w').close()\n")
    path = tmp_path / "session.pkl"
    path.write_bytes(SESSION)
    plainly(f"import dill\ndill.{call}", path=str(path))
    assert canary.exists()
    canary.unlink()
    monkeypatch.syspath_prepend(str(tmp_path))
    hold()
    with pytest.raises(ModelLoadBlockedError):
        eval(f"dill.{call}", {"dill": dill, "path": path})
    assert not canary.exists()
    assert "planted_by_a_session" not in sys.modules
