"""The chain shows what somebody did to the history behind its back, and keeps quiet about what it did itself."""

from __future__ import annotations

import dataclasses
import time

import pytest

from jupyter_modelguard.cli import main
from jupyter_modelguard.types import Outcome

from histories import SITE, VIEW, both, full_record  # isort: skip


@pytest.fixture
def written(store):
    """Notes, a count, a record that was replaced, one that was given up: every way to write a line."""
    for number in range(200):
        store.note("pickle.load", f"/data/ж{number}.pkl", number - 1, time.time(), SITE, 1 / (number + 3))
    tally = store.tally("pickle.loads", SITE)
    tally.bump()
    store.flush()
    tally.bump()
    record = full_record(store, outcome=Outcome.WAITING, decision=None)
    store.record(record)
    store.flush()
    store.record(dataclasses.replace(record, outcome=Outcome.ALLOWED))
    store.ask(full_record(store, id="abc00001", outcome=Outcome.WAITING), VIEW)
    store.abandon(store.session)
    store.flush()
    return store


def said(verification):
    return [found.what for found in verification.breaks]


@both
def test_what_was_written_is_whole(written):
    found = written.verify()
    assert found.whole, found.breaks
    assert (found.lines, found.deleted, found.holds) == (203, 0, None)
    assert found.links >= 5
    assert len(found.head) == 64


@both
def test_an_empty_history_is_whole(store):
    assert store.verify().whole


@pytest.mark.parametrize(
    "change",
    [
        "source = '/else'",
        "size = size + 1",
        "seconds = seconds + 0.1",
        "notebook = NULL",
        "outcome = 'trusted'",
        "count = 7",
        "decision = '{\"allow\": true}'",
        "report = '[]'",
    ],
)
def test_a_changed_line_is_told(written, behind, change):
    behind(f"UPDATE loads SET {change} WHERE id = (SELECT id FROM loads WHERE source LIKE '/data/ж7.pkl')")
    found = written.verify()
    (what,) = said(found)
    assert what.endswith("was changed afterwards")
    assert found.breaks[0].link >= 1
    assert found.breaks[0].at > 0


@both
def test_a_line_taken_away_is_told(written, behind):
    behind("DELETE FROM loads WHERE id = 'abc00001'")
    assert said(written.verify()) == ["line #abc00001 is missing"]


@both
def test_a_line_put_in_is_told(written, behind):
    columns = "owner, session, at, loader, call, source, outcome, size, seconds, count, error"
    behind(f"INSERT INTO loads (id, {columns}) SELECT 'abc00002', {columns} FROM loads WHERE id = 'abc00001'")
    (what,) = said(written.verify())
    assert what.startswith("line #abc00002 of ")
    assert "no link" in what


@both
def test_an_altered_link_is_told(written, behind):
    behind("UPDATE links SET at = at - 1 WHERE number = 2")
    assert said(written.verify()) == ["this link, or the one before it, was altered"]


@both
def test_a_line_changed_with_its_link_is_told(written, behind):
    """Whoever makes the digest fit breaks the link; whoever makes that fit breaks the next one."""
    behind("UPDATE links SET link = 'ab' WHERE number = 2")
    assert [found.link for found in written.verify().breaks] == [2, 3]


@both
def test_a_link_taken_away_is_told(written, behind):
    behind("DELETE FROM links WHERE number = 2")
    assert "link 2 is missing" in said(written.verify())


@both
def test_a_beginning_taken_away_is_told(written, behind):
    behind("DELETE FROM loads")
    behind("DELETE FROM links WHERE number < 3")
    behind("UPDATE links SET entries = '' WHERE number = 3")
    assert any("cut off" in what for what in said(written.verify()))


@both
@pytest.mark.parametrize("entries", ["{", "[]", '{"written": 3}', '{"deleted": {"a": 5}}'])
def test_a_link_of_nonsense_is_told(written, behind, entries):
    behind(f"UPDATE links SET entries = '{entries}' WHERE number = 2")
    assert "this link, or the one before it, was altered" in said(written.verify())


@both
def test_only_a_head_that_was_kept_shows_that_the_end_was_taken_away(written, behind):
    written.record(full_record(written, id="abc00003"))
    head = written.verify().head
    assert written.verify(head).holds is True
    behind("DELETE FROM loads WHERE id = 'abc00003'")
    behind("DELETE FROM links WHERE number = (SELECT max(number) FROM links)")
    assert said(written.verify()) == []
    found = written.verify(f" {head.upper()}\n")
    assert (found.holds, found.whole) == (False, False)


@both
def test_what_is_deleted_through_the_store_is_no_break(written):
    head = written.verify().head
    assert written.delete([(written.session, "abc00001")]) == 1
    found = written.verify(head)
    assert found.whole, found.breaks
    assert (found.deleted, found.lines) == (1, 202)


@both
def test_links_go_with_their_lines(written):
    links = written.verify().links
    assert written.delete_before(time.time() + 1) == 203
    found = written.verify()
    assert found.whole, found.breaks
    assert (found.lines, found.links, found.deleted) == (0, 2, 203)
    assert links > 2
    written.note("pickle.load", "/data/later.pkl", 1, 1.0, SITE, 0.0)
    assert written.verify().whole
    assert written.delete_before(time.time() + 1) == 1
    assert written.verify().whole


@both
def test_a_line_put_back_after_its_deletion_is_told(written, behind):
    behind("CREATE TABLE kept AS SELECT * FROM loads WHERE id = 'abc00001'")
    written.delete([(written.session, "abc00001")])
    behind("INSERT INTO loads SELECT * FROM kept")
    assert "deleted before" in said(written.verify())[0]


@both
def test_several_kernels_write_one_chain(history):
    stores = [history.open() for _ in range(3)]
    for number in range(30):
        stores[number % 3].record(full_record(stores[number % 3]))
        stores[number % 3].flush()
    found = stores[0].verify()
    assert found.whole, found.breaks
    assert found.lines == 30


def verified(capsys, *arguments):
    status = main(["history", "--verify", *arguments])
    return status, capsys.readouterr().out


@pytest.fixture
def said_of(history, monkeypatch, capsys):
    monkeypatch.setattr("jupyter_modelguard.config.home", lambda: history.home)
    return lambda *arguments: verified(capsys, *arguments)


@pytest.mark.parametrize("history", ["sqlite"], indirect=True)
def test_command_says_whether_and_where(written, behind, said_of):
    status, whole = said_of()
    assert (status, whole.splitlines()[0]) == (0, f"ok   203 lines and {written.verify().links} links")
    head = whole.split()[-1]
    assert said_of("--head", head)[0] == 0
    status, without = said_of("--head", "ab" * 32)
    assert status == 1
    assert "not in the chain" in without
    behind("DELETE FROM loads WHERE id = 'abc00001'")
    status, broken = said_of()
    assert status == 1
    assert "line #abc00001 is missing" in broken
    assert broken.startswith("NOT  link ")
    assert said_of("--limit", "3")[0] == 2
