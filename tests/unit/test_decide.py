"""`modelguard decide ID`: the conversation of another terminal."""

from __future__ import annotations

import contextlib
import io
import json
import sqlite3
import sys
from types import SimpleNamespace

import pytest
from rich.console import Console

from jupyter_modelguard.approval.decide import decide_pending
from jupyter_modelguard.approval.present import build_view, plain_view
from jupyter_modelguard.types import (
    Artifact,
    Assessment,
    GlobalUse,
    HistoryRecord,
    Judgement,
    LoadRequest,
    Outcome,
    QualifiedName,
    RiskLevel,
    ScanReport,
)


@pytest.fixture
def waiting(store):
    use = GlobalUse(QualifiedName("evil", "run"), 1, Judgement.UNKNOWN)
    report = ScanReport("bad.pkl", "pickle", "ab", 12, globals=(use,))
    request = LoadRequest("pickle.load", "pickle.load(f)", "/tmp/bad.pkl")
    artifact = Artifact("bad.pkl", "/tmp/bad.pkl", "pickle", "ab", 12)
    record = HistoryRecord(store.next_id(), 1.0, request, Outcome.WAITING, RiskLevel.RUNS_CODE, artifact, report)
    assert store.ask(record, plain_view(build_view(record, Assessment(RiskLevel.RUNS_CODE, report))))
    return record.id


def answering(*lines):
    left = list(lines)
    return lambda _question="": left.pop(0)


def console():
    return Console(file=io.StringIO())


def test_an_answer_reaches_the_waiting_kernel(store, waiting):
    assert decide_pending(store, waiting[:6], console(), answering("run", "2")) == 0
    decision = store.answer(waiting)
    assert (decision.allow, decision.transport, decision.reason) == (True, "database", "I know the publisher")


def test_enter_keeps_it_blocked(store, waiting):
    assert decide_pending(store, waiting, console(), answering("")) == 0
    assert not store.answer(waiting).allow


def test_being_second_is_said(store, waiting):
    from jupyter_modelguard.types import Decision

    def read(_question=""):
        store.settle(waiting, Decision(allow=False, by="ada", transport="card"))
        return ""

    said = console()
    assert decide_pending(store, waiting, said, read) == 1
    assert "Somebody else was first" in said.file.getvalue()


def test_a_card_that_was_shown_for_a_moment_is_not_what_is_allowed(store, waiting):
    """Somebody who can write to the file shows another card, and puts the first one back before the answer comes."""

    def card(view):
        with contextlib.closing(sqlite3.connect(store.path, isolation_level=None)) as connection:
            (earlier,) = connection.execute("SELECT view FROM approvals").fetchone()
            connection.execute("UPDATE approvals SET view = ?", (view,))
        return earlier

    first = card(json.dumps({**store.pending()[0].view, "title": "Holds numbers"}))
    lines = iter(["run", "1"])

    def read(_question=""):
        card(first)
        return next(lines)

    said = console()
    assert decide_pending(store, waiting, said, read) == 1
    assert "was changed while it was looked at. Nothing was decided" in " ".join(said.file.getvalue().split())
    assert store.answer(waiting) is None


def test_an_id_that_does_not_wait_is_said(store):
    said = console()
    assert decide_pending(store, "7f3a", said, answering("run")) == 2
    assert "No load #7f3a waits" in said.file.getvalue()


def test_a_script_cannot_decide(store, waiting, monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: False))
    assert decide_pending(store, waiting, console()) == 2
    assert store.answer(waiting) is None
