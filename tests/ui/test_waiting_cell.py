"""The main job in a real JupyterLab: a cell stops in the middle, a person clicks, and the notebook goes on or does not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from notebook_page import idle, run_all

ARMED = """
import os, pickle
class Touch:
    def __reduce__(self):
        return os.system, ("touch canary",)
open("armed.pkl", "wb").write(pickle.dumps({"weights": [1.5], "extra": Touch()}))
"""
LOAD = """
import pickle
with open("armed.pkl", "rb") as file:
    model = pickle.load(file)
print("loaded", model["weights"])
"""
NEXT = "print('the next cell ran')"


def pythons():
    return [sys.executable, *filter(None, os.environ.get("MODELGUARD_TEST_KERNELS", "").split(os.pathsep))]


def version(python):
    command = [python, "-c", "import ipykernel; print(ipykernel.__version__)"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(params=range(len(pythons())), ids=[f"ipykernel {version(python)}" for python in pythons()])
def kernel(request):
    """Name of a kernel specification, each with its own ipykernel."""
    return f"test-{request.param}"


@pytest.fixture
def opened(page, lab, kernel, request):
    """The notebook with the armed load, opened on that kernel and run up to the card."""
    folder = Path(f"{request.node.name[:20].strip('_')}-{kernel}")
    (lab.folder / folder).mkdir(exist_ok=True)
    canary = lab.folder / folder / "canary"
    canary.unlink(missing_ok=True)
    page.goto(lab.notebook(str(folder / "waiting.ipynb"), "%load_ext modelguard", ARMED, LOAD, NEXT, kernel=kernel))
    run_all(page)
    page.locator(".mg-card .mg-title").first.wait_for(timeout=90_000)
    assert not canary.exists()
    return page, canary


def output(page, at):
    return page.locator(".jp-Notebook .jp-Cell").nth(at).locator(".jp-OutputArea")


def test_click_runs_it_once_and_run_all_goes_on(opened):
    page, canary = opened
    card = page.locator(".mg-card").first
    assert "os.system" in card.inner_text()
    assert output(page, 3).count() == 0 or "next cell" not in output(page, 3).inner_text()
    card.get_by_role("button", name="Run it anyway").click()
    card.get_by_role("radio", name="I made this file").check()
    card.get_by_role("textbox").fill("os.system")
    card.get_by_role("button", name="Run os.system once").click()
    output(page, 3).get_by_text("the next cell ran").wait_for()
    output(page, 2).get_by_text("loaded [1.5]").wait_for()
    assert canary.exists()
    assert "allowed once" in output(page, 2).inner_text()


def test_keep_blocked_stops_the_notebook(opened):
    page, canary = opened
    page.locator(".mg-card").first.get_by_role("button", name="Keep blocked").click()
    output(page, 2).get_by_text("ModelLoadBlockedError").first.wait_for()
    assert not canary.exists()
    idle(page)
    assert output(page, 3).count() == 0 or "next cell" not in output(page, 3).inner_text()


def test_interrupt_keeps_it_blocked_and_the_kernel_usable(opened):
    page, canary = opened
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.get_by_role("menuitem", name="Interrupt Kernel").click()
    idle(page)
    assert not canary.exists()
    page.locator(".jp-Notebook .jp-Cell").nth(3).locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    output(page, 3).get_by_text("the next cell ran").wait_for()
    assert not canary.exists()
