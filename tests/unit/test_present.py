"""The words of the card, as they were settled."""

from __future__ import annotations

import dataclasses
import json

import pytest

from jupyter_modelguard.approval.faces.html import card_html, receipts_html
from jupyter_modelguard.approval.faces.plain import card_text, details_text, receipt_text
from jupyter_modelguard.approval.present import REASONS, build_view, plain_view, receipt
from jupyter_modelguard.approval.refusal import refusal
from jupyter_modelguard.approval.view import CardView
from jupyter_modelguard.history.codec import from_plain
from jupyter_modelguard.types import (
    Artifact,
    Assessment,
    CallSite,
    CodeFile,
    Coverage,
    Decision,
    Explanation,
    Finding,
    GlobalUse,
    HistoryRecord,
    Judgement,
    LoadRequest,
    Outcome,
    QualifiedName,
    RiskLevel,
    SaferWay,
    ScanReport,
    Severity,
    TraceStep,
)

GETATTR = GlobalUse(QualifiedName("builtins", "getattr"), 3, Judgement.UNKNOWN, "can reach any attribute", "Python")
DETECTION = GlobalUse(QualifiedName("ultralytics.nn.tasks", "DetectionModel"), 1, Judgement.INSPECT, "a class", "not found here")
TENSOR = GlobalUse(QualifiedName("torch._utils", "_rebuild_tensor_v2"), 283, Judgement.CLOSED)
SYSTEM = GlobalUse(QualifiedName("posix", "system"), 1, Judgement.DANGEROUS, "runs a command", "Python")


def view_of(level, *uses, artifact=None, **report):
    artifact = artifact or Artifact("yolo.pt", "hf:acme/yolo@4f2c9e1aaaa", "torch-zip", "ab" * 32, 88_080_384)
    made = ScanReport("yolo.pt", artifact.format, globals=uses, seconds=0.4, **report)
    request = LoadRequest("torch.load", "torch.load(weights_only=False)", artifact.source, CallSite(None, None, 7, 3))
    record = HistoryRecord("7f3a91c2", 0.0, request, Outcome.WAITING, level, artifact, made)
    return build_view(record, Assessment(level, made, ("no-remote-code", "policy.toml:14", "It can do anything.")))


def test_a_file_that_runs_code():
    view = view_of(RiskLevel.RUNS_CODE, GETATTR, DETECTION, TENSOR)
    assert (view.title, view.consequence, view.chip) == ("Stopped before loading", "can run code on this machine", "Runs code")
    assert (view.object, view.call, view.place) == ("yolo.pt", "torch.load(weights_only=False)", "In [7] line 3")
    assert view.would == "Python would call, while reading the file"
    assert [row.name for row in view.calls] == ["builtins.getattr", "ultralytics.nn.tasks.DetectionModel"]
    assert [(row.name, row.flagged, row.judged) for row in view.every_call][-1] == (
        "torch._utils._rebuild_tensor_v2",
        False,
        "nothing found",
    )
    assert [(scope.value, scope.label, scope.button) for scope in view.scopes] == [
        ("once", "Just this call, once", "Run 2 unknown functions once")
    ]
    assert view.reasons == REASONS == ("I made this file", "I know the publisher", "I read the code", "I accept the risk")
    assert view.confirm == ()
    facts = {fact.label: fact.text for fact in view.facts}
    assert facts["From"] == "hf: acme/yolo @4f2c9e1 · 84 MB"
    assert facts["Checked"] == "1 of 1 pickle stream · not checked: nothing · 0.4 s"


def test_one_function_is_one_function():
    assert view_of(RiskLevel.RUNS_CODE, GETATTR).scopes[0].button == "Run 1 unknown function once"


def test_a_dangerous_file_wants_its_finding_typed():
    view = view_of(RiskLevel.DANGEROUS, SYSTEM, GETATTR)
    assert (view.title, view.consequence, view.chip) == ("Stopped", "this file runs a command when loaded", "Dangerous")
    assert view.would == "Reading this file would run a command"
    assert view.confirm == ("os.system",)
    assert view.scopes[0].button == "Run os.system once"
    assert view.scopes[0].hint == "The only choice for a file that runs a command."


def test_a_dangerous_file_without_a_named_global_still_wants_something_typed():
    finding = Finding("torchscript-file-access", Severity.CRITICAL, "writes a file")
    assert view_of(RiskLevel.DANGEROUS, findings=(finding,)).confirm == ("torchscript-file-access",)
    assert view_of(RiskLevel.DANGEROUS).confirm


def test_a_file_that_could_not_be_checked():
    missed = ("archive/data.pkl: ends at byte 81,920", "archive/code: TorchScript")
    view = view_of(RiskLevel.UNINSPECTED, coverage=Coverage(3, 1, missed))
    assert (view.title, view.consequence, view.chip) == ("Stopped", "part of this file could not be checked", "Not inspected")
    assert view.would == "Not checked, 2 of 3 parts"
    assert view.missed == missed
    assert view.scopes[0].button == "Load 2 unchecked parts once"
    assert "1 of 3 parts · not checked: 2" in {fact.text.removesuffix(" · 0.4 s") for fact in view.facts}


