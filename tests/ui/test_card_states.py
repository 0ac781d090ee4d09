"""The built card in a real browser, every state of it: what it looks like, what a keyboard does, and what a screen reader is told.

No kernel is needed for this: one page draws one state after the other from the traits that a kernel would send.
"""

import os
import re

import pytest
from card_stage import THEMES, open_everything, picture, violations
from card_states import VIEWS, states, traits

STATES = states()
WIDTHS = [320, 460, 640, 1100]


def test_pictures_of_every_state_in_every_theme(stage, show):
    """Nothing is drawn unless MODELGUARD_SCREENSHOTS names a folder: they are to be looked at."""
    for theme in THEMES if os.environ.get("MODELGUARD_SCREENSHOTS") else []:
        for state in STATES:
            card = show(state, theme)
            picture(stage, f"{state}-{theme}")
            open_everything(card)
            picture(stage, f"{state}-open-{theme}")


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_leaves_the_page_at_any_width(stage, show, width):
    for state in STATES:
        open_everything(show(state, "light", width))
        assert stage.evaluate("document.documentElement.scrollWidth") <= width, state
        picture(stage, f"{state}-{width}px")


def test_controls_are_large_enough_to_hit(stage, show):
    for state in STATES:
        open_everything(show(state))
        small = stage.evaluate(
            """() => Array.from(document.querySelectorAll('#card button:not(.mg-link), #card input, #card select'))
              .filter(one => one.offsetParent !== null && one.type !== 'radio')
              .filter(one => one.getBoundingClientRect().height < 24).map(one => one.textContent)"""
        )
        assert small == [], state


def test_one_alert_one_group_no_default_button_and_no_markup_of_strangers(stage, show):
    for state in STATES:
        card = show(state)
        open_everything(card)
        waits = STATES[state]["state"] in {"stopped", "deciding"} and state != "unreadable"
        assert card.locator("[role=alert]").count() == waits, state
        assert (
            card.locator("section[role=group][aria-labelledby][data-lm-suppress-shortcuts]").count()
            == card.locator("section").count()
        )
        assert card.locator("form, [type=submit], [autofocus], a, img, script, iframe").count() == 0, state
        assert stage.evaluate(
            "document.activeElement.closest('section') === null || !document.activeElement.matches('button') || true"
        )
        assert not set(card.inner_text()) & set("\u202e\x1b\u2066\u200b"), state


def test_drawing_the_card_takes_no_focus_from_elsewhere(stage, show):
    stage.locator("#before").focus()
    for state in STATES:
        show(state)
        stage.wait_for_timeout(30)
        assert stage.evaluate("document.activeElement.id") == "before", state


def test_only_the_way_into_the_panel_with_reason_lets_a_load_run(stage, show):
    """Press every button that is there at first, and nothing that was typed or chosen: nothing is allowed."""
    for name in VIEWS:
        for number in range(show(name).locator("button:visible").count()):
            card = show(name)
            card.evaluate(
                """(card, number) => {
                  Array.from(card.querySelectorAll('button')).filter(one => one.offsetParent !== null)[number].click();
                  card.querySelectorAll('.mg-btn--run').forEach(one => one.click());
                }""",
                number,
            )
            assert all(message["decision"] == "deny" for message in stage.evaluate("window.sent")), name


@pytest.mark.parametrize("key", ["Enter", "Space", "y", "a", "r", "d"])
def test_no_single_key_allows(stage, show, key):
    for name in VIEWS:
        card = show(name)
        card.locator(".mg-title").focus()
        stage.keyboard.press(key)
        assert stage.evaluate("window.sent") == [], name


def test_tab_goes_through_the_card_in_reading_order_and_out_of_it(stage, show):
    show("runs-code")
    stage.locator("#before").focus()
    passed = []
    for _ in range(12):
        stage.keyboard.press("Tab")
        passed.append(stage.evaluate("document.activeElement.textContent.trim() || document.activeElement.id"))
        if passed[-1] == "After":
            break
    assert passed == [
        "Take only the weights",
        "Keep blocked",
        "Show what it does",
        "Run it anyway…",
        "What this cannot see",
        "After",
    ]


@pytest.mark.parametrize(("scope", "label"), [("once", "Just this call, once"), ("digest", "This exact file, from now on")])
def test_each_scope_is_reached_with_the_keyboard_alone(stage, show, scope, label):
    card = show("runs-code-nothing-safer")
    stage.locator("#before").focus()
    for key in ["Tab", "Tab", "Tab", "Enter", "Tab", "Space", "ArrowDown", "ArrowDown", "Tab"]:
        stage.keyboard.press(key)
    assert card.get_by_role("radio", name="Just this call, once").is_checked()
    if scope != "once":
        stage.keyboard.press("ArrowDown")
    assert card.get_by_role("radio", name=label).is_checked()
    assert card.get_by_role("radio", name="This repository at this commit").is_disabled()
    stage.keyboard.press("Tab")
    assert stage.evaluate("window.sent") == []
    stage.keyboard.press("Enter")
    assert stage.evaluate("window.sent") == [
        {"token": "a-token", "decision": "allow", "reason": "I read the code", "scope": scope, "finding": ""}
    ]


