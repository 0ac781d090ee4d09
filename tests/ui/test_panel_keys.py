"""The panel in a real lab for who uses no pointer, and under an accessibility checker with what a real load brings."""

import pytest
from card_stage import violations
from guarded_notebook import ARMED, PLAIN

PANEL = "#jupyter-modelguard-panel"


def change_theme(page, theme):
    page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
    page.wait_for_function("theme => document.body.dataset.jpThemeName === theme", arg=theme)


@pytest.fixture
def ada(worked):
    worked.to_list()
    yield worked
    change_theme(worked.page, "JupyterLab Light")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_no_violation_with_a_load_that_waits_its_card_the_list_and_a_record(ada, theme):
    change_theme(ada.page, theme)
    ada.run(PLAIN)
    ada.rows("plain").first.wait_for()
    ada.stop(ARMED)
    found = violations(ada.page, PANEL)
    ada.waiting.get_by_role("button", name="Review").click()
    card = ada.panel.locator(".mg-card")
    card.get_by_role("button", name="Run it anyway").click()
    found += violations(ada.page, PANEL)
    card.get_by_role("button", name="Keep blocked").click()
    ada.waits_no_more()
    found += violations(ada.page, PANEL)
    ada.open_row("armed")
    found += violations(ada.page, PANEL)
    assert found == []


def test_from_the_notebook_to_a_decision_in_the_panel_and_back_with_keys_alone(ada):
    page, press = ada.page, ada.page.keyboard.press
    ada.stop(ARMED)
    page.wait_for_function("document.activeElement.matches('.jp-Cell .mg-title')")
    press("Shift+Tab")  # out of the card, which keeps keys to itself
    page.wait_for_function("document.activeElement.closest('.mg-card') === null")
    press("Control+Shift+C")
    page.wait_for_function("document.activeElement.matches('.lm-CommandPalette-input')")
    page.keyboard.type("open the modelguard panel")
    page.locator(".lm-CommandPalette-item.lm-mod-active", has_text="modelguard").wait_for()
    press("Enter")
    page.wait_for_function("document.activeElement.matches('.mg-top h3')")
    tab_to(page, "Review")
    press("Enter")
    page.wait_for_function("document.activeElement.matches('.mg-side .mg-title')")
    tab_to(page, "Run it anyway")
    press("Enter")
    tab_to(page, "I made this file")
    press("Space")
    press("ArrowDown")
    tab_to(page, "Just this call, once")
    press("Tab")
    page.keyboard.type("os.system")
    tab_to(page, "Run os.system once")
    press("Enter")
    ada.output(ARMED, "armed")
    ada.waits_no_more()
    page.wait_for_function("document.activeElement.closest('.mg-side') !== null")
    tab_to(page, "All notebooks")
    press("Tab")  # the list is one stop, where the focus was last; arrows and Home lead through it
    press("Home")
    press("ArrowDown")
    page.wait_for_function("document.activeElement.textContent.startsWith('armed-')")
    press("Enter")
    page.wait_for_function("document.activeElement.matches('.mg-back')")
    assert any("Allowed once" in step and "by ada, in the sidebar" in step for step in ada.trail())
    tab_to(page, "Open cell")
    press("Enter")
    page.wait_for_function("document.activeElement.closest('.jp-Notebook') !== null")


def tab_to(page, words, most=15):
    """Press Tab until the focus is on what begins with these words."""
    passed = []
    for _ in range(most):
        page.keyboard.press("Tab")
        passed.append(page.evaluate("(document.activeElement.closest('label') ?? document.activeElement).textContent.trim()"))
        if passed[-1].startswith(words):
            return
    raise AssertionError(f"no {words!r} among {passed}")
