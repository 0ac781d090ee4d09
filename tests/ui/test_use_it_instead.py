"""A safer way in a real JupyterLab: the rewritten cell goes below the blocked one by a press, and runs when the person runs it."""

import os

import pytest
from panel_stage import open_panel

pytest.importorskip("torch", reason="torch is not installed")

MAKE = """
import sys, types, torch
acme = types.ModuleType("acme")
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.line = torch.nn.Linear(3, 2)
Net.__module__, acme.Net, sys.modules["acme"] = "acme", Net, acme
torch.save(Net(), "net.pt")
del sys.modules["acme"]
"""
LOAD = """
import torch
weights = torch.load("net.pt", weights_only=False)
print("loaded", sorted(weights))
"""
REWRITTEN = LOAD.strip().replace('torch.load("net.pt", weights_only=False)', 'jupyter_modelguard.take_weights("net.pt")')


@pytest.fixture
def card(page, lab, request):
    folder = request.node.name[-30:]
    (lab.folder / folder).mkdir()
    page.goto(lab.notebook(os.path.join(folder, "instead.ipynb"), "%load_ext modelguard", MAKE, LOAD, kernel="test-0"))
    page.locator(".jp-Notebook .jp-Cell").nth(0).wait_for()
    page.locator("#jp-main-statusbar").get_by_text("| Idle").wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    shown = page.locator(".mg-card").first
    shown.locator(".mg-title").wait_for(timeout=60_000)
    return shown


def cells(page):
    return page.locator(".jp-Notebook .jp-CodeCell")


def test_rewritten_cell_goes_below_and_runs_when_it_is_run(card, page):
    card.get_by_role("button", name="Take only the weights").click()
    assert 'weights = jupyter_modelguard.take_weights("net.pt")' in card.inner_text()
    assert cells(page).count() == 3
    card.get_by_role("button", name="Put it in a new cell").click()
    cells(page).nth(3).wait_for()
    assert cells(page).nth(3).locator(".cm-content").inner_text() == f"import jupyter_modelguard\n{REWRITTEN}"
    cells(page).nth(2).get_by_text("ModelLoadBlockedError").first.wait_for()
    assert "instead: Take only the weights" in cells(page).nth(2).inner_text()
    assert cells(page).nth(3).locator(".jp-OutputArea-output").count() == 0
    page.keyboard.press("Control+Enter")
    cells(page).nth(3).get_by_text("loaded ['line.bias', 'line.weight']").wait_for(timeout=60_000)


def test_same_with_the_keyboard_alone(card, page):
    """Tab to the way, Enter opens it, Enter takes it; the new cell is the one that Ctrl+Enter runs then."""
    card.locator(".mg-title").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Take only the weights"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent").startswith("Keep blocked")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Put it in a new cell and keep this load blocked"
    assert cells(page).count() == 3
    page.keyboard.press("Enter")
    cells(page).nth(3).wait_for()
    cells(page).nth(2).get_by_text("ModelLoadBlockedError").first.wait_for()
    page.keyboard.press("Control+Enter")
    cells(page).nth(3).get_by_text("loaded ['line.bias', 'line.weight']").wait_for(timeout=60_000)


def test_same_from_the_panel(card, page, request):
    """The panel's card puts the cell into the notebook whose load waits, also when another one is in front."""
    page.evaluate("window.jupyterapp.commands.execute('notebook:create-new', {kernelName: 'test-0'})")
    page.locator(".jp-NotebookPanel:visible .jp-Cell").first.wait_for()
    panel = open_panel(page)
    waits = panel.locator(".mg-wait", has_text=request.node.name[-30:])
    waits.get_by_role("button", name="Review").click()
    panel.get_by_role("button", name="Take only the weights").click()
    panel.get_by_role("button", name="Put it in a new cell").click()
    shown = page.locator(".jp-NotebookPanel:visible .jp-CodeCell")
    shown.nth(3).wait_for()
    assert shown.nth(3).locator(".cm-content").inner_text() == f"import jupyter_modelguard\n{REWRITTEN}"
    shown.nth(2).get_by_text("ModelLoadBlockedError").first.wait_for()
    assert "instead: Take only the weights" in shown.nth(2).inner_text()
    page.keyboard.press("Control+Enter")
    shown.nth(3).get_by_text("loaded ['line.bias', 'line.weight']").wait_for(timeout=60_000)