def test_a_forbidden_file_has_no_way_on():
    view = view_of(RiskLevel.FORBIDDEN, GETATTR)
    assert (view.title, view.chip, view.would) == (
        "Blocked by policy: no-remote-code (policy.toml:14)",
        "Forbidden",
        "The rule",
    )
    assert view.scopes == ()


def test_a_forbidden_file_shows_the_rule_and_what_was_found():
    view = view_of(RiskLevel.FORBIDDEN, GETATTR, DETECTION)
    assert [(fact.label, fact.text) for fact in view.rule] == [
        ("Its name", "no-remote-code"),
        ("Reason", "It can do anything."),
        ("Written in", "policy.toml, line 14"),
    ]
    assert (view.calls, view.missed) == ((), ())
    assert (view.facts[0].label, view.facts[0].text) == (
        "Found",
        "would call builtins.getattr ×3, ultralytics.nn.tasks.DetectionModel ×1",
    )
    assert "It would run as" not in {fact.label for fact in view.facts}
    assert view_of(RiskLevel.RUNS_CODE, GETATTR).rule == ()


def test_a_models_own_code():
    files = tuple(CodeFile(f"part{number}.py", "d", b"import os\nos.system('x')\n") for number in range(4))
    artifact = Artifact("chat-7b", "hf:acme/chat-7b@a91d07c4444", "python-code", "ab" * 32, 0, files)
    finding = Finding("starts-a-program", Severity.HIGH, "Starts a program", "part2.py:2")
    view = view_of(RiskLevel.RUNS_CODE, artifact=artifact, findings=(finding,), coverage=Coverage(4, 4))
    assert view.title == "Stopped before importing code from acme/chat-7b@a91d07c"
    assert view.would == "Python would import 4 files and run their top level"
    assert view.scopes[0].button == "Import 4 files once"
    assert [row.name for row in view.calls] == [file.path for file in files]
    assert view.calls[2].note == "2 lines, 1 flagged"
    assert [(row.text, row.place) for column in view.phases for row in column.rows] == [("Starts a program", "part2.py:2")]
    assert [row.flagged for row in view.listings[2].rows] == [False, True]
    assert {fact.label: fact.text for fact in view.facts}["Checked"].startswith("4 of 4 Python files · not checked: nothing")


def test_code_in_an_archive_is_from_a_file(tmp_path):
    (tmp_path / "package.pt").write_bytes(b"PK")
    files = (CodeFile("model.py", "cd" * 32, b"import os\n"),)
    for name, place in (("package.pt", f"local file in {tmp_path}"), ("", f"local folder {tmp_path}")):
        view = view_of(
            RiskLevel.RUNS_CODE, artifact=Artifact("package.pt", str(tmp_path / name), "python-code", "ab" * 32, 0, files)
        )
        assert {fact.label: fact.text for fact in view.facts}["From"] == place


@pytest.mark.parametrize(
    ("source", "place"), [("<text>", "text in memory"), ("<configuration>", "the configuration of the model")]
)
def test_what_has_no_path_is_said_in_words(source, place):
    view = view_of(RiskLevel.RUNS_CODE, GETATTR, artifact=Artifact("model", source, "yaml", "ab" * 32))
    assert {fact.label: fact.text for fact in view.facts}["From"] == place


