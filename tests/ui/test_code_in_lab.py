"""A repository's code in a real JupyterLab: allowed once, and asked about again by what has changed since."""

import pytest

pytest.importorskip("torch")

SETUP = """
import pathlib, torch
from jupyter_modelguard import config
config.default_home = lambda: pathlib.Path("trust").resolve()
%load_ext modelguard
"""
WRITE = """
repository = pathlib.Path("repository")
repository.mkdir()
code = repository / "hubconf.py"
code.write_text("SIZE = 3\\n\\n\\ndef model():\\n    return 'a model of size ' + str(SIZE)\\n")
"""
LOAD = """
print(torch.hub.load(str(repository.resolve()), "model", source="local"))
"""
CHANGE = """
attack = "import subprocess\\nSIZE = subprocess.run(['touch', 'canary'])  # <b>bold\\u202e</b>"
code.write_text(code.read_text().replace("SIZE = 3", attack, 1))
"""


@pytest.fixture
def folder(lab):
    made = lab.folder / "code_in_lab"
    made.mkdir()
    return made


@pytest.fixture
def opened(page, lab, folder):
    page.goto(lab.notebook(f"{folder.name}/code.ipynb", SETUP, WRITE, LOAD, CHANGE, LOAD, kernel="test-0"))
    page.locator(".jp-Notebook .jp-Cell").nth(0).wait_for()
    page.locator("#jp-main-statusbar").get_by_text("| Idle").wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.locator(".mg-card .mg-title").first.wait_for(timeout=90_000)
    return page


def test_code_that_was_allowed_once_asks_again_and_shows_what_changed(opened, folder):
    cells = opened.locator(".jp-Notebook .jp-Cell")
    card = cells.nth(2).locator(".mg-card")
    assert "Stopped before importing code from repository" in card.locator(".mg-title").inner_text()
    card.get_by_role("button", name="Run it anyway").click()
    card.get_by_role("radio", name="I read the code").check()
    card.get_by_role("button", name="Import 1 file once").click()
    cells.nth(2).get_by_text("a model of size 3").wait_for()

    changed = cells.nth(4).locator(".mg-card")
    changed.wait_for()
    said = changed.inner_text()
    assert "changed since it was allowed" in changed.locator(".mg-title").inner_text()
    assert "New since" in said
    assert "subprocess.run" in changed.locator(".mg-would").inner_text()
    assert "SIZE = 3" in said
    assert "SIZE = subprocess.run(['touch', 'canary'])" in said
    assert "\u202e" not in said
    assert changed.locator("b").count() == 0
    assert not (folder / "canary").exists()
    changed.get_by_role("button", name="Keep blocked").click()
    cells.nth(4).get_by_text("kept blocked").first.wait_for()
    assert not (folder / "canary").exists()
