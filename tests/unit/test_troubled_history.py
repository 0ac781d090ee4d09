"""A history whose file is damaged, locked, full or of a later version costs a warning, and no line of it."""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
import threading

import pytest

from jupyter_modelguard.history import sqlite
from jupyter_modelguard.history.store import Store

from histories import SITE, VIEW, full_record, in_child, read  # isort: skip


def test_building_a_store_touches_no_file_and_imports_no_sqlalchemy(tmp_path):
    program = (
        "import sys, pathlib; from jupyter_modelguard.history.store import Store; Store(pathlib.Path(sys.argv[1])); "
        "print('sqlalchemy' in sys.modules)"
    )
    output, _ = in_child(program, tmp_path).communicate(timeout=60)
    assert output.strip() == "False"
    assert not list(tmp_path.iterdir())


def test_the_file_is_closed_to_others(store):
    store.note("pickle.load", "x", 1, 1.0, SITE, 0.0)
    store.flush()
    for file in store.path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_damaged_file_is_kept_aside_and_a_fresh_one_begun(tmp_path, caplog):
    (tmp_path / "history.sqlite").write_bytes(b"this is no database, whatever it says" * 100)
    store = Store(tmp_path)
    record = full_record(store)
    with caplog.at_level(logging.WARNING):
        store.record(record)
        assert store.find(record.id).id == record.id
    assert [message for message in caplog.messages if "damaged" in message]
    (aside,) = tmp_path.glob("history.damaged-*.sqlite")
    assert aside.read_bytes().startswith(b"this is no database")
    store.close()


def test_a_file_damaged_while_in_use_is_replaced(tmp_path, caplog):
    store = Store(tmp_path)
    for number in range(2_000):
        store.note("pickle.load", f"/data/{number}.pkl", 1, 1.0, SITE, 0.0)
    store.flush()
    store._database.close()
    content = bytearray(store.path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    store.path.write_bytes(content)
    record = full_record(store)
    store.record(record)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            store.flush()
    assert store.find(record.id).id == record.id
    assert list(tmp_path.glob("history.damaged-*.sqlite"))
    store.close()


def test_a_locked_database_delays_nothing_for_long_and_loses_nothing(tmp_path, caplog):
    store = Store(tmp_path)
    store.note("pickle.load", "/data/first.pkl", 1, 1.0, SITE, 0.0)
    assert store.flush()
    lock = sqlite3.connect(store.path, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    record = full_record(store)
    with caplog.at_level(logging.WARNING):
        assert not store.ask(record, VIEW), "nobody can answer in a database that cannot be written"
        assert not store.usable
        store.record(record)
        assert not store.flush()
    assert len([message for message in caplog.messages if "stay in memory" in message]) == 1
    assert [found.id for found in store.history() if found.id == record.id] == [record.id]
    assert store.find(record.id) == record
    lock.execute("ROLLBACK")
    lock.close()
    store._database._rests_until = 0.0
    assert store.flush()
    assert {found.request.loader for found in read(tmp_path)} == {"pickle.load", "torch.load"}
    store.close()


def test_what_others_hold_up_is_tried_again_at_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite, "_PATIENCE", 0.05)
    store = Store(tmp_path)
    store.note("pickle.load", "/data/first.pkl", 1, 1.0, SITE, 0.0)
    assert store.flush()
    lock = sqlite3.connect(store.path, isolation_level=None, check_same_thread=False)
    lock.execute("BEGIN EXCLUSIVE")
    store.note("pickle.load", "/data/last.pkl", 1, 1.0, SITE, 0.0)
    assert not store.flush()
    end = threading.Timer(1.0, lock.close)  # many times as long as one try waits
    end.start()
    store.close()
    end.join()
    assert {found.request.source for found in read(tmp_path)} == {"/data/first.pkl", "/data/last.pkl"}


def test_a_folder_that_cannot_be_written_keeps_the_history_in_memory(tmp_path):
    store = Store(tmp_path / "missing")
    record = full_record(store)
    store.record(record)
    assert not store.ask(record, VIEW)
    assert store.history() == (record,)
    assert store.settle(record.id, record.decision) == record.decision
    assert store.answer(record.id) is None
    store.close()


def test_a_full_disk_keeps_the_history_in_memory(tmp_path):
    from sqlalchemy import event

    store = Store(tmp_path)
    store.flush()
    engine = store._database._open()
    engine.dispose()

    @event.listens_for(engine, "connect")
    def limit(connection, _record):
        connection.execute("PRAGMA max_page_count=12")

    for number in range(5_000):
        store.note("pickle.load", f"/data/{number}", 1, 1.0, SITE, 0.0)
    assert not store.flush()
    assert len(store.history(10_000)) == 5_000
    store.close()


def test_a_history_of_a_later_version_is_left_alone(tmp_path):
    connection = sqlite3.connect(tmp_path / "history.sqlite")
    connection.execute("PRAGMA user_version=99")
    connection.close()
    store = Store(tmp_path)
    record = full_record(store)
    store.record(record)
    assert not store.flush()
    assert store.find(record.id) == record
    store.close()
    assert not list(tmp_path.glob("*.damaged*"))


LOCKS = """
import fcntl, os, sys
file = os.open(sys.argv[1], os.O_RDWR)
try:
    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 510, 0x40000002)  # what SQLite locks before it does away with the log
except OSError:
    print("in use")
"""


def test_a_second_history_of_a_process_leaves_the_locks_of_the_first(tmp_path):
    """A process that closes a file gives up all its locks on it, and SQLite's of another connection are among them."""
    pytest.importorskip("fcntl", reason="the locks of this platform belong to who opened the file")
    first, second = Store(tmp_path), Store(tmp_path)
    assert first.ask(full_record(first), VIEW)
    second.history()
    second.close()
    output, _ = in_child(LOCKS, first.path).communicate(timeout=60)
    first.close()
    assert output == "in use\n"