def test_secrets_are_named_and_never_told(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_verysecret")
    monkeypatch.setenv("EMPTY_TOKEN", "")
    view = view_of(RiskLevel.RUNS_CODE, GETATTR)
    (run_as,) = [fact.text for fact in view.facts if fact.label == "It would run as"]
    assert "HF_TOKEN" in run_as
    assert "EMPTY_TOKEN" not in run_as
    assert "network open" in run_as
    assert "verysecret" not in json.dumps(plain_view(view))


def test_the_view_survives_json_with_its_strangest_text():
    use = dataclasses.replace(GETATTR, name=QualifiedName("mod\ud800", "\u202ename"))
    view = view_of(RiskLevel.RUNS_CODE, use)
    plain = json.loads(json.dumps(plain_view(view), ensure_ascii=False).encode("utf-8"))
    assert plain["level"] == "runs_code"
    rebuilt = from_plain(CardView, plain)
    assert rebuilt.calls[0].name == "mod\\ud800.\u202ename"
    assert dataclasses.replace(rebuilt, calls=(), every_call=()) == dataclasses.replace(view, calls=(), every_call=())


@pytest.mark.parametrize("level", [level for level in RiskLevel if level.asks])
def test_no_face_ever_says_safe_or_draws_a_strangers_markup(level):
    evil = "<b>\x1b[2Ksafe-looking\u202e"
    artifact = Artifact(evil, f"/data/{evil}", "pickle", "ab" * 32, 5)
    use = dataclasses.replace(SYSTEM if level is RiskLevel.DANGEROUS else GETATTR, origin=evil, reason=evil)
    view = view_of(level, use, artifact=artifact, coverage=Coverage(2, 1, (evil,)))
    decision = Decision(allow=True, by=evil, transport="card", reason=evil, at=1.0)
    shown = [card_text(view), details_text(view), refusal(view, decision), receipt_text(receipt(view, decision))]
    pages = [card_html(view, evil), receipts_html([receipt(view, decision)])]
    for text in [*shown, *pages]:
        assert "\x1b" not in text
        assert "\u202e" not in text
    for page in pages:
        assert "<b>" not in page
    words = " ".join([view.title, view.consequence, view.chip, view.would, *(fact.label for fact in view.facts)])
    assert "safe" not in words.lower()
    assert ("malicious" in words.lower()) <= (level is RiskLevel.DANGEROUS)


def test_receipts_in_the_settled_words():
    view = view_of(RiskLevel.RUNS_CODE, GETATTR, DETECTION)
    allowed = receipt(view, Decision(allow=True, by="ada", transport="card", reason="I made this file", at=0.0))
    assert allowed.text.startswith('yolo.pt ran 2 unknown functions · allowed once by ada, "I made this file" · ')
    assert allowed.text.endswith(" · #7f3a91c2")
    denied = receipt(view, Decision(allow=False, by="ada", transport="card", at=0.0))
    assert denied.text.startswith("yolo.pt kept blocked by ada · ")
    assert receipt_text(denied).startswith("▢ modelguard · yolo.pt")
    forbidden = receipt(view_of(RiskLevel.FORBIDDEN), Decision(allow=False, by="policy", transport="policy", at=0.0))
    assert forbidden.text.startswith("yolo.pt blocked by policy no-remote-code (policy.toml:14) · ")


def test_a_refusal_says_what_to_do_next():
    view = dataclasses.replace(view_of(RiskLevel.RUNS_CODE, GETATTR), safer=(SaferWay("Take only the weights", "torch.load(f)"),))
    by_person = refusal(view, Decision(allow=False, by="ada", transport="card"))
    assert "yolo.pt was not loaded (In [7] line 3), nothing of it ran" in by_person
    assert "builtins.getattr ×3" in by_person
    assert "Kept blocked by ada." in by_person
    assert "%modelguard allow 7f3a91c2" in by_person
    assert "Take only the weights\n  + torch.load(f)\n" in by_person
    headless = refusal(view, Decision(allow=False, by="headless", transport="headless", reason="this is a child process"))
    assert "Nobody could be asked: this is a child process." in headless
    assert "run it where you can answer" in headless
    unanswered = refusal(view, Decision(allow=False, by="nobody", transport="none", reason="input was refused"))
    assert "modelguard decide 7f3a91c2" in unanswered
    forbidden = refusal(view_of(RiskLevel.FORBIDDEN), Decision(allow=False, by="policy", transport="policy"))
    assert "Blocked by policy: no-remote-code (policy.toml:14): It can do anything." in forbidden
    assert "allow" not in forbidden


def test_a_card_carries_no_more_than_a_page_can_hold():
    report = ScanReport("x", "pickle", globals=(GETATTR,))
    record = HistoryRecord("7f3a91c2", 0.0, LoadRequest("pickle.load", "c", "/x"), Outcome.WAITING, None, None, report)
    rows = tuple((number, "x" * 10_000, False) for number in range(5_000))
    steps = tuple(TraceStep(number, "MEMOIZE", "") for number in range(50_000))
    view = build_view(record, Assessment(RiskLevel.RUNS_CODE, report), Explanation((("Rebuilt", "x", rows),), steps))
    assert view.listings[0].heading == "Rebuilt · first 1,000 of 5,000 lines"
    assert len(view.opcodes) == 1_000
    assert len(json.dumps(plain_view(view))) < 1_000_000


def test_code_of_another_repository_is_a_line_of_its_own_and_happens_at_no_time():
    files = (CodeFile("norm.py", "d", b"x = 1\n", origin="hf:other/shared"),)
    artifact = Artifact("chat-7b", "hf:acme/chat-7b", "python-code", "ab" * 32, 0, files)
    finding = Finding("remote-code-elsewhere", Severity.MEDIUM, "1 of the files comes from another repository", "hf:other/shared")
    view = view_of(RiskLevel.RUNS_CODE, artifact=artifact, findings=(finding,), coverage=Coverage(1, 1))
    assert ("From elsewhere", finding.title) in [(fact.label, fact.text) for fact in view.facts]
    assert view.phases == ()
    assert view.remark.startswith("Found nothing on the list of known capabilities.")
