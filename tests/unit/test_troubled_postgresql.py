"""A server that is away, silent, or refuses: it costs a warning and no line, and nobody learns a password. And several people on one."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import sys
import time
import traceback

import pytest

from jupyter_modelguard.errors import HistoryError
from jupyter_modelguard.history import postgresql as backend
from jupyter_modelguard.history.store import Store
from jupyter_modelguard.types import Decision, Outcome

from histories import SITE, VIEW, full_record  # isort: skip

in_postgresql = pytest.mark.parametrize("history", ["postgresql"], indirect=True)
SECRET = "s3cr3t/p&w"
QUOTED = "s3cr3t%2Fp%26w"


@in_postgresql
def test_a_server_that_goes_away_and_comes_back_loses_no_line(history, postgresql, caplog):
    store = history.open()
    waiting = full_record(store, outcome=Outcome.WAITING, decision=None)
    assert store.ask(waiting, VIEW)
    assert store.answer(waiting.id) is None
    store.note("pickle.load", "/data/before.pkl", 1, 1.0, SITE, 0.0)
    assert store.flush()
    postgresql.stop()
    try:
        store.note("pickle.load", "/data/meanwhile.pkl", 1, 1.0, SITE, 0.0)
        with caplog.at_level(logging.WARNING):
            assert not store.flush()
            assert store.answer(waiting.id) is None
            assert not store.ask(full_record(store), VIEW)
        assert len([message for message in caplog.messages if "stay in memory" in message]) == 1
        assert [record.request.source for record in store.history()] == ["/data/meanwhile.pkl"]
    finally:
        postgresql.start()
    store._database._rests_until = 0.0
    assert store.flush()
    assert {record.request.source for record in history.read()} >= {"/data/before.pkl", "/data/meanwhile.pkl"}
    yes = Decision(allow=True, by="ada", transport="database", at=2.0)
    assert history.open().decide(waiting.id, yes)
    deadline = time.monotonic() + 30
    while (answer := store.answer(waiting.id)) is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert answer == yes
    assert store.verify().whole


@in_postgresql
def test_a_statement_without_an_answer_is_cut_off(history):
    store = history.open()
    with pytest.raises(HistoryError), store._database.reading(silence=0.3) as connection:
        connection.exec_driver_sql("SELECT pg_sleep(120)")


@in_postgresql
def test_a_lock_that_somebody_keeps_holds_nobody_up_for_long(history):
    store, other = history.open(), history.open()
    with other._database.writing(silence=60):
        assert not store.ask(full_record(store), VIEW)
    assert not store.usable


@pytest.fixture
def silent():
    """A port that takes connections and says nothing."""
    with contextlib.closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


def everything(error, caplog, *things):
    shown = "".join(traceback.format_exception(error)) + caplog.text + "".join(map(repr, things))
    assert "s3cr3t" not in shown
    assert "p&w" not in shown


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql+psycopg://ada:{QUOTED}@127.0.0.1:PORT/d",
        f"postgresql+psycopg://ada@127.0.0.1:PORT/d?password={QUOTED}",
        f"postgresql+psycopg://ada:{SECRET}@127.0.0.1:PORT/d",
        f"postgresql+psycopg://ada:{QUOTED}@127.0.0.1:none/d",
        f"postgresql+psycopg://ada:{QUOTED}@[::1/d",
        f"mysql://ada:{QUOTED}@127.0.0.1:PORT/d",
        f"postgresql+psycopg://ada:{QUOTED}@127.0.0.1:PORT/d?no_such_option=1",
        f"ada:{SECRET}",
        f"postgresql+psycopg://ada:12/{SECRET}@127.0.0.1:PORT/d",
        f"postgresql+psycopg://ada:12?{SECRET}@127.0.0.1:PORT/d",
        f"postgresql+psycopg://ada:12#{SECRET}@127.0.0.1:PORT/d",
    ],
)
def test_no_password_is_shown(tmp_path, silent, caplog, url):
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    store = Store(tmp_path, url.replace("PORT", str(silent)))
    store.note("pickle.load", "/data/x.pkl", 1, 1.0, SITE, 0.0)
    with caplog.at_level(logging.DEBUG):
        assert not store.flush()
        with pytest.raises(HistoryError) as failed:
            store.sessions()
        store._database._rests_until = 0.0
        with pytest.raises(HistoryError) as again:
            store.sessions()
    backend = store._database.backend
    everything(failed.value, caplog, store, backend, store._database, store.shown, store.place)
    everything(again.value, caplog)
    assert [record.request.source for record in store.history()] == ["/data/x.pkl"]
    assert not list(tmp_path.iterdir())


def test_a_driver_that_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    store = Store(tmp_path, "postgresql+psycopg://ada@h/d")
    record = full_record(store)
    store.record(record)
    with pytest.raises(HistoryError, match=r'pip install "jupyter-modelguard\[postgresql\]"'):
        store.sessions()
    assert store.history() == (record,)


@in_postgresql
def test_each_person_has_a_history_of_their_own(history, monkeypatch):
    ada = history.open()
    monkeypatch.setattr(backend, "hub_user", lambda: "bob")
    bob = history.open()
    for store in (ada, bob):
        store._writer.session = "a" * 16
        store.record(full_record(store, id="abc00001", error=store._database.backend.owner))
        store.note("pickle.load", "/data/x.pkl", 1, 1.0, SITE, 0.0)
        assert store.flush()
        assert store.ask(full_record(store, id="abc00002", outcome=Outcome.WAITING, decision=None), VIEW)
    assert bob.find("abc00001").error == "bob"
    assert (len(ada.history()), len(bob.history())) == (3, 3)
    assert [len(store.sessions()) for store in (ada, bob)] == [1, 1]
    no = Decision(allow=False, by="bob", transport="database")
    assert bob.decide("abc00002", no)
    assert bob.answer("abc00002") == no
    assert ada.answer("abc00002") is None
    assert [row.id for row in ada.pending()] == ["abc00002"]
    assert bob.delete([("a" * 16, "abc00001")]) == 1
    assert bob.delete_before(1e12) == 1, "what waits is not deleted"
    assert bob.abandon("a" * 16) == 0
    assert len(ada.history()) == 3
    assert ada.verify().whole
    assert bob.verify().whole
    assert ada.statistics().loads == 2


@in_postgresql
def test_somebody_who_may_only_use_the_tables_can(history, postgresql):
    history.open().sessions()
    name = history.url.rpartition("/")[2].partition("?")[0]
    user = f"u{os.getpid()}"
    postgresql.execute(f"CREATE USER {user}", name)
    tables = "loads, approvals, sessions, links, modelguard_version"
    postgresql.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {tables} TO {user}", name)
    postgresql.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {user}", name)
    store = Store(history.home, postgresql.url(name, user))
    store.record(full_record(store))
    assert store.flush()
    store.close()


WALL = """
ALTER TABLE loads ENABLE ROW LEVEL SECURITY;
ALTER TABLE approvals ENABLE ROW LEVEL SECURITY;
ALTER TABLE sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE links ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON loads USING (owner = current_user);
CREATE POLICY own ON approvals USING (owner = current_user);
CREATE POLICY own ON sessions USING (owner = current_user);
CREATE POLICY own ON links USING (owner = current_user);
GRANT SELECT, INSERT, UPDATE, DELETE ON loads, approvals, sessions, links TO PUBLIC;
GRANT SELECT ON modelguard_version TO PUBLIC;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO PUBLIC;
"""
"""What the README gives to the administrator of a hub: a role for each person, named as their login, which does not own the tables."""


@in_postgresql
def test_with_a_role_for_each_person_the_owner_is_a_wall(history, postgresql, monkeypatch):
    import psycopg

    history.open().sessions()
    name = history.url.rpartition("/")[2].partition("?")[0]
    ada, bob = f"ada{os.getpid()}", f"bob{os.getpid()}"
    for statement in (*WALL.strip().split(";\n"), f"CREATE ROLE {ada} LOGIN", f"CREATE ROLE {bob} LOGIN"):
        postgresql.execute(statement.rstrip(";"), name)
    for person in (ada, bob):
        monkeypatch.setattr(backend, "hub_user", lambda person=person: person)
        store = Store(history.home, postgresql.url(name, person))
        store.record(full_record(store, error=person))
        assert store.ask(full_record(store, outcome=Outcome.WAITING, decision=None), VIEW)
        assert store.flush()
        assert store.verify().whole
        assert store.statistics().loads == 1
        store.close()
    with psycopg.connect(host=str(postgresql.folder), user=bob, dbname=name, autocommit=True) as theirs:
        for table in ("loads", "approvals", "sessions", "links"):
            assert theirs.execute(f"SELECT DISTINCT owner FROM {table}").fetchall() == [(bob,)]
            assert theirs.execute(f"UPDATE {table} SET session = 'x' WHERE owner = '{ada}'").rowcount == 0
            assert theirs.execute(f"DELETE FROM {table} WHERE owner = '{ada}'").rowcount == 0
        with pytest.raises(psycopg.Error, match="row-level security"):
            theirs.execute(f"UPDATE loads SET owner = '{ada}'")
        with pytest.raises(psycopg.Error, match="permission denied"):
            theirs.execute("INSERT INTO modelguard_version VALUES (99)")
        with pytest.raises(psycopg.Error, match="must be owner"):
            theirs.execute("ALTER TABLE loads DISABLE ROW LEVEL SECURITY")
    monkeypatch.setattr(backend, "hub_user", lambda: ada)
    store = Store(history.home, postgresql.url(name, bob))
    assert not store.ask(full_record(store, outcome=Outcome.WAITING, decision=None), VIEW), (
        "whoever gives another name can write nothing"
    )
    assert store.history() == ()
    store.close()


@in_postgresql
def test_tables_of_a_later_version_are_left_alone(history, postgresql):
    history.open().sessions()
    postgresql.execute("INSERT INTO modelguard_version VALUES (99)", history.url.rpartition("/")[2].partition("?")[0])
    store = history.open()
    record = full_record(store)
    store.record(record)
    assert not store.flush()
    assert store.find(record.id) == record
