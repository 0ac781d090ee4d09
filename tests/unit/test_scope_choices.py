"""The answers to "What do you allow?", in every face, and what is said of those that cannot be chosen."""

from __future__ import annotations

import pytest

from jupyter_modelguard.approval.answer import CardAnswer
from jupyter_modelguard.approval.choices import scope_choices
from jupyter_modelguard.approval.conversation import converse
from jupyter_modelguard.approval.faces.html import card_html
from jupyter_modelguard.approval.present import build_view, receipt
from jupyter_modelguard.policy.covering import against_commit
from jupyter_modelguard.policy.trust import Offer, Standing
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
    SaferWay,
    ScanReport,
    Scope,
)

WHY = "Only for the code of a repository on a hub."
OFFERED = Standing(
    offers=(Offer(Scope.DIGEST), Offer(Scope.COMMIT, WHY)), notes=(("Changed", "since ada trusted it · <b>x</b>\x1b[2J"),)
)


def view(standing=OFFERED, level=RiskLevel.RUNS_CODE):
    judged = Judgement.DANGEROUS if level is RiskLevel.DANGEROUS else Judgement.UNKNOWN
    report = ScanReport("bad.pkl", "pickle", "ab" * 32, 12, globals=(GlobalUse(QualifiedName("acme", "run"), 1, judged),))
    artifact = Artifact("bad.pkl", "/tmp/bad.pkl", "pickle", "ab" * 32, 12)
    request = LoadRequest("pickle.load", "pickle.load(f)", "/tmp/bad.pkl")
    record = HistoryRecord("7f3a91c2", 0.0, request, Outcome.WAITING, level, artifact, report)
    return build_view(record, Assessment(level, report), standing=standing)


def answers(*lines):
    left, said = list(lines), []
    decision = converse(view(), say=said.append, read=lambda _question: left.pop(0), transport="prompt")
    return decision, said


def test_once_comes_first_and_the_buttons_say_what_follows():
    once, digest, commit = view().scopes
    assert (once.value, once.enabled, once.button) == ("once", True, "Run 1 unknown function once")
    assert (digest.value, digest.enabled, digest.button) == ("digest", True, "Run 1 unknown function and remember this file")
    assert (commit.value, commit.enabled, commit.hint) == ("commit", False, WHY)


def test_branch_is_led_to_the_way_that_names_its_commit():
    artifact = Artifact("yolo", "hf:acme/yolo", "python-code", "ab" * 32, 12)
    record = HistoryRecord("7f3a91c2", 0.0, LoadRequest("x", "x()", "hf:acme/yolo"), Outcome.WAITING, artifact=artifact)
    standing = Standing(offers=(Offer(Scope.DIGEST), Offer(Scope.COMMIT, against_commit(record))))
    pin = SaferWay("Pin to 4f2c9e1", 'load("acme/yolo", revision="4f2c9e1…")')
    *_, plain = scope_choices(artifact, RiskLevel.RUNS_CODE, "Import 1 file once", standing)
    *_, led = scope_choices(artifact, RiskLevel.RUNS_CODE, "Import 1 file once", standing, (pin,))
    assert plain.hint.endswith("a branch or tag can move. Name the commit: revision=…")
    assert led.hint.endswith('a branch or tag can move. "Pin to 4f2c9e1" above names the commit: there this can be chosen.')
    assert not led.enabled


def test_how_a_load_differs_stands_before_everything_else_and_stays_text():
    first = view().facts[0]
    assert first.label == "Changed"
    drawn = card_html(view())
    assert "<b>" not in drawn
    assert "\x1b" not in drawn


def test_conversation_offers_the_file_and_says_why_not_the_commit():
    decision, said = answers("run", "1", "2")
    assert (decision.allow, decision.scope) == (True, Scope.DIGEST)
    assert said[0].startswith("This exact file, from now on: ")
    assert said[1:] == [f"This repository at this commit: cannot be chosen. {WHY}"]


@pytest.mark.parametrize("number", ["1", "2"])
def test_conversation_takes_one_of_the_numbers(number):
    decision, _ = answers("run", "4", number)
    assert decision.scope is {"1": Scope.ONCE, "2": Scope.DIGEST}[number]


@pytest.mark.parametrize("lines", [("",), ("3", "0", "x"), ("commit", "digest", "2 ; 1")])
def test_conversation_keeps_blocked_what_was_not_chosen(lines):
    decision, _ = answers("run", "1", *lines)
    assert not decision.allow


def message(scope):
    return {"token": "t", "decision": "allow", "reason": "I made this file", "scope": scope, "finding": ""}


@pytest.mark.parametrize("scope", ["commit", "always", "", None, ["digest"], "DIGEST"])
def test_card_takes_no_scope_that_it_did_not_offer(scope):
    answer = CardAnswer("t", view())
    answer.take_content(message(scope))
    assert answer.decision is None
    assert answer.refused == 1


def test_card_takes_the_file():
    answer = CardAnswer("t", view())
    answer.take_content(message("digest"))
    assert answer.decision is not None
    assert answer.decision.scope is Scope.DIGEST


def test_what_runs_a_command_has_no_other_choice_to_show():
    (once,) = view(Standing(), RiskLevel.DANGEROUS).scopes
    assert once.hint == "The only choice for a file that runs a command."


@pytest.mark.parametrize(
    ("scope", "words"),
    [(Scope.ONCE, "allowed once by"), (Scope.DIGEST, "allowed and remembered by"), (Scope.COMMIT, "allowed for this commit by")],
)
def test_the_line_that_stays_says_how_long_it_counts(scope, words):
    line = receipt(view(), Decision(allow=True, by="ada", transport="card", reason="I made this file", scope=scope, at=1.0))
    assert words in line.text
