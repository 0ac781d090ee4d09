"""A history that an earlier modelguard wrote: its lines come along, whoever opens it and whenever that is cut short."""

from __future__ import annotations

import contextlib
import sqlite3
import stat

import pytest

from jupyter_modelguard.history import migrations, sqlite
from jupyter_modelguard.history.store import Store
from jupyter_modelguard.history.tables import SCHEMA_VERSION
from jupyter_modelguard.types import Outcome

from histories import SITE, VERSION_1, full_record, in_child, read  # isort: skip


@pytest.fixture
def old(tmp_path):
    """A history of version 1 with three lines, as that version wrote them."""
    path = tmp_path / "history.sqlite"
    path.touch(mode=0o600)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(VERSION_1)
        line = "INSERT INTO loads VALUES (?, ?, ?, 5.5, 'pickle.load', 'c', ?, NULL, NULL, 3, 4, 'allowed', NULL, 9, 0.25, 1, '', ?, ?, ?)"
        connection.execute(line, (1, "00000001", "a" * 16, "/ж.pkl", None, None, None))
        connection.execute(
            line, (2, "00000002", "b" * 16, "/two", None, None, '{"by": "ada", "allow": true, "transport": "card"}')
        )
        connection.execute(line, (7, "00000003", "a" * 16, "/three", None, "this is no JSON", None))
        question = "INSERT INTO approvals VALUES (1, '00000002', ?, 'h', 1, 'm', 1.0, 1, 'f', '{}', 'allowed', 1, NULL)"
        connection.execute(question, ("b" * 16,))
        connection.commit()
    return path


def tables(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        found = {}
        for name, kind in connection.execute("SELECT name, type FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").fetchall():
            pragma = "table_xinfo" if kind == "table" else "index_xinfo"
            found[name] = [row[1:4] + row[5:6] for row in connection.execute(f"PRAGMA {pragma}({name})")]
        unique = connection.execute("PRAGMA index_list(loads)").fetchall()
        return found, sorted(row[2:] for row in unique), connection.execute("PRAGMA user_version").fetchone()[0]


def opened(folder):
    """Open a history, as whoever is first after an update does."""
    with contextlib.closing(Store(folder)) as store:
        store.sessions()


def test_lines_of_an_earlier_version_come_along(old):
    store = Store(old.parent)
    first, second = store.find("00000001"), store.find("00000002")
    assert (first.request.source, first.outcome, first.artifact.size) == ("/ж.pkl", Outcome.ALLOWED, 9)
    assert second.decision.by == "ada"
    store.record(full_record(store))
    assert store.flush()
    store.close()


def test_a_migrated_file_is_like_one_made_today(old, tmp_path):
    opened(old.parent)
    (tmp_path / "fresh").mkdir()
    opened(tmp_path / "fresh")
    assert tables(old) == tables(tmp_path / "fresh" / "history.sqlite")


def test_the_file_as_it_was_is_kept_beside_it(old):
    (old.parent / "history.before-1.sqlite").touch()
    opened(old.parent)
    (backup,) = old.parent.glob("*before*")
    assert backup.name == f"history.before-{SCHEMA_VERSION}.sqlite"
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    with contextlib.closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM loads").fetchone() == (3,)


def test_deleting_takes_the_copy_too(old):
    store = Store(old.parent)
    assert store.delete([("b" * 16, "00000002")]) == 1
    assert not list(old.parent.glob("*before*"))
    store.close()


def test_a_fresh_history_leaves_no_copy(tmp_path):
    opened(tmp_path)
    assert not list(tmp_path.glob("*before*"))


def test_a_step_that_fails_changes_nothing(old, monkeypatch):
    def fails(connection):
        connection.exec_driver_sql("DROP TABLE loads")
        raise OSError("the disk is gone")

    monkeypatch.setitem(migrations.STEPS, 2, fails)
    store = Store(old.parent)
    assert not store.abandon("nobody")
    assert not store.usable
    store.close()
    monkeypatch.undo()
    with contextlib.closing(Store(old.parent)) as again:
        assert {record.id for record in map(again.find, ("00000001", "00000002"))} == {"00000001", "00000002"}


def test_no_copy_no_step(old, monkeypatch):
    def full(*_):
        raise OSError("no space left")

    store = Store(old.parent)
    monkeypatch.setattr(store._database.backend, "back_up", full)
    assert store.history() == ()
    assert tables(old)[2] == 1
    store.note("pickle.load", "/x", 1, 1.0, SITE, 0.0)
    assert [record.request.source for record in store.history()] == ["/x"], "what is new is kept in memory"
    store.close()


OPENS = """
import sys, pathlib
from jupyter_modelguard.history.store import Store
from jupyter_modelguard.types import CallSite
store = Store(pathlib.Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
store.note("pickle.load", sys.argv[2], 1, 1.0, CallSite(), 0.0)
assert store.flush()
store.close()
"""


def test_kernels_that_open_it_at_once_migrate_once(old):
    import subprocess

    with contextlib.closing(sqlite3.connect(old)) as connection:  # the one line that today's codec does not read
        connection.execute("DELETE FROM loads WHERE number = 7")
        connection.commit()
    children = [in_child(OPENS, old.parent, number, stdin=subprocess.PIPE) for number in range(4)]
    for child in children:
        assert child.stdout.readline() == "ready\n"
    for child in children:
        child.stdin.write("\n")
        child.stdin.flush()
    for child in children:
        child.communicate(timeout=60)
    assert [child.returncode for child in children] == [0] * 4
    assert {record.request.source for record in read(old.parent)} == {"0", "1", "2", "3", "/two", "/ж.pkl"}
    assert len(list(old.parent.glob("*before*"))) == 1


def test_lines_of_an_earlier_version_are_linked_as_they_are(old):
    store = Store(old.parent)
    found = store.verify()
    assert found.whole, found.breaks
    assert (found.lines, found.links) == (3, 2)
    store.close()


@pytest.mark.parametrize(("journal", "mode"), [(None, "wal"), ("wal", "wal"), ("delete", "delete")])
def test_how_a_file_is_journaled_is_kept_in_it(tmp_path, journal, mode):
    store = Store(tmp_path, journal=journal)
    store.sessions()
    store.close()
    with contextlib.closing(sqlite3.connect(store.path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == (mode,)
    again = Store(tmp_path)
    again.record(full_record(again))
    assert again.flush()
    again.close()
    with contextlib.closing(sqlite3.connect(store.path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == (mode,), "nobody said otherwise"


def test_a_folder_of_a_network_is_known_by_its_mount(tmp_path, monkeypatch):
    mounts = (
        "1 0 0:1 / / rw - ext4 a rw",
        f"2 1 0:2 / {tmp_path} rw shared:1 - nfs4 h:/home rw",
        f"3 2 0:3 / {tmp_path}/own rw - ext4 b rw",
    )
    text = "".join(f"{line}\n" for line in mounts)
    monkeypatch.setattr(sqlite.Path, "read_text", lambda *_, **__: text)
    assert sqlite.on_network(tmp_path / "history.sqlite")
    assert not sqlite.on_network(tmp_path / "own" / "history.sqlite")
    assert not sqlite.on_network(tmp_path.parent / "history.sqlite")
