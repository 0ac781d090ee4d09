"""Old lines of the history go, by themselves or when somebody says so, and what waits for an answer stays."""

import time

import pytest

from jupyter_modelguard import cli
from jupyter_modelguard.errors import HistoryError
from jupyter_modelguard.history.store import Store
from jupyter_modelguard.types import HistoryRecord, LoadRequest, Outcome

from histories import both  # isort: skip

DAY = 86_400.0
SECRET = "/home/ada/private/unreleased.pkl"


def kept(store, days, outcome=Outcome.LOADED, source=SECRET):
    at = time.time() - days * DAY
    record = HistoryRecord(store.next_id(), at, LoadRequest("pickle.load", "pickle.load(f)", source), outcome)
    store.record(record)
    return record


def sources(store):
    return [record.request.source for record in store.history()]


def test_old_lines_are_deleted_for_good(store, tmp_path):
    kept(store, 10)
    kept(store, 1, source="/new.pkl")
    assert sources(store) == ["/new.pkl", SECRET]
    assert store.delete_before(time.time() - 5 * DAY) == 1
    assert sources(store) == ["/new.pkl"]
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert SECRET.encode() not in left
    assert b"/new.pkl" in left


@both
def test_what_waits_for_an_answer_stays(store):
    waiting = kept(store, 10, Outcome.WAITING)
    assert store.ask(waiting, {})
    answered = kept(store, 10, Outcome.BLOCKED, source="/answered.pkl")
    assert store.delete_before(time.time()) == 1
    assert [record.id for record in store.history()] == [waiting.id]
    assert [question.id for question in store.pending()] == [waiting.id]
    assert answered.id != waiting.id


@both
def test_nothing_is_deleted_where_nobody_said_so(store):
    kept(store, 5_000)
    kept(store, 0)
    assert len(sources(store)) == 2


@both
def test_old_lines_go_by_themselves_when_new_ones_are_written(store):
    kept(store, 10)
    store.flush()
    store.keep_for(5)
    kept(store, 0, source="/new.pkl")
    deadline = time.monotonic() + 30
    while sources(store) != ["/new.pkl"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_history_that_cannot_be_used_says_so(tmp_path):
    (tmp_path / "history.sqlite").mkdir()
    store = Store(tmp_path)
    with pytest.raises(HistoryError, match="cannot be used"):
        store.delete_before(time.time())


def test_command_line(store, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("jupyter_modelguard.config.home", lambda: tmp_path)
    kept(store, 10)
    kept(store, 1)
    store.flush()
    assert cli.main(["history", "--delete", "7d"]) == 0
    assert capsys.readouterr().out == "1 line of the history deleted.\n"
    assert cli.main(["history", "--delete", "soon"]) == 2
    assert cli.main(["history", "--delete", "all", "--outcome", "blocked"]) == 2
    assert len(store.history()) == 1
    assert cli.main(["history", "--delete", "all"]) == 0
    assert store.history() == ()
