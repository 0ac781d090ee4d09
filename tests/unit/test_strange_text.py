"""Text that others wrote cannot lie about itself in any face."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from jupyter_modelguard.approval.text import LONG, as_html, as_plain, as_rich


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("annual_report\u202egpj.exe", "annual_report\\u202egpj.exe"),
        ("a\u200bb\u2066c\ufeff", "a\\u200bb\\u2066c\\ufeff"),
        ("\x1b[2K\x1b[1A[Keep blocked]", "\\x1b[2K\\x1b[1A[Keep blocked]"),
        ("two\r\nlines\tand\x00", "two\\r\\nlines\\tand\\x00"),
        ("no\u00a0break", "no\\xa0break"),
        ("half \ud800", "half \\ud800"),
        ("tag \U000e0041", "tag \\U000e0041"),
        ("blank \u3164 \u2800", "blank \\u3164 \\u2800"),
        ("x = 1" + " " * 412 + "; evil()", "x = 1⟦spaces ×412⟧; evil()"),
        ("⟦… 9 more …⟧", "\\u27e6… 9 more …\\u27e7"),
        ("Modèle_été.pt", "Modèle_été.pt"),
        ("z" + "\u0301" * 5, "z\u0301\u0301\\u0301\\u0301\\u0301"),
    ],
)
def test_hidden_characters_are_spelled_out(written, shown):
    assert as_plain(written, limit=None) == shown


def test_lookalike_letters_of_a_global_are_spelled_out():
    assert as_plain("\u043es.syst\u0435m", name=True) == "\\u043es.syst\\u0435m"


def test_a_long_name_keeps_its_head_and_its_ending():
    shown = as_plain("a" * 100 + "b" * 100 + ".pt")
    assert shown == "a" * 40 + "⟦… 143 more …⟧" + "b" * 17 + ".pt"
    assert as_plain("a" * LONG) == "a" * LONG


def test_indentation_of_code_stays():
    assert as_plain("            return 1", code=True) == "            return 1"
    assert "spaces ×60" in as_plain(" " * 60 + "return 1", code=True, limit=None)


def test_html_of_a_stranger_is_text():
    assert as_html("<img src=x onerror=alert(1)>&\u202e") == (
        '<bdi>&lt;img src=x onerror=alert(1)&gt;&amp;<span class="mg-esc">\\u202e</span></bdi>'
    )


def test_a_terminal_gets_neither_control_characters_nor_markup():
    output = io.StringIO()
    Console(file=output, force_terminal=True, width=100).print(as_rich("[red]x[/red]\x1b[2K\x07"))
    assert "[red]x[/red]" in output.getvalue()
    assert "\x07" not in output.getvalue()
    assert "\x1b[2K" not in output.getvalue()
