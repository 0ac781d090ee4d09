"""What stands in the output of a cell, live and afterwards, in JupyterLab's own themes: with no violation that axe finds."""

import os
import re

import pytest
from card_stage import open_everything, violations

SETUP = """
%load_ext modelguard
import pathlib, pickle
pathlib.Path("modelguard.toml").write_text('''
[[rule]]
name = "nothing from the inbox"
action = "forbid"
source = "**/inbox.pkl"
reason = "Anybody may put a file there."
''')
class Call:
    def __reduce__(self):
        import textwrap
        return textwrap.dedent, ("weights",)
for name in ("inbox.pkl", "model.pkl"):
    pathlib.Path(name).write_bytes(pickle.dumps(Call()))
def load(name):
    with open(name, "rb") as file:
        return pickle.load(file)
"""
FORBIDDEN = "load('inbox.pkl')"
STOPPED = "load('model.pkl')"


def output(page, at):
    return page.locator(".jp-Notebook .jp-Cell").nth(at).locator(".jp-OutputArea")


def run(page, at):
    page.locator(".jp-Notebook .jp-Cell").nth(at).locator(".cm-content").click()
    page.keyboard.press("Control+Enter")


def picture(page, name):
    if folder := os.environ.get("MODELGUARD_SCREENSHOTS"):
        page.locator(".jp-Notebook").screenshot(path=f"{folder}/{name}.png")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark", "JupyterLab Dark High Contrast"])
def test_no_violation_in_any_theme(page, lab, theme):
    name = re.sub(r"\W+", "-", theme[11:].lower())
    (lab.folder / f"theme-{name}").mkdir()
    page.emulate_media(reduced_motion="reduce")
    page.goto(lab.notebook(f"theme-{name}/theme.ipynb", SETUP, FORBIDDEN, STOPPED, kernel="test-0"))
    page.locator(".jp-Notebook .jp-Cell").nth(0).wait_for()
    page.locator("#jp-main-statusbar").get_by_text("| Idle").wait_for()
    page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
    page.wait_for_function("theme => document.body.dataset.jpThemeName === theme", arg=theme)
    run(page, 0)
    page.get_by_text("[1]:").first.wait_for()
    run(page, 1)
    forbidden = output(page, 1).locator(".mg-static")
    forbidden.get_by_text("Reason: Anybody may put a file there.").wait_for()
    said = forbidden.inner_text()
    assert "Blocked by policy: nothing from the inbox (" in said
    assert re.search(r"Written in: .*modelguard\.toml, line 2", said)
    assert violations(page, ".mg-static") == []
    assert forbidden.locator("button, input, a").count() == 0
    run(page, 2)
    card = output(page, 2).locator(".mg-card")
    card.locator(".mg-title").wait_for()
    open_everything(card)
    assert violations(page, ".mg-card") == []
    picture(page, f"lab-{name}")
    card.get_by_role("button", name="Keep blocked").click()
    output(page, 2).locator(".mg-static").get_by_text("model.pkl kept blocked by").wait_for()
    assert violations(page, ".mg-static") == []
    picture(page, f"lab-{name}-afterwards")
