"""One view, the same fields on every face: the text conversation, the terminal with rich, and the HTML that stays."""

from __future__ import annotations

import dataclasses
import html
import io
import re

import pytest
from full_view import full_view, texts

from jupyter_modelguard.approval.conversation import converse
from jupyter_modelguard.approval.faces.html import card_html
from jupyter_modelguard.approval.faces.plain import card_text
from jupyter_modelguard.approval.faces.terminal import card_panel
from jupyter_modelguard.approval.present import plain_view
from jupyter_modelguard.approval.prompt import TerminalPrompt
from jupyter_modelguard.approval.view import CardView
from jupyter_modelguard.history.codec import from_plain
from jupyter_modelguard.types import RiskLevel

BUTTONS = {"Run 1 and remember", "Pin and run"}  # a conversation asks for the scope by its label
UNSAID = {"calls": {"unknown"}, "scopes": {"once", "digest", "commit", *BUTTONS}}
CLOSED = {
    "title",
    "consequence",
    "object",
    "call",
    "place",
    "would",
    "rule",
    "calls",
    "missed",
    "facts",
    "safer",
    "remark",
    "since",
    "changes",
}


def conversation(view, *answers):
    """Everything that is said when somebody looks at what it does and goes through all questions."""
    said, left = [card_text(view)], list(answers)

    def read(question):
        said.append(question)
        return left.pop(0)

    converse(view, say=said.append, read=read, transport="prompt")
    return "\n".join(said)


def terminal(view, answers=("show", "")):
    from rich.console import Console

    console, left = Console(file=io.StringIO(), width=400, color_system=None), list(answers)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rich.console.Console", lambda: console)
        TerminalPrompt(read=lambda _question: left.pop(0)).ask(None, view)
    return console.file.getvalue()


def missing(view, drawn, fields=None):
    plain = " ".join(drawn.split())
    return [
        (field, text)
        for field, text in texts(view)
        if text
        and (fields is None or field in fields)
        and text not in UNSAID.get(field, ())
        and " ".join(text.split()) not in plain
    ]


def test_a_conversation_says_every_field():
    view = full_view()
    said = conversation(view, "show", "run", "1", "1")
    parts = ("missed part", "why missed")
    assert [lost for lost in missing(view, said) if lost[0] not in {"level", "chip"} and lost[1] not in parts] == []


def test_a_terminal_draws_every_field():
    view = full_view()
    unsaid = {"reasons", "scopes"}  # asked by the conversation below the panel, on the prompt itself
    assert [lost for lost in missing(view, terminal(view)) if lost[0] not in unsaid] == []


def test_the_card_that_stays_shows_what_the_closed_card_shows():
    view = full_view()
    drawn = html.unescape(re.sub(r"<[^>]*>", "", card_html(view).replace("</td>", " ").replace("<br>", " ")))
    assert missing(view, drawn, CLOSED) == []


def test_a_field_that_is_added_is_known_to_these_tests():
    empty = [name for name, value in dataclasses.asdict(full_view()).items() if value in ("", ()) and name != "confirm"]
    assert empty == []


def test_a_view_comes_back_from_the_row_that_another_process_reads():
    view = full_view()
    assert from_plain(CardView, plain_view(view)) == view


def test_a_row_of_an_older_version_is_read():
    plain = plain_view(full_view())
    for name in ("tree", "remark", "since", "changes", "differences", "rule", "sought"):
        del plain[name]
    assert from_plain(CardView, plain).tree == ()


STRANGE = {
    "markup": "<img src=x onerror=alert(1)>[bold]</pre><script>alert(2)</script>",
    "escapes": "\x1b[2K\x1b[1A\x1b]8;;http://evil\x07\r\n\x9b2J",
    "directions": "\u202egpj.exe\u2066\u200b\u2028",
    "spaces": f"x = 1{' ' * 412}; import os",
    "length": "a" * 5_000,
}


@pytest.mark.parametrize("strange", STRANGE.values(), ids=STRANGE)
@pytest.mark.parametrize("level", [RiskLevel.RUNS_CODE, RiskLevel.DANGEROUS])
def test_what_strangers_wrote_stays_text_in_every_field(strange, level):
    view = dataclasses.replace(full_view(lambda text: strange + text), level=level, confirm=("os.system",))
    for drawn in (conversation(view, "show", ""), terminal(view)):
        assert not set(drawn) & set("\x1b\x9b\x07\r\u202e\u2066\u200b\u2028")
        assert "aaaa" * 200 not in drawn.replace("\n", "")
    assert " " * 100 not in conversation(view, "show", "")
    drawn = card_html(view, strange)
    assert not re.search(r"<(?!/?(?:div|p|strong|br|code|bdi|span|ul|li|table|tr|th|td)\b)", drawn)
    assert not set(drawn) & set("\x1b\x9b\x07\r\u202e\u2066\u200b\u2028")


def test_the_panel_has_no_markup_of_rich_in_what_strangers_wrote():
    assert card_panel(full_view(lambda text: "[red]" + text)) is not None
    assert "[red]object.pt" in terminal(full_view(lambda text: "[red]" + text))


def test_none_is_said_only_where_somebody_looked():
    for sought, said in ((True, True), (False, False)):
        view = dataclasses.replace(full_view(), safer=(), sought=sought)
        for drawn in (card_text(view), card_html(view), terminal(view, [""])):
            assert ("No safer version found." in drawn) is said