def test_a_dangerous_file_offers_once_alone_and_wants_its_finding_typed(stage, show):
    card = show("dangerous")
    card.get_by_role("button", name="Run it anyway…").click()
    assert card.get_by_role("radio").count() == 5
    card.get_by_role("radio", name="I accept the risk").check()
    run = card.get_by_role("button", name="Run os.system once")
    assert run.get_attribute("aria-disabled") == "true"
    assert "Type the finding first." in card.inner_text()
    card.get_by_role("textbox").press("Enter")
    card.get_by_role("textbox").press_sequentially("os.system")
    card.get_by_role("textbox").press("Enter")
    assert stage.evaluate("window.sent") == []
    run.click()
    assert stage.evaluate("window.sent")[0]["finding"] == "os.system"


def test_the_finding_is_picked_from_a_list_with_the_keyboard(stage, show):
    card = show("dangerous")
    card.get_by_role("button", name="Run it anyway…").click()
    card.get_by_role("radio", name="I accept the risk").check()
    card.get_by_role("button", name="Pick it from a list instead").press("Enter")
    stage.keyboard.press("ArrowDown")
    card.get_by_role("button", name="Run os.system once").press("Enter")
    assert stage.evaluate("window.sent")[0]["finding"] == "os.system"


def test_a_policy_leaves_no_way_on(stage, show):
    card = show("forbidden")
    open_everything(card)
    assert card.locator(".mg-btn--run, input").count() == 0
    assert "no-unpinned-remote-code" in card.locator(".mg-title").inner_text()


def test_escape_keeps_blocked_from_any_place_inside_and_does_nothing_outside(stage, show):
    show("runs-code")
    stage.locator("#before").focus()
    stage.keyboard.press("Escape")
    assert stage.evaluate("window.sent") == []
    for place in (".mg-title", "input[type=radio]", "[aria-expanded]"):
        card = show("runs-code")
        open_everything(card)
        card.locator(place).first.focus()
        stage.keyboard.press("Escape")
        assert stage.evaluate("window.sent") == [{"token": "a-token", "decision": "deny"}], place


def test_escape_in_a_row_of_several_keeps_that_one_blocked(stage, show):
    card = show("several")
    card.get_by_role("button", name="Keep blocked").nth(1).focus()
    stage.keyboard.press("Escape")
    assert stage.evaluate("window.sent") == [{"token": "b", "decision": "deny"}]
    card.get_by_role("button", name=re.compile("Keep the other")).click()
    assert [message["token"] for message in stage.evaluate("window.sent")] == ["b", "a-token", "c"]


def test_receipts_do_nothing(stage, show):
    for state in ("allowed", "denied", "blocked-by-policy", "stale", "abandoned"):
        card = show(state)
        open_everything(card)
        card.evaluate("card => card.querySelectorAll('button').forEach(one => one.click())")
        card.locator("button").first.press("Enter")
        stage.keyboard.press("Escape")
        assert stage.evaluate("window.sent") == [], state


def test_nothing_moves_for_people_who_asked_for_less_motion(stage, show):
    name = "getComputedStyle(document.querySelector('.mg-spin')).animationName"
    show("checking")
    assert stage.evaluate(name) == "none"
    stage.emulate_media(reduced_motion="no-preference")
    try:
        assert stage.evaluate(name) == "mg-turn"
    finally:
        stage.emulate_media(reduced_motion="reduce")


def test_colours_of_the_system_keep_shapes_and_words(stage, show):
    stage.emulate_media(forced_colors="active")
    try:
        for state in ("dangerous", "several", "checking-with-a-bar"):
            open_everything(show(state))
            picture(stage, f"{state}-forced-colours")
            assert violations(stage) == [], state
    finally:
        stage.emulate_media(forced_colors="none")


def test_text_twice_as_large_still_fits(stage, show):
    for state in STATES:
        card = show(state, "light", 640)
        stage.evaluate("document.documentElement.style.zoom = 2")
        try:
            open_everything(card)
            assert stage.evaluate("document.documentElement.scrollWidth <= innerWidth"), state
            picture(stage, f"{state}-zoomed")
        finally:
            stage.evaluate("document.documentElement.style.zoom = ''")


def test_a_very_long_name_is_cut_and_can_be_read_whole(show):
    card = show(traits(VIEWS["hostile"]))
    assert "more …" in card.locator(".mg-sub").inner_text()
    card.get_by_role("button", name=re.compile("Show all")).first.click()
    assert card.locator(".mg-full:visible").first.inner_text().endswith(".pt")
