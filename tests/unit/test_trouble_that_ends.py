"""A database that was in trouble is asked again soon by whoever waits for it, and by nobody else."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time

import pytest

from jupyter_modelguard.errors import HistoryError
from jupyter_modelguard.history import again
from jupyter_modelguard.history.store import Store
from jupyter_modelguard.types import Decision, Outcome

from histories import VIEW, both, full_record  # isort: skip

YES = Decision(allow=True, by="ada", transport="database", at=2.0)
NO = Decision(allow=False, by="ada", transport="card", at=2.0)


@pytest.fixture
def opened(history, monkeypatch):
    monkeypatch.setattr("jupyter_modelguard.history.sqlite._PATIENCE", 0.1)
    stores = []

    def make():
        stores.append(Store(history.home, history.url, journal="delete" if history.url is None else None))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def trouble(history, request):
    """Nobody can read or write for a while."""

    @contextlib.contextmanager
    def made():
        if history.url is not None:
            server = request.getfixturevalue("postgresql")
            server.stop()
            try:
                yield
            finally:
                server.start()
            return
        with contextlib.closing(sqlite3.connect(history.home / "history.sqlite", isolation_level=None)) as lock:
            lock.execute("BEGIN EXCLUSIVE")
            yield

    return made


def soon(what, seconds=15):
    """Wait for something; half of the time for which lines in memory leave the database alone."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(HistoryError):
            found = what()
            if found:
                return found
        time.sleep(0.02)
    pytest.fail("it did not come soon")


def waiting(store):
    return full_record(store, outcome=Outcome.WAITING, decision=None)


@both
def test_a_question_is_answered_soon_after_the_trouble(opened, trouble):
    store = opened()
    assert not store.sessions()
    with trouble(), pytest.raises(HistoryError):
        store.sessions()
    assert soon(lambda: store.sessions() == ())
    assert store.usable, "lines are written again too"


@both
def test_an_answer_from_elsewhere_is_heard_soon_after_the_trouble(opened, trouble):
    store, other = opened(), opened()
    record = waiting(store)
    assert store.ask(record, VIEW)
    with trouble():
        soon(lambda: store.answer(record.id) is None and not store.usable)
    assert soon(lambda: other.decide(record.id, YES))
    assert soon(lambda: store.answer(record.id)) == YES


@both
def test_a_load_that_could_not_be_put_up_is_put_up_soon_after(opened, trouble):
    store, other = opened(), opened()
    assert store.sessions() == ()
    record = waiting(store)
    with trouble():
        assert not store.ask(record, VIEW)
        assert store.answer(record.id) is None
    assert soon(lambda: other.decide(record.id, YES))
    assert soon(lambda: store.answer(record.id)) == YES


@both
def test_a_decision_that_could_not_be_written_is_written_after(opened, trouble, monkeypatch):
    monkeypatch.setattr(again, "_LATER", 0.1)
    store, other = opened(), opened()
    record = waiting(store)
    assert store.ask(record, VIEW)
    with trouble():
        assert store.settle(record.id, NO) == NO
    assert soon(lambda: other.pending() == ())
    assert not other.decide(record.id, YES)


@both
def test_a_load_that_was_decided_meanwhile_is_not_put_up(opened, trouble, monkeypatch):
    monkeypatch.setattr(again, "_LATER", 0.1)
    store, other = opened(), opened()
    assert store.sessions() == ()
    record = waiting(store)
    with trouble():
        assert not store.ask(record, VIEW)
        assert store.settle(record.id, NO) == NO
    soon(lambda: store.sessions() == () and store.approvals._again._thread is None)
    assert other.pending() == ()


def test_who_waits_does_not_wait_for_a_database_that_hangs(store, monkeypatch):
    record = waiting(store)
    assert store.ask(record, VIEW)
    hangs, looked = threading.Event(), threading.Event()

    @contextlib.contextmanager
    def reading(*_arguments):
        looked.set()
        hangs.wait(60)
        raise HistoryError("silent")
        yield

    def changed(_watch):
        raise HistoryError("silent")

    with monkeypatch.context() as patched:
        patched.setattr("jupyter_modelguard.history.watch.Watch.changed", changed)
        patched.setattr(store._database, "reading", reading)
        assert store.answer(record.id) is None
        assert looked.wait(60)
        assert store.answer(record.id) is None, "while another thread hangs"
        hangs.set()
    assert store.settle(record.id, NO) == NO


def test_one_at_a_time_looks_whether_a_database_can_be_used_again(store, monkeypatch):
    assert store.sessions() == ()
    database = store._database
    database._rest("silent")
    monkeypatch.setattr(database, "_asked_again_from", 0.0)
    with database.reading(), pytest.raises(HistoryError), database.reading():
        pass
    assert store.usable


def test_lines_in_memory_leave_a_troubled_database_alone(store, monkeypatch):
    store.flush()
    database = store._database
    database._rest("silent")
    monkeypatch.setattr(database, "_asked_again_from", 0.0)
    store.record(full_record(store))
    assert not store.flush()
    assert len(store.history()) == 1, "a person's question finds it well"
    assert store.flush()
