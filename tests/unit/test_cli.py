"""The command line says what is wrong with what it was given."""

import pickle

import pytest

from jupyter_modelguard import config
from jupyter_modelguard.cli import main


@pytest.mark.parametrize("number", ["0", "-1", "x"])
def test_a_history_of_no_lines_is_refused(number, capsys):
    with pytest.raises(SystemExit):
        main(["history", f"--limit={number}"])
    assert "is not a number of lines" in capsys.readouterr().err


def test_a_history_that_cannot_be_read_is_not_called_empty(tmp_path, monkeypatch, capsys):
    (tmp_path / "home").mkdir(mode=0o700)
    (tmp_path / "home" / "history.sqlite").mkdir()
    monkeypatch.setenv("MODELGUARD_HOME", str(tmp_path / "home"))
    config.home.cache_clear()
    try:
        assert main(["history"]) == 2
    finally:
        config.home.cache_clear()
    assert "cannot be read" in capsys.readouterr().err


def test_a_folder_without_models_is_not_called_checked(tmp_path, capsys):
    assert main(["scan", str(tmp_path)]) == 0
    assert "0 of 0" in capsys.readouterr().out


def test_the_gravest_finding_is_shown_first(tmp_path, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    many = [b"c" + f"library{number}\nThing\n0".encode() for number in range(9)]
    (tmp_path / "a.pkl").write_bytes(b"".join(many) + b"cos\nsystem\n0" + pickle.dumps(1, 0))
    assert main(["scan", "--output", str(tmp_path / "out"), str(tmp_path / "a.pkl")]) == 1
    shown = (tmp_path / "out").read_text()
    assert "starts programs" in shown
    assert "library8" not in shown
    assert "5 more findings" in shown


def test_source_that_a_load_would_import_is_not_called_without_code(tmp_path, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "hubconf.py").write_text("import os\nimport helper\nos.system('true')\n")
    (tmp_path / "model" / "helper.py").write_text("import os\nos.system('true')\n")
    assert main(["scan", "--output", str(tmp_path / "out"), str(tmp_path / "model")]) == 1
    shown = (tmp_path / "out").read_text()
    assert "nothing found in 2" in shown
    assert "Nothing that runs by itself: 2 python-source" in shown
    assert "anything that runs" not in shown


def test_a_single_further_finding_is_one(tmp_path, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    many = [b"c" + f"library{number}\nThing\n0".encode() for number in range(5)]
    (tmp_path / "a.pkl").write_bytes(b"".join(many) + b"cos\nsystem\n0" + pickle.dumps(1, 0))
    assert main(["scan", "--output", str(tmp_path / "out"), str(tmp_path / "a.pkl")]) == 1
    assert "1 more finding\n" in (tmp_path / "out").read_text()


def test_one_load_is_shown_as_in_a_notebook(tmp_path, monkeypatch, capsys):
    from jupyter_modelguard.history.store import Store
    from jupyter_modelguard.types import HistoryRecord, LoadRequest, Outcome

    monkeypatch.setenv("MODELGUARD_HOME", str(tmp_path))
    store = Store(tmp_path)
    store.record(HistoryRecord("7f3a91c2", 1.0, LoadRequest("pickle.load", "pickle.load(f)", "/models/<b>.pkl"), Outcome.BLOCKED))
    store.close()
    assert main(["show", "#7f3a"]) == 0
    assert "/models/<b>.pkl" in capsys.readouterr().out
    assert main(["show", "ffff"]) == 2
    assert "ffff" in capsys.readouterr().err
