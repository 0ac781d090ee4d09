"""`modelguard doctor` notices what would leave a notebook unguarded or unasked."""

from __future__ import annotations

import sys

import pytest

from jupyter_modelguard import config
from jupyter_modelguard.ipython.doctor import diagnosis


@pytest.fixture(autouse=True)
def fresh(tmp_path, monkeypatch):
    config.home.cache_clear()
    monkeypatch.setenv("MODELGUARD_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MODELGUARD_HEADLESS", raising=False)
    monkeypatch.delitem(sys.modules, "modelguard", raising=False)
    yield
    config.home.cache_clear()


def ill():
    return [line.text for line in diagnosis() if not line.well]


def test_a_shadowing_module_is_named_and_not_run(tmp_path, monkeypatch):
    canary = tmp_path / "canary"
    (tmp_path / "modelguard.py").write_text(f"open({str(canary)!r}, 'w')")
    monkeypatch.syspath_prepend(str(tmp_path))
    (said,) = [text for text in ill() if "another project's" in text]
    assert str(tmp_path / "modelguard.py") in said
    assert not canary.exists()


def test_our_own_alias_is_well():
    import modelguard

    assert modelguard.__modelguard_alias__ == "jupyter-modelguard"
    assert not [text for text in ill() if "%load_ext" in text]


def test_an_open_home_and_a_wrong_variable_are_said(tmp_path, monkeypatch):
    (tmp_path / "home").mkdir(mode=0o755)
    (tmp_path / "home").chmod(0o755)
    monkeypatch.setenv("MODELGUARD_HEADLESS", "yes")
    said = "\n".join(ill())
    assert said.count("chmod 700") == 1
    assert "all the same" not in said
    assert "deny or lock" in said


def test_a_card_that_was_not_built_is_said(tmp_path, monkeypatch):
    from jupyter_modelguard.approval import widget

    monkeypatch.setattr(widget, "_STATIC", tmp_path / "nothing")
    assert any("not built" in text for text in ill())


@pytest.mark.parametrize("there", ["server", "front", "both", "neither"])
def test_what_the_panel_needs_is_looked_for_where_jupyter_looks(tmp_path, monkeypatch, there):
    config_folder, data_folder = tmp_path / "etc", tmp_path / "share"
    monkeypatch.setattr("jupyter_core.paths.jupyter_config_path", lambda: [str(config_folder)])
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda *parts: [str(data_folder.joinpath(*parts))])
    files = {
        "server": config_folder / "jupyter_server_config.d" / "jupyter_modelguard.json",
        "front": data_folder / "labextensions" / "jupyter-modelguard" / "package.json",
    }
    for name in files if there == "both" else {there} & set(files):
        files[name].parent.mkdir(parents=True)
        files[name].write_text("{}")
    (said,) = [line for line in diagnosis() if line.text.startswith(("The panel's", "JupyterLab and Notebook"))]
    assert said.well is (there == "both")
    assert ("server extension is not" in said.text) is (there == "front")
    assert ("front end is not" in said.text) is (there in {"server", "neither"})
