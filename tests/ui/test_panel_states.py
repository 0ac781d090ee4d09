"""Every state of the panel in JupyterLab's own themes, under an accessibility checker, and a long history under the hands."""

import os
import re

import pytest
from card_stage import violations
from panel_stage import MadeUpServer, approval, look_again, open_panel, row

THEMES = ["JupyterLab Light", "JupyterLab Dark", "JupyterLab Dark High Contrast"]


@pytest.fixture
def server(page):
    return MadeUpServer(page)


@pytest.fixture
def opened(page, lab, server):
    """The panel beside a notebook whose kernel is not guarded, with a short history and two loads that wait."""
    page.emulate_media(reduced_motion="reduce")
    server.rows = [row(at) for at in range(12)]
    server.approvals = [approval(1, "runs-code"), approval(2, "uninspected")]
    page.goto(lab.notebook("states.ipynb", "1"))
    panel = open_panel(page)
    panel.get_by_text("states.ipynb is not guarded").wait_for()
    panel.locator(".mg-item", has_text="model-0.pkl").wait_for()
    return panel


def picture(page, name):
    if folder := os.environ.get("MODELGUARD_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/panel-{name}.png", clip={"x": 0, "y": 0, "width": 420, "height": 900})


def found(page):
    return violations(page, "#jupyter-modelguard-panel")


@pytest.mark.parametrize("theme", THEMES)
def test_no_violation_in_any_state(page, server, opened, theme):
    name = re.sub(r"\W+", "-", theme[11:].lower())
    page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
    page.wait_for_function("theme => document.body.dataset.jpThemeName === theme", arg=theme)
    wrong = found(page)
    picture(page, f"{name}-list")
    opened.get_by_role("button", name="Why?").click()
    opened.get_by_role("button", name="Export", exact=True).click()
    opened.get_by_role("button", name="Review").first.click()
    wrong += found(page)
    picture(page, f"{name}-card")
    opened.get_by_role("button", name="Close the card").click()
    opened.locator(".mg-item").nth(1).click()
    opened.get_by_text("Kept blocked", exact=True).wait_for()
    wrong += found(page)
    picture(page, f"{name}-detail")
    opened.get_by_role("button", name="All checks").click()
    opened.locator(".mg-fchip[data-level=danger]").click()
    opened.get_by_role("searchbox").fill("keras")
    opened.get_by_text("No check matches").wait_for()
    wrong += found(page)
    opened.get_by_role("button", name="Clear filters").click()
    opened.locator(".mg-item", has_text="model-0.pkl").wait_for()  # before the server is gone
    server.down = True
    look_again(page)
    opened.get_by_text("Cannot reach the Jupyter server").wait_for()
    opened.get_by_text("may be out of date").wait_for()
    assert opened.locator(".mg-item").count() > 0
    wrong += found(page)
    picture(page, f"{name}-unreachable")
    server.down, server.absent = False, True
    look_again(page)
    opened.get_by_text("The history is not available on this server").wait_for()
    wrong += found(page)
    server.absent, server.rows, server.approvals = False, [], []
    look_again(page)
    opened.get_by_text("Nothing recorded for this notebook").wait_for()
    wrong += found(page)
    assert wrong == []


def test_a_record_is_deleted_only_after_a_confirmation(page, server, opened):
    opened.locator(".mg-item", has_text="model-1.pkl").click()
    delete = opened.get_by_role("button", name="Delete this record")
    delete.click()
    page.locator(".jp-Dialog").get_by_role("button", name="Keep it").click()
    assert len(server.rows) == 12
    delete.click()
    page.locator(".jp-Dialog").get_by_role("button", name="Delete").click()
    opened.locator(".mg-item", has_text="model-2.pkl").wait_for()
    assert opened.locator(".mg-item", has_text="model-1.pkl").count() == 0
    assert len(server.rows) == 11


def test_who_may_only_read_is_offered_no_decision(page, server, opened):
    server.may_decide = False
    server.down = True
    look_again(page)
    opened.get_by_text("Cannot reach").wait_for()
    server.down = False
    look_again(page)
    opened.get_by_text("Cannot reach").wait_for(state="detached")
    assert opened.get_by_role("button", name=re.compile("Review|Keep blocked")).count() == 0


def test_ten_thousand_rows_scroll_with_a_few_in_the_page(page, server, opened):
    server.approvals = []
    server.rows = [row(at) for at in range(10_000)]
    look_again(page)
    opened.locator("li[aria-setsize='10000']").first.wait_for()
    opened.locator(".mg-item").first.focus()
    page.keyboard.press("End")
    last = opened.locator(".mg-item", has_text="model-9999.pkl")
    last.wait_for()
    assert last.evaluate("one => one === document.activeElement")
    assert opened.locator(".mg-item").count() < 60
    opened.get_by_role("searchbox").fill("model-77")
    opened.locator("li[aria-setsize='111']").first.wait_for()


def test_a_load_that_waits_out_of_sight_is_told_of_until_it_is_decided(page, server, opened):
    page.evaluate("window.jupyterapp.shell.collapseLeft()")
    server.approvals = [*server.approvals, approval(3, "dangerous")]
    look_again(page)
    notice = page.locator(".Toastify").get_by_text("waits for your decision").first
    notice.wait_for()
    server.approvals = []
    look_again(page)
    notice.wait_for(state="detached")
