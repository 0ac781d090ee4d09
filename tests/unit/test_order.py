"""Which way to ask applies, with a shell and a kernel handed in."""

from __future__ import annotations

import builtins
import sys
import time
from types import SimpleNamespace

import pytest
from IPython.core.error import StdinNotImplementedError

from jupyter_modelguard.approval import asking
from jupyter_modelguard.approval.order import Approver
from jupyter_modelguard.approval.present import build_view
from jupyter_modelguard.approval.slot import OutputSlot
from jupyter_modelguard.config import ModelGuardConfig
from jupyter_modelguard.history.store import Store
from jupyter_modelguard.types import (
    Artifact,
    Assessment,
    Decision,
    GlobalUse,
    HistoryRecord,
    Judgement,
    LoadRequest,
    Outcome,
    QualifiedName,
    RiskLevel,
    ScanReport,
)


class Kernel:
    """As much of an ipykernel as the order of transports looks at."""

    def __init__(self, allow_stdin=True, message="execute_request"):
        self.parent = {"header": {"msg_type": message, "msg_id": "1"}, "content": {"allow_stdin": allow_stdin}}
        self._allow_stdin = allow_stdin

    def get_parent(self):
        return self.parent


@pytest.fixture(autouse=True)
def outputs(monkeypatch):
    shown = []
    monkeypatch.setattr(OutputSlot, "show", lambda _slot, bundle: shown.append(bundle))
    monkeypatch.delenv("MODELGUARD_HEADLESS", raising=False)
    return shown


def load(store, level=RiskLevel.RUNS_CODE, digest="ab" * 32):
    use = GlobalUse(
        QualifiedName("posix", "system"), 1, Judgement.DANGEROUS if level is RiskLevel.DANGEROUS else Judgement.UNKNOWN
    )
    report = ScanReport("bad.pkl", "pickle", digest, 12, globals=(use,))
    artifact = Artifact("bad.pkl", "/tmp/bad.pkl", "pickle", digest, 12)
    record = HistoryRecord(
        store.next_id(),
        time.time(),
        LoadRequest("pickle.load", "pickle.load(f)", "/tmp/bad.pkl"),
        Outcome.BLOCKED,
        level,
        artifact,
        report,
    )
    return record, build_view(record, Assessment(level, report))


def approver(store, kernel=None, **settings):
    return Approver(store, ModelGuardConfig(**settings), SimpleNamespace(kernel=kernel))


def typing(monkeypatch, *lines):
    left = list(lines)
    asked = []

    def read(question=""):
        asked.append(question)
        line = left.pop(0)
        if isinstance(line, BaseException):
            raise line
        return line

    monkeypatch.setattr(builtins, "input", read)
    return asked


def no_card(monkeypatch):
    monkeypatch.setattr(asking.CardTransport, "ask", lambda *_: None)


def test_no_shell_means_no(store, monkeypatch):
    monkeypatch.setattr(Approver, "_find_shell", lambda _self: None)
    decision = Approver(store).ask(*load(store))
    assert (decision.allow, decision.transport) == (False, "headless")
    assert store.pending() == ()


@pytest.mark.parametrize("message", ["execute_request", "comm_msg"])
def test_a_front_end_without_input_means_no(store, outputs, message):
    decision = approver(store, Kernel(allow_stdin=False, message=message)).ask(*load(store))
    assert (decision.allow, decision.transport) == (False, "headless")
    assert "kept blocked, nobody could be asked" in outputs[0]["text/plain"]


@pytest.mark.parametrize("mode", ["deny", "lock"])
def test_the_environment_can_silence_every_question(store, monkeypatch, mode):
    monkeypatch.setenv("MODELGUARD_HEADLESS", mode)
    decision = approver(store, Kernel()).ask(*load(store))
    assert (decision.allow, decision.transport, decision.reason) == (False, "headless", f"MODELGUARD_HEADLESS is {mode}")


def test_a_wrong_word_in_the_environment_silences_every_question_and_is_named(store, monkeypatch):
    monkeypatch.setenv("MODELGUARD_HEADLESS", "maybe")
    decision = approver(store, Kernel()).ask(*load(store))
    assert (decision.allow, decision.transport) == (False, "headless")
    assert decision.reason == "MODELGUARD_HEADLESS must be deny or lock, not 'maybe'"


def test_another_process_means_no(store):
    made = approver(store, Kernel())
    made._pid -= 1
    assert made.ask(*load(store)).reason == "this is a child process"


def test_a_terminal_is_asked_only_when_it_is_one(store, monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: False))
    assert approver(store).ask(*load(store)).transport == "headless"
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    typing(monkeypatch, "run", "1")
    decision = approver(store).ask(*load(store))
    assert (decision.allow, decision.transport, decision.reason) == (True, "prompt", "I made this file")


def test_a_forbidden_load_is_not_asked_about(store, monkeypatch):
    asked = typing(monkeypatch)
    decision = approver(store, Kernel()).ask(*load(store, RiskLevel.FORBIDDEN))
    assert (decision.allow, decision.transport) == (False, "policy")
    assert asked == []


def test_without_a_card_the_prompt_asks(store, monkeypatch):
    no_card(monkeypatch)
    asked = typing(monkeypatch, "show", "run", "9", "4")
    decision = approver(store, Kernel()).ask(*load(store))
    assert (decision.allow, decision.reason) == (True, "I accept the risk")
    assert asked[0].startswith("Run 1 unknown function once?")


