"""Loads that wait for a decision: who is first counts, and what nobody waits for any more is given up."""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import sqlite3

from jupyter_modelguard.types import (
    Decision,
    Outcome,
    QualifiedName,
)

from histories import OPEN, VIEW, both, full_record, in_child  # isort: skip

pytestmark = both


def test_the_first_decision_counts_and_only_that(store, history):
    record = full_record(store, outcome=Outcome.WAITING, decision=None)
    assert store.ask(record, VIEW)
    assert store.answer(record.id) is None
    (waiting,) = store.pending()
    assert (waiting.id, waiting.view) == (record.id, VIEW)
    bob = Decision(allow=True, by="bob", transport="database", reason="I read the code", at=2.0)
    other = history.open()
    assert other.decide(f"#{record.id[:5]}", bob)
    assert not other.decide(record.id, Decision(allow=False, by="eve", transport="database"))
    assert store.answer(record.id) == bob
    assert store.settle(record.id, Decision(allow=False, by="ada", transport="card")) == bob
    assert store.pending() == ()


def test_a_decision_brought_by_the_waiting_kernel_closes_the_row(store):
    record = full_record(store, outcome=Outcome.WAITING)
    store.ask(record, VIEW)
    ada = Decision(allow=True, by="ada", transport="card", at=2.0)
    assert store.settle(record.id, ada) == ada
    assert not store.decide(record.id, Decision(allow=False, by="eve", transport="database"))
    assert store.claim(record) is None, "it was used by the load that waited"


def test_an_approval_after_the_load_failed_passes_the_same_artifact_once(store):
    record = full_record(store)
    store.ask(record, VIEW)
    store.stop_waiting(record.id)
    store.decide(record.id, Decision(allow=True, by="bob", transport="database"))
    again = dataclasses.replace(record, id=store.next_id())
    other_digest = dataclasses.replace(again, artifact=dataclasses.replace(record.artifact, digest="ef" * 32))
    more = dataclasses.replace(record.report.globals[0], name=QualifiedName("os", "remove"))
    other_globals = dataclasses.replace(again, report=dataclasses.replace(record.report, globals=(*record.report.globals, more)))
    assert store.claim(other_digest) is None
    assert store.claim(other_globals) is None
    assert store.claim(again).by == "bob"
    assert store.claim(again) is None


WAITER = (
    OPEN
    + """
record = HistoryRecord(store.next_id(), time.time(), LoadRequest("pickle.load", "pickle.load(f)", "/x"), Outcome.WAITING)
assert store.ask(record, {"id": record.id})
print(record.id, flush=True)
while store.answer(record.id) is None:
    time.sleep(0.02)
print(store.answer(record.id), flush=True)
"""
)


def test_a_waiting_process_killed_outright_leaves_a_sound_history(history):
    child = in_child(WAITER, *history.arguments)
    identity = child.stdout.readline().strip()
    store = history.open()
    assert [waiting.id for waiting in store.pending()] == [identity]
    child.send_signal(signal.SIGKILL)
    child.wait(timeout=60)
    child.stdout.close()
    assert not store.decide(identity, Decision(allow=True, by="bob", transport="database"))
    assert store.pending() == ()
    assert store.find(identity).outcome is Outcome.ABANDONED
    if history.url is None:
        with contextlib.closing(sqlite3.connect(store.path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_closing_the_session_abandons_what_waits(history):
    first, second = history.open(), history.open()
    record = full_record(first, outcome=Outcome.WAITING)
    first.ask(record, VIEW)
    first.close()
    assert second.pending() == ()
    assert second.find(record.id).outcome is Outcome.ABANDONED
