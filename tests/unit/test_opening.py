"""Which history a process of this user opens."""

import pytest

from jupyter_modelguard import config
from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.history.opening import open_history


@pytest.fixture(autouse=True)
def fresh(tmp_path, monkeypatch):
    config.home.cache_clear()
    monkeypatch.setenv("MODELGUARD_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MODELGUARD_DATABASE_URL", raising=False)
    yield
    config.home.cache_clear()


def journal_of(store):
    store.history()
    with store._database.reading() as connection:
        return connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()


def test_a_file_in_the_home(tmp_path):
    store = open_history()
    assert store.kind == "sqlite"
    assert store.path == tmp_path / "home" / "history.sqlite"
    assert not store.path.exists()


def test_the_database_that_the_environment_names(monkeypatch):
    monkeypatch.setenv("MODELGUARD_DATABASE_URL", "postgresql+psycopg://ada:secret@127.0.0.1:1/none")
    store = open_history()
    assert store.kind == "postgresql"
    assert "secret" not in f"{store.shown} {store.place}"


def test_another_kind_of_database_is_refused(monkeypatch):
    monkeypatch.setenv("MODELGUARD_DATABASE_URL", "mysql://ada@hub/none")
    with pytest.raises(ConfigurationError, match="must begin with"):
        open_history()


def test_a_file_is_kept_whole_as_the_setting_says_and_stays_so():
    store = open_history("delete")
    assert journal_of(store) == "delete"
    store.close()
    later = open_history()
    assert journal_of(later) == "delete"
    later.close()


def test_a_file_of_this_machine_has_a_write_ahead_log():
    store = open_history()
    assert journal_of(store) == "wal"
    store.close()