@pytest.mark.parametrize("lines", [[""], ["yes"], ["run", ""], ["run", "0", "5", "x"], [EOFError()]])
def test_everything_but_the_whole_conversation_keeps_it_blocked(store, monkeypatch, lines):
    no_card(monkeypatch)
    typing(monkeypatch, *lines)
    assert not approver(store, Kernel()).ask(*load(store)).allow


def test_a_dangerous_load_wants_its_finding_typed(store, monkeypatch):
    no_card(monkeypatch)
    asked = typing(monkeypatch, "run", "1", "os.sytem")
    assert not approver(store, Kernel()).ask(*load(store, RiskLevel.DANGEROUS)).allow
    assert "Type os.system" in asked[-1]
    typing(monkeypatch, "run", "1", "OS.system ")
    assert approver(store, Kernel()).ask(*load(store, RiskLevel.DANGEROUS)).allow


def test_a_fault_in_the_card_leads_to_the_prompt(store, monkeypatch, caplog):
    def broken(*_):
        raise RuntimeError("no widgets today")

    monkeypatch.setattr(asking.CardTransport, "ask", broken)
    typing(monkeypatch, "run", "2")
    assert approver(store, Kernel()).ask(*load(store)).transport == "prompt"
    assert "Asking with card failed" in caplog.text


@pytest.mark.parametrize("where", ["card", "prompt"])
def test_interrupting_keeps_it_blocked(store, monkeypatch, where):
    def interrupted(*_):
        raise KeyboardInterrupt

    if where == "card":
        monkeypatch.setattr(asking.CardTransport, "ask", interrupted)
    else:
        no_card(monkeypatch)
        typing(monkeypatch, KeyboardInterrupt())
    decision = approver(store, Kernel()).ask(*load(store))
    assert (decision.allow, decision.reason, decision.transport) == (False, "interrupted", where)
    assert store.pending() == ()


def test_where_input_is_refused_a_later_decision_counts_for_the_next_run(store, monkeypatch, outputs):
    no_card(monkeypatch)
    typing(monkeypatch, StdinNotImplementedError())
    made = approver(store, Kernel())
    record, view = load(store)
    decision = made.ask(record, view)
    assert (decision.allow, decision.transport) == (False, "none")
    assert f"%modelguard allow {record.id}" in outputs[-1]["text/html"]
    (left,) = store.pending()
    assert not left.waiting
    assert made.prior(load(store)[0]) is None
    store.decide(record.id, Decision(allow=True, by="bob", transport="database"))
    assert made.prior(load(store, digest="ef" * 32)[0]) is None
    assert made.prior(load(store)[0]).by == "bob"
    assert made.prior(load(store)[0]) is None


def test_where_a_prompt_cannot_be_left_nobody_decides_elsewhere(store, monkeypatch):
    no_card(monkeypatch)
    record, view = load(store)
    elsewhere = []

    def read(_question=""):
        other = Store(store.path.parent)
        elsewhere.append(other.pending())
        elsewhere.append(other.decide(record.id, Decision(allow=False, by="bob", transport="database")))
        other.close()
        return "run"

    answers = iter([read, lambda _question="": "1"])
    monkeypatch.setattr(builtins, "input", lambda question="": next(answers)(question))
    decision = approver(store, Kernel()).ask(record, view)
    assert elsewhere == [(), False]
    assert (decision.allow, decision.transport) == (True, "prompt")


def test_allow_passes_the_same_artifact_once(store):
    made = approver(store, Kernel())
    record, view = load(store)
    lines = iter(["run", "3"])
    assert made.allow(record, view, say=lambda _text: None, read=lambda _question: next(lines)).allow
    assert made.prior(load(store, digest="ef" * 32)[0]) is None
    assert made.prior(load(store)[0]).reason == "I read the code"
    assert made.prior(load(store)[0]) is None


def test_allow_does_not_pass_twice_through_a_row_that_was_left_open(store, monkeypatch):
    no_card(monkeypatch)
    typing(monkeypatch, StdinNotImplementedError())
    made = approver(store, Kernel())
    record, view = load(store)
    made.ask(record, view)
    lines = iter(["run", "3"])
    made.allow(record, view, say=lambda _text: None, read=lambda _question: next(lines))
    assert made.prior(load(store)[0]) is not None
    assert made.prior(load(store)[0]) is None
    assert store.pending() == ()


def test_allow_can_be_taken_back_and_is_refused_headless(store, monkeypatch):
    made = approver(store, Kernel())
    record, view = load(store)
    lines = iter(["run", "3"])
    made.allow(record, view, say=lambda _text: None, read=lambda _question: next(lines))
    assert made.withdraw(record)
    assert not made.withdraw(record)
    assert made.prior(record) is None
    monkeypatch.setenv("MODELGUARD_HEADLESS", "deny")
    assert made.allow(record, view, say=lambda _text: None, read=lambda _question: "run").transport == "headless"


def test_an_artifact_that_could_not_be_read_is_never_allowed_ahead(store):
    made = approver(store, Kernel())
    record, view = load(store, digest="")
    lines = iter(["run", "3"])
    made.allow(record, view, say=lambda _text: None, read=lambda _question: next(lines))
    assert made.prior(record) is None
