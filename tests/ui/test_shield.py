"""The shield in the status bar of a real JupyterLab, and the card as a widget in a real cell."""

import re

import pytest

CARD = """
import json, pathlib, anywidget, traitlets, jupyter_modelguard
static = pathlib.Path(jupyter_modelguard.__file__).parent / "approval" / "static"
class Card(anywidget.AnyWidget):
    _esm = (static / "card.js").read_text()
    _css = (static / "card.css").read_text()
    token = traitlets.Unicode("a-token").tag(sync=True)
    view = traitlets.Unicode("").tag(sync=True)
    state = traitlets.Unicode("stopped").tag(sync=True)
    receipt = traitlets.Unicode("").tag(sync=True)
got = []
card = Card(view=json.dumps({
    "id": "7f3a91c2", "level": "runs_code", "title": "Stopped before loading", "consequence": "can run code on this machine",
    "chip": "Runs code", "object": "yolo.pt", "call": "torch.load()", "place": "In [1] line 3", "would": "Python would call",
    "calls": [{"name": "builtins.getattr", "count": 3, "note": "", "origin": "", "judged": "", "flagged": True}],
    "reasons": ["I made this file"],
    "scopes": [{"value": "once", "label": "Just this call, once", "button": "Run 1 unknown function once", "hint": "", "enabled": True}],
    "limits": "Native code."}))
def hear(widget, content, buffers):
    got.append(content)
    if content.get("decision") == "allow":
        card.receipt, card.state = "yolo.pt ran 1 unknown function", "receipt"
card.on_msg(hear)
card
"""


def shield(page):
    return page.locator("#jp-main-statusbar .mg-status:visible")


def run_cell(page, at):
    cell = page.locator(".jp-Notebook .jp-Cell").nth(at)
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")


def wait_for_word(page, word):
    page.wait_for_function(
        "word => document.querySelector('#jp-main-statusbar .mg-status:not([hidden])')?.childNodes[1]?.textContent === word",
        arg=word,
        timeout=30_000,
    )


def test_the_shield_says_what_the_kernel_of_the_notebook_in_front_says(page, lab):
    page.goto(
        lab.notebook(
            "shield.ipynb", "import jupyter_modelguard.guard as guard", "guard.current = lambda: 1", "import time; time.sleep(3)"
        )
    )
    wait_for_word(page, "Not guarded")
    assert "%load_ext modelguard" in shield(page).get_attribute("title")
    run_cell(page, 0)
    page.get_by_text("[1]:").first.wait_for()
    wait_for_word(page, "Not guarded")
    run_cell(page, 1)
    wait_for_word(page, "Guarded")
    run_cell(page, 2)
    page.get_by_text("[*]:").first.wait_for()
    wait_for_word(page, "Guarded")
    # Asking must leave the notebook's own numbering alone.
    page.get_by_text("[3]:").first.wait_for()


def test_a_restart_is_not_called_guarded(page, lab):
    page.goto(lab.notebook("restart.ipynb", "import jupyter_modelguard.guard as guard; guard.current = lambda: 1"))
    wait_for_word(page, "Not guarded")
    run_cell(page, 0)
    wait_for_word(page, "Guarded")
    page.locator(".jp-Toolbar [data-command='notebook:restart-kernel'], .jp-Toolbar [title*='Restart the kernel']").first.click()
    page.locator(".jp-Dialog .jp-mod-accept").click()
    wait_for_word(page, "Not guarded")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark", "JupyterLab Dark High Contrast"])
def test_the_card_is_drawn_in_a_cell_and_a_click_reaches_the_kernel(page, lab, theme, tmp_path):
    page.goto(lab.notebook(f"card-{theme[11:].lower().replace(' ', '-')}.ipynb", CARD, "got"))
    wait_for_word(page, "Not guarded")
    page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
    run_cell(page, 0)
    card = page.locator("section.mg-card")
    card.wait_for()
    card.get_by_role("button", name="Run it anyway…").click()
    run = card.get_by_role("button", name="Run 1 unknown function once")
    assert run.get_attribute("aria-disabled") == "true"
    card.get_by_label("I made this file").check()
    page.screenshot(path=tmp_path / "card.png")
    run.click()
    page.locator(".mg-receipt", has_text="yolo.pt ran 1 unknown function").wait_for()
    run_cell(page, 1)
    answer = page.locator(".jp-Notebook .jp-Cell").nth(1).locator(".jp-OutputArea-executeResult")
    answer.wait_for()
    said = re.sub(r"\s+", " ", answer.inner_text())
    assert "{'ready': 'a-token'}" in said
    assert "'decision': 'allow', 'reason': 'I made this file', 'scope': 'once', 'finding': ''" in said


def test_escape_in_the_card_keeps_blocked_and_is_no_command_of_the_notebook(page, lab):
    page.goto(lab.notebook("escape.ipynb", CARD, "got"))
    wait_for_word(page, "Not guarded")
    run_cell(page, 0)
    card = page.locator("section.mg-card")
    card.get_by_role("button", name="Keep blocked").focus()
    page.keyboard.press("d")
    page.keyboard.press("d")
    page.keyboard.press("Escape")
    assert page.locator(".jp-Notebook .jp-Cell").count() == 2
    run_cell(page, 1)
    answer = page.locator(".jp-Notebook .jp-Cell").nth(1).locator(".jp-OutputArea-executeResult")
    answer.wait_for()
    assert answer.inner_text().count("'decision': 'deny'") == 1
