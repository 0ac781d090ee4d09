"""Trust in a real JupyterLab: chosen with the mouse or the keyboard, kept for the next run, asked about again after a change."""

import pytest
from notebook_page import run_all

SETUP = """
import pathlib
from jupyter_modelguard import config
config.default_home = lambda: pathlib.Path("trust").resolve()
%load_ext modelguard
"""
WRITE = """
def write(module, name, argument):
    import pickle
    code = b"\\x80\\x03c" + f"{module}\\n{name}\\n(".encode() + pickle.dumps(argument, 3)[2:-1] + b"tR."
    open("<b>model<b>.pkl", "wb").write(code)
write("textwrap", "dedent", "weights")
"""
LOAD = """
import pickle
with open("<b>model<b>.pkl", "rb") as file:
    print("loaded", pickle.load(file))
"""
CHANGE = "write('base64', 'b64encode', b'weights')"


@pytest.fixture
def opened(page, lab, request):
    folder = request.node.name[5:25].strip("_")
    (lab.folder / folder).mkdir()
    page.goto(lab.notebook(f"{folder}/trust.ipynb", SETUP, WRITE, LOAD, LOAD, CHANGE, LOAD, kernel="test-0"))
    run_all(page)
    page.locator(".mg-card .mg-title").first.wait_for(timeout=90_000)
    return page


def output(page, at):
    return page.locator(".jp-Notebook .jp-Cell").nth(at).locator(".jp-OutputArea")


def open_choices(page):
    card = page.locator(".mg-card").first
    card.get_by_role("button", name="Run it anyway").click()
    return card


def test_scopes_are_offered_with_once_chosen_and_the_commit_greyed(opened):
    card = open_choices(opened)
    assert card.get_by_role("radio", name="Just this call, once").is_checked()
    assert card.get_by_role("radio", name="This exact file").is_enabled()
    assert card.get_by_role("radio", name="This repository at this commit").is_disabled()
    assert "Only for the code of a repository on a hub." in card.inner_text()
    assert card.get_by_role("button", name="Run 1 unknown function once").get_attribute("aria-disabled") == "true"
    card.get_by_role("radio", name="This exact file").check()
    button = card.get_by_role("button", name="Run 1 unknown function and remember this file")
    button.scroll_into_view_if_needed()
    assert button.is_visible()


def test_remembered_file_runs_on_and_a_changed_one_stops_the_notebook(opened):
    card = open_choices(opened)
    card.get_by_role("radio", name="I read the code").check()
    card.get_by_role("radio", name="This exact file").check()
    card.get_by_role("button", name="Run 1 unknown function and remember this file").click()
    output(opened, 3).get_by_text("loaded weights").wait_for()
    assert "allowed and remembered by" in output(opened, 2).inner_text()
    assert "modelguard" not in output(opened, 3).inner_text()
    changed = output(opened, 5).locator(".mg-card")
    changed.wait_for()
    assert "changed since it was trusted" in changed.locator(".mg-title").inner_text()
    assert "1 function new: base64.b64encode · 1 function gone: textwrap.dedent" in changed.inner_text()
    assert changed.locator("b >> text=model").count() == 0


def test_choosing_by_the_keyboard_alone(opened):
    card = opened.locator(".mg-card").first
    card.get_by_role("button", name="Run it anyway").focus()
    opened.keyboard.press("Enter")
    opened.keyboard.press("Tab")
    opened.keyboard.press("Space")
    opened.keyboard.press("Tab")
    opened.keyboard.press("ArrowDown")
    assert card.get_by_role("radio", name="This exact file").is_checked()
    opened.keyboard.press("ArrowDown")
    assert card.get_by_role("radio", name="Just this call, once").is_checked()  # past the one that is greyed
    opened.keyboard.press("ArrowUp")
    opened.keyboard.press("Tab")
    opened.keyboard.press("Enter")
    output(opened, 3).get_by_text("loaded weights").wait_for()
