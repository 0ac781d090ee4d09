"""A process that is killed outright in the middle of a write leaves a history that can be read, and whose chain is whole."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from histories import OPEN, SITE, VERSION_1, VIEW, both, full_record, in_child  # isort: skip

DIES = """
import os, signal
from sqlalchemy import Engine, event
where, what = sys.argv[3].split(" ", 1)

def die(connection, cursor, statement, *_):
    if armed and statement.lstrip().startswith(what):
        os.kill(os.getpid(), signal.SIGKILL)

event.listen(Engine, f"{where}_cursor_execute", die)
"""

WRITES = """
from jupyter_modelguard.history import writer
writer._SOON = writer._BATCH = 60.0  # one write, by the program itself
armed = False
store.note("pickle.load", "/data/first.pkl", 1, 1.0, CallSite(), 0.0)
assert store.flush()
armed = True
store.note("pickle.load", "/data/second.pkl", 1, 1.0, CallSite(), 0.0)
record = HistoryRecord(store.next_id(), 2.0, LoadRequest("torch.load", "c", "/data/third.pt"), Outcome.LOADED)
store.record(record)
store.flush()
"""

FIRST = {"/data/first.pkl"}
ALL = {*FIRST, "/data/second.pkl", "/data/third.pt"}


@both
@pytest.mark.parametrize(
    ("stage", "left"),
    [
        ("before BEGIN", FIRST),
        ("after BEGIN", FIRST),
        ("before INSERT INTO sessions", FIRST),
        ("after INSERT INTO loads", FIRST),
        ("before INSERT INTO links", FIRST),
        ("after INSERT INTO links", FIRST),
        ("before COMMIT", FIRST),
        ("after COMMIT", ALL),
    ],
)
def test_killed_while_it_writes(history, stage, left):
    child = in_child(OPEN + DIES + WRITES, *history.arguments, stage)
    child.communicate(timeout=120)
    assert child.returncode == -9
    store = history.open()
    assert {record.request.source for record in store.history()} == left
    assert store.verify().whole
    store.note("pickle.load", "/data/later.pkl", 1, 1.0, SITE, 0.0)
    assert store.flush(), "no lock was left behind"
    assert store.verify().whole


DELETES = """
armed = False
for number in range(5):
    store.note("pickle.load", f"/data/{number}.pkl", 1, 1.0 + number, CallSite(), 0.0)
    assert store.flush()
armed = True
store.delete_before(3.5)
"""


@both
@pytest.mark.parametrize(
    ("stage", "left"),
    [
        ("after DELETE FROM loads", 5),
        ("after DELETE FROM links", 5),
        ("after UPDATE links", 5),
        ("before COMMIT", 5),
        ("after COMMIT", 2),
    ],
)
def test_killed_while_it_deletes(history, stage, left):
    child = in_child(OPEN + DIES + DELETES, *history.arguments, stage)
    child.communicate(timeout=120)
    assert child.returncode == -9
    found = history.open().verify()
    assert found.whole, found.breaks
    assert found.lines == left


ASKS = """
armed = True
record = HistoryRecord(store.next_id(), 2.0, LoadRequest("torch.load", "c", "/data/third.pt"), Outcome.WAITING)
store.ask(record, {})
"""


@both
def test_killed_while_it_asks(history):
    child = in_child(OPEN + DIES + ASKS, *history.arguments, "after INSERT INTO approvals")
    child.communicate(timeout=120)
    assert child.returncode == -9
    store = history.open()
    assert store.pending() == ()
    assert store.history() == ()
    assert store.ask(full_record(store), VIEW)
    assert store.verify().whole


MIGRATES = """
armed = True
store.sessions()
"""


@pytest.mark.parametrize(
    ("stage", "version"),
    [
        ("before BEGIN", 1),
        ("after ALTER TABLE loads", 1),
        ("after INSERT INTO loads", 1),
        ("before INSERT INTO links", 1),
        ("after DROP TABLE approvals_1", 1),
        ("before PRAGMA user_version=2", 1),
        ("before COMMIT", 1),
        ("after COMMIT", 2),
    ],
)
def test_killed_while_it_migrates(history, stage, version):
    path = history.home / "history.sqlite"
    path.touch(mode=0o600)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(VERSION_1)
        line = "1, '00000001', 's', 5.5, 'pickle.load', 'c', '/old', NULL, NULL, 3, 4, 'loaded', NULL, 9, 0.25, 1, ''"
        connection.execute(f"INSERT INTO loads VALUES ({line}, NULL, NULL, NULL)")
        connection.commit()
    child = in_child(OPEN + DIES + MIGRATES, *history.arguments, stage)
    child.communicate(timeout=120)
    assert child.returncode == -9
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (version,)
    store = history.open()
    assert [record.request.source for record in store.history()] == ["/old"]
    assert store.verify().whole
