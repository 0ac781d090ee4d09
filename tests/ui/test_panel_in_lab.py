"""The panel in a real JupyterLab, with the server extension and real kernels: rows arrive, loads are decided, cells go on."""

import sys

import pytest
from panel_stage import kernel_answers, open_panel

SETUP = """
%load_ext modelguard
import os, pickle
class Touch:
    def __reduce__(self):
        return os.system, ("touch canary-{name}",)
open("armed-{name}.pkl", "wb").write(pickle.dumps({{"weights": [1.5], "extra": Touch()}}))
open("plain-{name}.pkl", "wb").write(pickle.dumps({{"weights": [2.5]}}))
def load(name):
    with open(name, "rb") as file:
        return pickle.load(file)["weights"]
"""


def run(page, at):
    page.locator(".jp-NotebookPanel:visible .jp-Notebook .jp-Cell").nth(at).locator(".cm-content").click()
    page.keyboard.press("Control+Enter")


def cells(name):
    return SETUP.format(name=name), f"load('plain-{name}.pkl')", f"load('armed-{name}.pkl')"


@pytest.fixture(scope="module")
def lab(start_lab):
    """A server of these tests' own: what other tests leave waiting would wait in its panel too."""
    with start_lab(sys.executable, "jupyterlab") as running:
        yield running


@pytest.fixture
def panel(page, lab, request):
    """The panel beside a notebook of the test's own, whose kernel is guarded and has its two files."""
    name = request.node.name.removeprefix("test_")[:12]
    page.goto(lab.notebook(f"{name}.ipynb", *cells(name), kernel="test-0"))
    opened = open_panel(page)
    kernel_answers(opened)
    run(page, 0)
    opened.get_by_text(f"{name}.ipynb is guarded").wait_for()
    opened.name = name
    return opened


def waiting(panel):
    return panel.locator(".mg-pend")


def stop(page, panel):
    run(page, 2)
    waiting(panel).get_by_text(f"armed-{panel.name}.pkl").wait_for()


def output(page, text):
    page.locator(".jp-OutputArea-executeResult").get_by_text(text).wait_for()


def test_a_row_comes_by_itself_after_a_load(page, lab, panel):
    run(page, 1)
    row = panel.locator(".mg-item", has_text=f"plain-{panel.name}.pkl")
    row.wait_for()
    assert "Nothing found" in row.inner_text()
    row.click()
    panel.get_by_text("pickle.load").first.wait_for()
    panel.get_by_role("button", name="All checks").click()
    assert row.evaluate("one => one === document.activeElement")


def test_a_decision_in_the_panel_lets_the_cell_go_on(page, lab, panel):
    stop(page, panel)
    assert not (lab.folder / f"canary-{panel.name}").exists()
    waiting(panel).get_by_role("button", name="Review").click()
    card = panel.locator(".mg-card")
    card.get_by_role("button", name="Run it anyway").click()
    card.get_by_role("radio", name="I made this file").check()
    card.get_by_role("textbox").fill("os.system")
    card.get_by_role("button", name="Run os.system once").click()
    output(page, "[1.5]")
    assert (lab.folder / f"canary-{panel.name}").exists()
    waiting(panel).wait_for(state="hidden")
    panel.locator(".mg-item", has_text="allowed once by").wait_for()


def test_keep_blocked_in_the_panel_stops_the_cell(page, lab, panel):
    stop(page, panel)
    waiting(panel).get_by_role("button", name="Keep blocked").click()
    page.locator(".jp-OutputArea").get_by_text("ModelLoadBlockedError").first.wait_for()
    assert not (lab.folder / f"canary-{panel.name}").exists()


def test_after_a_reload_the_panel_is_the_way_back(page, lab, panel):
    stop(page, panel)
    page.wait_for_timeout(500)
    page.reload()
    opened = open_panel(page)
    opened.get_by_text(f"{panel.name}.ipynb is guarded and waits for you").wait_for()
    waiting(opened).get_by_role("button", name="Keep blocked").click()
    opened.locator(".mg-item", has_text=f"armed-{panel.name}.pkl").get_by_text("kept blocked").wait_for()
    assert not (lab.folder / f"canary-{panel.name}").exists()


def test_the_shield_opens_the_panel_and_goes_to_the_card_when_one_waits(page, lab, panel):
    page.evaluate("window.jupyterapp.shell.collapseLeft()")
    page.locator("#jp-main-statusbar .mg-status:visible").click()
    panel.locator(".mg-top h3").wait_for()
    stop(page, panel)
    shield = page.locator("#jp-main-statusbar .mg-status:visible")
    shield.get_by_text("1 load waiting").wait_for()
    page.locator("[data-mg-waiting='1']").first.wait_for(state="attached")
    shield.click()
    page.wait_for_function("document.activeElement.matches('.jp-Cell .mg-title')")
    page.keyboard.press("Escape")
    waiting(panel).wait_for(state="hidden")
    page.wait_for_function("document.querySelector('[data-mg-waiting]') === null")


def test_two_notebooks_are_two_groups_and_open_cell_goes_back_to_the_first(page, lab, panel):
    run(page, 1)
    panel.locator(".mg-item", has_text=f"plain-{panel.name}.pkl").wait_for()
    lab.notebook("second.ipynb", *cells("second"), kernel="test-0")
    page.evaluate("window.jupyterapp.commands.execute('docmanager:open', {path: 'second.ipynb'})")
    panel.get_by_text("second.ipynb is not guarded").wait_for()
    run(page, 0)
    panel.get_by_text("second.ipynb is guarded").wait_for()
    run(page, 1)
    panel.locator(".mg-item", has_text="plain-second.pkl").wait_for()
    panel.get_by_role("button", name="This notebook").click()
    panel.locator(".mg-item", has_text=f"plain-{panel.name}.pkl").wait_for(state="detached")
    panel.get_by_role("button", name="All notebooks").click()
    panel.locator(".mg-item", has_text=f"plain-{panel.name}.pkl").click()
    panel.get_by_role("button", name="Open cell").click()
    panel.get_by_text(f"{panel.name}.ipynb is guarded").wait_for()
    assert page.locator(".jp-NotebookPanel:visible .jp-Cell.jp-mod-active").inner_text().strip().startswith("[2]")


def test_guard_this_notebook_runs_the_magic_without_a_cell(page, lab):
    page.goto(lab.notebook("guard-me.ipynb", "1", kernel="test-0"))
    panel = open_panel(page)
    panel.get_by_role("button", name="Guard this notebook").click()
    panel.get_by_text("guard-me.ipynb is guarded").wait_for()
    assert page.locator(".jp-Notebook .jp-Cell").count() == 1
    run(page, 0)
    page.get_by_text("[1]:").first.wait_for()
