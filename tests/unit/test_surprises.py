"""What a person sees of a load that went beyond its card, and of a safer way that was taken."""

from jupyter_modelguard.approval.answer import CardAnswer
from jupyter_modelguard.approval.faces.html import card_html
from jupyter_modelguard.approval.faces.plain import card_text
from jupyter_modelguard.approval.present import Receipt, build_view, receipt, surprised
from jupyter_modelguard.approval.slot import _SLOTS, OutputSlot
from jupyter_modelguard.types import (
    Artifact,
    Assessment,
    HistoryRecord,
    LoadRequest,
    Outcome,
    RiskLevel,
    SaferWay,
    ScanReport,
)

WAY = SaferWay("Take only the weights", "m = take_weights(p)", "2 tensors", "m = torch.load(p)", "m = take_weights(p)")


def view(*ways, sought=False):
    report = ScanReport("yolo.pt", "torch-zip")
    artifact = Artifact("yolo.pt", "/yolo.pt", "torch-zip", "ab" * 32)
    record = HistoryRecord(
        "7f3a91c2", 0.0, LoadRequest("torch.load", "torch.load()", "/yolo.pt"), Outcome.WAITING, None, artifact
    )
    return build_view(record, Assessment(RiskLevel.RUNS_CODE, report, (), ways, sought))


class Kernel:
    """Stands for the one whose cell runs."""


def test_line_that_said_allowed_says_how_the_load_ended(monkeypatch):
    shown = []
    kernel, slot = Kernel(), OutputSlot()
    monkeypatch.setattr(slot, "show", shown.append)
    slot.settle(Receipt(True, "other.pt ran 1 unknown function", "1"))
    slot.settle(Receipt(True, "yolo.pt ran 1 unknown function", "7f3a91c2"))
    monkeypatch.setitem(_SLOTS, kernel, ("cell", slot))
    why = "another program: ['rm', '\u202e-rf']"
    assert OutputSlot.amend(kernel, surprised("yolo.pt", "7f3a91c2", why))
    first, second = shown[-1]["text/plain"].splitlines()
    assert first.startswith("▣ modelguard · other.pt ran")
    assert second.startswith("▢ modelguard · yolo.pt was ended: it reached for another program: ['rm', '")
    assert second.endswith("which was not on its card · #7f3a91c2")
    assert "\u202e" not in second
    assert not OutputSlot.amend(kernel, surprised("yolo.pt", "none such", why))
    assert not OutputSlot.amend(Kernel(), surprised("yolo.pt", "7f3a91c2", why))


def test_way_that_was_taken_is_in_the_line_that_stays():
    shown = view(WAY)
    answer = CardAnswer("token", shown)
    answer.take_content({"token": "token", "decision": "deny", "instead": "Take only the weights"})
    assert answer.decision.reason == "instead: Take only the weights"
    assert not answer.decision.allow
    assert " · instead: Take only the weights · " in receipt(shown, answer.decision).text


def test_way_that_was_not_offered_is_not_recorded():
    answer = CardAnswer("token", view(WAY))
    answer.take_content({"token": "token", "decision": "deny", "instead": "Run it <b>anyway</b>"})
    assert answer.decision.reason == "kept blocked"


def test_every_face_shows_the_lines_as_they_are_and_as_they_would_be():
    text, html = card_text(view(WAY)), card_html(view(WAY))
    assert "Take only the weights: 2 tensors\n  - m = torch.load(p)\n  + m = take_weights(p)\n" in text
    assert html.index("<code>- <bdi>m = torch.load(p)") < html.index("<code>+ <bdi>m = take_weights(p)")


def test_none_was_found_is_said_where_one_was_looked_for():
    assert "No safer version found." in card_text(view(sought=True))
    assert "No safer version found." in card_html(view(sought=True))
    assert "No safer version found." not in card_text(view()) + card_html(view())
    assert "No safer version found." not in card_text(view(WAY, sought=True))
