"""The folder of the history, the settings, and the environment variables."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_modelguard.config import ModelGuardConfig, database_url, default_home, headless_mode, home
from jupyter_modelguard.errors import ConfigurationError


@pytest.fixture(autouse=True)
def fresh():
    home.cache_clear()
    yield
    home.cache_clear()


def test_a_missing_home_is_made_for_its_owner_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("MODELGUARD_HOME", str(tmp_path / "a" / "b"))
    made = home()
    assert made == tmp_path / "a" / "b"
    assert made.stat().st_mode & 0o777 == 0o700


def test_home_is_read_once(tmp_path, monkeypatch):
    monkeypatch.setenv("MODELGUARD_HOME", str(tmp_path / "first"))
    first = home()
    monkeypatch.setenv("MODELGUARD_HOME", str(tmp_path / "second"))
    assert home() == first


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are lists there")
@pytest.mark.parametrize("mode", [0o750, 0o701, 0o777])
def test_a_home_open_to_others_is_refused(tmp_path, monkeypatch, mode):
    tmp_path.chmod(mode)
    monkeypatch.setenv("MODELGUARD_HOME", str(tmp_path))
    with pytest.raises(ConfigurationError, match="chmod 700"):
        home()


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="needs root to give a folder away")
def test_a_home_of_another_user_is_refused(tmp_path, monkeypatch):
    tmp_path.chmod(0o700)
    os.chown(tmp_path, 12345, 12345)
    monkeypatch.setenv("MODELGUARD_HOME", str(tmp_path))
    with pytest.raises(ConfigurationError, match="belongs to another user"):
        home()


def test_a_relative_home_is_refused(monkeypatch):
    monkeypatch.setenv("MODELGUARD_HOME", "history")
    with pytest.raises(ConfigurationError, match="absolute"):
        home()


def test_a_home_that_cannot_be_made_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MODELGUARD_HOME", str(tmp_path / "file" / "home"))
    assert home() == tmp_path / "file" / "home"


def test_no_variable_moves_the_default_home(tmp_path, monkeypatch):
    before = default_home()
    for name in ("HOME", "XDG_DATA_HOME", "JUPYTER_DATA_DIR", "USERPROFILE", "LOCALAPPDATA", "MODELGUARD_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    assert default_home() == before
    assert tmp_path not in before.parents


def test_headless_mode_takes_two_words_and_no_other(monkeypatch):
    monkeypatch.delenv("MODELGUARD_HEADLESS", raising=False)
    assert headless_mode() is None
    for mode in ("deny", "lock"):
        monkeypatch.setenv("MODELGUARD_HEADLESS", mode)
        assert headless_mode() == mode
    monkeypatch.setenv("MODELGUARD_HEADLESS", "allow")
    with pytest.raises(ConfigurationError, match="deny or lock"):
        headless_mode()


def test_nothing_a_cell_can_set_allows_a_load():
    comfort = {"ready_within", "ask_with", "ask_hub", "strict", "keep_history", "history_journal", "export_names"}
    assert set(ModelGuardConfig.class_own_traits(config=True)) == comfort


def test_importing_the_settings_is_cheap():
    program = "import sys, jupyter_modelguard.config; print([name for name in ('sqlalchemy', 'rich', 'ipywidgets') if name in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_settings_that_the_documents_name_are_there():
    root = Path(__file__).parents[2]
    named = [
        name for page in ("README.md", "CHANGELOG.md") for name in re.findall(r"%config (\w+\.\w+)", (root / page).read_text())
    ]
    assert named
    assert set(named) <= {f"ModelGuardConfig.{name}" for name in ModelGuardConfig.class_own_traits(config=True)}


def test_the_history_is_a_file_unless_a_database_is_named(monkeypatch):
    monkeypatch.delenv("MODELGUARD_DATABASE_URL", raising=False)
    assert database_url() is None
    monkeypatch.setenv("MODELGUARD_DATABASE_URL", "postgresql+psycopg://ada@hub/history")
    assert database_url() == "postgresql+psycopg://ada@hub/history"


@pytest.mark.parametrize("url", ["postgres://ada:secret@hub/history", "sqlite:////tmp/secret.sqlite", "secret"])
def test_a_database_of_another_kind_is_refused_without_repeating_its_password(monkeypatch, url):
    monkeypatch.setenv("MODELGUARD_DATABASE_URL", url)
    with pytest.raises(ConfigurationError, match=r"postgresql\+psycopg") as caught:
        database_url()
    assert "secret" not in str(caught.value)
