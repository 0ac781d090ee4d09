"""The history: what goes in comes out, whatever happens to the file and to the processes."""

from __future__ import annotations

import dataclasses
import os
import threading

import pytest

from jupyter_modelguard.errors import HistoryError
from jupyter_modelguard.types import (
    Decision,
    Outcome,
    RiskLevel,
)

from histories import OPEN, SITE, both, full_record, in_child  # isort: skip

pytestmark = both


def test_a_record_comes_back_as_it_was(store):
    record = full_record(store)
    store.record(record)
    found = store.find(record.id[:6])
    # a path that is no text is kept readable in the column that is searched, and exact in the report
    assert found == dataclasses.replace(record, request=dataclasses.replace(record.request, source="/data/ж \\udce4.pt"))


def test_a_later_record_with_the_same_id_replaces_the_earlier(store):
    record = full_record(store, outcome=Outcome.WAITING, decision=None)
    store.record(record)
    store.flush()
    store.record(dataclasses.replace(record, outcome=Outcome.ALLOWED))
    assert [found.outcome for found in store.history()] == [Outcome.ALLOWED]


def test_notes_and_tallies_are_lines_too(store):
    store.note("pickle.load", "/data/ж.pkl", 12, 5.0, SITE, 0.001)
    tally = store.tally("pickle.loads", SITE)
    for _ in range(1_000):
        tally.bump()
    counted, noted = store.history()
    assert (noted.request.source, noted.artifact.size, noted.request.site, noted.level) == (
        "/data/ж.pkl",
        12,
        SITE,
        RiskLevel.DATA_ONLY,
    )
    assert (counted.count, counted.request.loader) == (1_000, "pickle.loads")


def test_a_tally_counts_every_thread_and_is_one_line_a_cell(store):
    tally = store.tally("pickle.loads", SITE)
    assert store.tally("pickle.loads", dataclasses.replace(SITE, line=9)) is tally

    def load():
        for _ in range(10_000):
            tally.bump()

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        store.flush()
    store.flush()
    (line,) = store.history()
    assert line.count == 40_000


def test_lines_are_written_without_being_asked_for(store, history):
    store.note("pickle.load", "/data/x.pkl", 12, 5.0, SITE, 0.001)
    for _ in range(200):
        if history.read():
            return
        threading.Event().wait(0.05)
    pytest.fail("the writer did not write")


WRITES = """
for number in range(500):
    store.note("pickle.load", f"{sys.argv[3]}-{number}", 1, 1.0, CallSite(), 0.0)
    if number % 50 == 0:
        store.flush()  # one that finds the others at it for too long keeps its lines
store.close()
"""


def test_eight_processes_write_at_once(history):
    children = [in_child(OPEN + WRITES, *history.arguments, number) for number in range(8)]
    for child in children:
        child.communicate(timeout=120)
    assert [child.returncode for child in children] == [0] * 8
    assert len({record.request.source for record in history.read()}) == 4_000


@pytest.mark.parametrize("wrong", ["", "xyz", "7f3a%", "' or 1=1 --", "123456789"])
def test_what_is_no_id_is_refused(store, wrong):
    store.record(full_record(store))
    with pytest.raises(HistoryError, match="up to eight digits"):
        store.find(wrong)
    with pytest.raises(HistoryError, match="up to eight digits"):
        store.decide(wrong, Decision(allow=True, by="x", transport="database"))


def test_an_ambiguous_id_is_refused(store):
    store.record(full_record(store, id="abc00001"))
    store.record(full_record(store, id="abc00002"))
    with pytest.raises(HistoryError, match="2 loads begin with #abc"):
        store.find("abc")
    assert store.find("#ABC00002").id == "abc00002"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_writes_its_own_lines_over_its_own_connection(store):
    store.note("pickle.load", "/data/flushed", 1, 1.0, SITE, 0.0)
    store.flush()
    store.note("pickle.load", "/data/parent", 1, 1.0, SITE, 0.0)
    session = store.session
    child = os.fork()
    if child == 0:
        done = 1
        try:
            store.note("pickle.load", "/data/child", 1, 1.0, SITE, 0.0)
            done = 0 if store.flush() and store.session != session else 2
        finally:
            os._exit(done)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    store.flush()
    assert sorted(record.request.source for record in store.history()) == ["/data/child", "/data/flushed", "/data/parent"]


def test_ids_of_a_session_do_not_repeat(store):
    assert len({store.next_id() for _ in range(100_000)}) == 100_000


def test_what_is_buffered_at_exit_is_written(history):
    program = OPEN + 'store.note("pickle.load", "/data/last", 1, 1.0, CallSite(), 0.0)'
    in_child(program, *history.arguments).communicate(timeout=60)
    assert [record.request.source for record in history.read()] == ["/data/last"]


def test_text_that_a_database_cannot_hold_is_spelled_out(store):
    site = dataclasses.replace(SITE, notebook="a\0b.ipynb")
    store.note("pickle.load", "/data/\0\udce4.pkl", 1, 1.0, site, 0.0)
    decision = Decision(allow=True, by="a\0da", transport="card", reason="\ud800")
    record = full_record(store, error="no\0pe", decision=decision)
    store.record(record)
    assert store.flush()
    assert {found.request.source for found in store.history()} == {"/data/\\x00\\udce4.pkl", "/data/ж \\udce4.pt"}
    found = store.find(record.id)
    assert (found.error, found.decision.by, found.decision.reason) == ("no\\x00pe", "a\\x00da", "\\ud800")
    assert store.statistics().loads == 2


def test_what_was_written_without_word_of_it_is_written_once(store):
    """A connection may end between the commit and the word that it is done; the writer then tries again."""
    store.note("pickle.load", "/data/x.pkl", 12, 5.0, SITE, 0.001)
    store._writer._gather()
    kept = list(store._writer._kept)
    assert store.flush()
    store._writer._kept.extend(kept)
    assert store.flush()
    assert [record.request.source for record in store.history()] == ["/data/x.pkl"]
