"""Several people of one server, each with a browser and a name of their own, before the same notebook: what one decides, all see."""

import contextlib

import pytest
from guarded_notebook import ARMED, Beside, cells


@pytest.fixture(scope="module")
def people(shared_lab, person):
    """Ada and Mary, who may decide, and Grace, who may look, each with the same notebook and the panel; Ada's kernel is guarded."""
    address = shared_lab.notebook("people.ipynb", *cells("people", shared_lab.trust), kernel="test-0")
    with contextlib.ExitStack() as pages:
        ada = Beside(pages.enter_context(person("ada", address)), "people")
        ada.begin()  # while its session is being made, whoever opens the notebook as well gets another kernel
        others = [Beside(pages.enter_context(person(name, address)), "people") for name in ("mary", "grace")]
        for beside in others:
            beside.is_guarded()
        yield ada, *others


def shield(beside):
    return beside.page.locator("#jp-main-statusbar .mg-status:visible")


def test_what_one_keeps_blocked_goes_from_the_others_panel_and_the_trail_says_who(people):
    ada, mary, _ = people
    ada.stop(ARMED)
    mary.waits()
    shield(mary).get_by_text("1 load waiting").wait_for()
    mary.keep_blocked()
    ada.output(ARMED, "ModelLoadBlockedError")
    ada.waits_no_more()
    for one in (ada, mary):
        one.rows("armed").filter(has_text="kept blocked by mary").first.wait_for()
        one.open_row("armed", "by mary")
        assert any("Kept blocked" in step and step.endswith("by mary, in the sidebar") for step in one.trail())
        one.to_list()


def test_a_card_that_one_reads_goes_when_the_other_decides_in_the_cell(people):
    ada, mary, _ = people
    ada.stop(ARMED)
    mary.waits()
    shield(mary).click()  # no card in her page: the shield leads to the panel's
    card = mary.panel.locator(".mg-card")
    mary.page.wait_for_function("document.activeElement.matches('.mg-side .mg-title')")
    ada.cell(ARMED).locator(".mg-card").get_by_role("button", name="Keep blocked").click()
    ada.output(ARMED, "ModelLoadBlockedError")
    card.wait_for(state="detached")
    mary.waits_no_more()
    mary.page.wait_for_function("document.activeElement.closest('.mg-side') !== null")
    mary.open_row("armed")
    assert any("Kept blocked" in step and "in the card" in step for step in mary.trail())
    mary.to_list()


def test_who_may_only_read_sees_what_waits_and_no_button_that_decides(people):
    ada, mary, grace = people
    ada.stop(ARMED)
    grace.waits()
    assert [one.inner_text() for one in grace.waiting.get_by_role("button").all()] == ["Open cell"]
    shield(grace).click()
    assert grace.panel.locator(".mg-card").count() == 0
    mary.waits()
    mary.keep_blocked()
    grace.waits_no_more()
    grace.open_row("armed", "by mary")
    grace.panel.get_by_role("button", name="Copy report").wait_for()
    assert grace.panel.get_by_role("button", name="Delete this record").count() == 0
    mary.open_row("armed", "by mary")
    mary.panel.get_by_role("button", name="Delete this record").wait_for()
