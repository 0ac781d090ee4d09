"""Whoever writes behind the store's back, and would have `modelguard history --verify` say that nothing happened."""

import json
import time

import pytest

from jupyter_modelguard.cli import main
from jupyter_modelguard.history.lines import raw_lines, stream
from jupyter_modelguard.history.links import append, digest_of_values, link_of
from jupyter_modelguard.history.search import Search, rows
from jupyter_modelguard.history.tables import loads
from jupyter_modelguard.types import Outcome

from histories import full_record  # isort: skip

HARMLESS = "outcome = 'loaded', level = 'data_only', report = NULL, decision = NULL"


def several(store):
    made = [full_record(store) for _ in range(3)]
    for record in made:
        store.record(record)
        store.flush()
    return made


def test_a_second_name_that_the_list_shows_first_is_told(store, behind):
    """SQLite takes the first of two names in JSON, Python the last: the list would show what the chain did not look at."""
    record = several(store)[1]
    behind('UPDATE loads SET artifact = \'{"name": "harmless.txt", \' || substr(artifact, 2) WHERE id = ?', record.id)
    with store.reading() as connection:
        assert "harmless.txt" in [row.name for row in rows(connection, Search(), 10)], "the attack does not work"
    (broken,) = store.verify().breaks
    assert broken.what == f"line #{record.id} was changed afterwards"


def test_nesting_without_end_is_told_and_ends_nothing(store, behind):
    record = several(store)[1]
    behind("UPDATE loads SET report = ? WHERE id = ?", "[" * 100_000, record.id)
    assert [one.what for one in store.verify().breaks] == [f"line #{record.id} was changed afterwards"]


@pytest.mark.parametrize("change", ["number = 'x'", "at = 'y'", "at = 1e300", "link = x'ff00'", "entries = x'ff'", "session = 5"])
def test_links_of_nonsense_are_told_and_end_nothing(store, behind, change, monkeypatch, capsys, history):
    several(store)
    behind(f"UPDATE links SET {change} WHERE number = 2")
    monkeypatch.setattr("jupyter_modelguard.config.home", lambda: history.home)
    assert main(["history", "--verify"]) == 1
    assert capsys.readouterr().out.startswith("NOT  ")


def test_a_chain_written_anew_from_its_own_head_does_not_hold(store, behind):
    """The kept head is put where links were cut off; everything is then written anew behind it, in the chain's own form."""
    several(store)
    head = store.verify().head
    assert store.verify(head).holds
    ((number, _),) = behind("SELECT number, link FROM links ORDER BY number DESC LIMIT 1")
    behind(f"UPDATE loads SET {HARMLESS}")
    with store.reading() as connection:
        written = {line["id"]: digest_of_values(line) for line in stream(connection)}
    behind("DELETE FROM links WHERE number < ?", number)
    behind("UPDATE links SET entries = '', session = '' WHERE number = ?", number)
    entries = json.dumps({"written": written, "cut": [number, head]}, separators=(",", ":"))
    row = ("", number + 1, time.time(), store.session, entries)
    behind("INSERT INTO links (owner, number, at, session, entries, link) VALUES (?, ?, ?, ?, ?, ?)", *row, link_of(head, *row))
    found = store.verify(head)
    assert found.breaks == (), "only the head can show it"
    assert (found.holds, found.whole) == (False, False)


def test_a_head_from_before_a_deletion_of_everything_says_so(store):
    several(store)
    head = store.verify().head
    assert store.delete_before(time.time() + 1) == 3
    assert store.verify().whole
    assert store.verify(head).holds is False


def appended(store, entries):
    with store._database.writing() as connection:
        append(connection, store.session, entries(connection))


def test_lines_written_again_or_deleted_since_a_head_are_counted(store, behind, monkeypatch, capsys, history):
    first, second, third = several(store)
    head = store.verify().head
    behind(f"UPDATE loads SET {HARMLESS} WHERE id = ?", first.id)
    behind("DELETE FROM loads WHERE id = ?", second.id)

    def again(connection):
        ((_, line),) = raw_lines(connection, loads.c.id == first.id)
        return {"written": {first.id: digest_of_values(line)}}

    appended(store, again)
    appended(store, lambda _: {"deleted": {store.session: [second.id]}, "number": 1})
    store.record(full_record(store, outcome=Outcome.FAILED))
    found = store.verify(head)
    assert (found.holds, found.rewritten, found.gone, found.deleted) == (True, 1, 1, 1)
    assert third.id not in str(found.breaks)
    monkeypatch.setattr("jupyter_modelguard.config.home", lambda: history.home)
    assert main(["history", "--verify", "--head", head]) == 0
    assert "since the head that was given, of what was there: 1 line written again, 1 deleted" in capsys.readouterr().out


def test_a_deletion_that_keeps_its_number_to_itself_is_told(store, behind):
    record = several(store)[0]
    behind("DELETE FROM loads WHERE id = ?", record.id)
    appended(store, lambda _: {"deleted": {store.session: [record.id]}, "number": 0})
    found = store.verify()
    assert found.deleted == 1
    assert [one.what for one in found.breaks] == ["this link, or the one before it, was altered"]
