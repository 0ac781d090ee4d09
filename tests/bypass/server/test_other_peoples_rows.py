"""One database for the people of a hub, and what is left of a load when its person deletes it."""

import dataclasses
import time

import pytest

from jupyter_modelguard import config
from jupyter_modelguard.history.postgresql import Postgresql
from jupyter_modelguard.types import Decision, Outcome

from histories import VIEW, both, full_record  # isort: skip

in_postgresql = pytest.mark.parametrize("history", ["postgresql"], indirect=True)


@in_postgresql
def test_people_of_one_login_name_are_told_apart_by_their_hub(history, monkeypatch):
    """In a hub's containers everybody is `jovyan`: without the hub's name all would see, deny and delete everything."""
    monkeypatch.setattr(config, "user_name", lambda: "jovyan")
    monkeypatch.setenv("JUPYTERHUB_USER", "ada")
    ada = history.open()
    record = full_record(ada, outcome=Outcome.WAITING, decision=None)
    assert ada.ask(record, VIEW)
    monkeypatch.setenv("JUPYTERHUB_USER", "bob")
    bob = history.open()
    assert (bob.history(), bob.pending(), bob.sessions()) == ((), (), ())
    assert bob.decide(record.id, Decision(allow=False, by="bob", transport="sidebar")) is False
    assert bob.delete([(ada.session, record.id)]) == 0
    assert [one.id for one in ada.pending()] == [record.id]


@pytest.mark.parametrize("name", [None, ""])
def test_without_a_hub_the_login_name_counts(monkeypatch, name):
    monkeypatch.delenv("JUPYTERHUB_USER", raising=False)
    if name is not None:
        monkeypatch.setenv("JUPYTERHUB_USER", name)
    assert Postgresql("postgresql+psycopg://h/d").owner == config.user_name()


@both
def test_a_record_does_not_leave_its_question_behind(store, history):
    """A question whose cell had failed stayed without its line: nobody could find or delete it, and the card lay there for a year."""
    record = full_record(store, outcome=Outcome.WAITING, decision=None)
    assert store.ask(record, VIEW)
    store.stop_waiting(record.id)
    store.record(dataclasses.replace(record, outcome=Outcome.BLOCKED))
    assert store.delete([(store.session, record.id)]) == 0
    assert store.delete_before(time.time() + 1) == 0
    assert [found.id for found in store.history()] == [record.id]
    assert store.abandon(store.session) == 1
    assert store.delete([(store.session, record.id)]) == 1
    assert store.history() == ()
    with store.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM approvals").scalar_one() == 0
