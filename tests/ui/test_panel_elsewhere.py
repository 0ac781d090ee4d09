"""The panel in Notebook 7, and in the oldest JupyterLab and Notebook that are supported: rows arrive, and a decision reaches the cell."""

import os
import re
import sys

import pytest
from panel_stage import kernel_answers, open_panel

# Beside the JupyterLab of the other tests: the Notebook of this environment, and both of each Python in MODELGUARD_TEST_LABS.
OLDER = filter(None, os.environ.get("MODELGUARD_TEST_LABS", "").split(os.pathsep))
FRONT_ENDS = [(sys.executable, "notebook"), *((python, name) for python in OLDER for name in ("jupyterlab", "notebook"))]

DONE = re.compile(r"\[\d+\]:")
CELLS = (
    """
%load_ext modelguard
import os, pickle
class Touch:
    def __reduce__(self):
        return os.system, ("touch canary",)
open("armed.pkl", "wb").write(pickle.dumps(Touch()))
open("plain.pkl", "wb").write(pickle.dumps([2.5]))
def load(name):
    with open(name, "rb") as file:
        return pickle.load(file)
""",
    "load('plain.pkl')",
    "load('armed.pkl')",
)


def cell(page, at):
    return page.locator(".jp-Notebook .jp-Cell").nth(at)


def run(page, at):
    cell(page, at).locator(".cm-content").click()
    page.keyboard.press("Control+Enter")


@pytest.mark.parametrize(("python", "application"), FRONT_ENDS, ids=[f"{name}-{at}" for at, (_, name) in enumerate(FRONT_ENDS)])
def test_the_panel_shows_a_load_and_decides(page, start_lab, python, application):
    with start_lab(python, application) as server:
        opened = server.notebook("train.ipynb", *CELLS, kernel="test-0")
        page.goto(opened if application == "jupyterlab" else server.url("/notebooks/train.ipynb"))
        panel = open_panel(page)
        kernel_answers(panel)
        run(page, 0)
        cell(page, 0).get_by_text(DONE).wait_for()
        panel.get_by_text("train.ipynb is guarded").wait_for()
        run(page, 1)
        panel.locator(".mg-item", has_text="plain.pkl").wait_for()
        run(page, 2)
        waiting = panel.locator(".mg-pend")
        waiting.get_by_text("armed.pkl").wait_for()
        waiting.get_by_role("button", name="Keep blocked").click()
        cell(page, 2).locator(".jp-OutputArea").get_by_text("ModelLoadBlockedError").first.wait_for()
        panel.locator(".mg-item", has_text="armed.pkl").get_by_text("kept blocked").wait_for()
        assert not (server.folder / "canary").exists()
