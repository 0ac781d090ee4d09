"""Each decision of each kind of card with keys alone, from the place before it; `test_keyboard_in_lab` does it in a notebook."""

import pytest
from card_states import VIEWS


@pytest.fixture
def tab_to(stage):
    """Press Tab until the focus is on what begins with these words; what was passed comes back."""

    def tabbed(words):
        passed = []
        for _ in range(30):
            stage.keyboard.press("Tab")
            now = stage.evaluate(
                "(document.activeElement.closest('label') ?? document.activeElement).textContent.trim() || document.activeElement.id"
            )
            passed.append(now)
            if now.startswith(words):
                return passed
        raise AssertionError(f"no {words!r} among {passed}")

    return tabbed


@pytest.fixture
def begin(stage, show):
    def begun(state):
        card = show(state)
        stage.locator("#before").focus()
        return card

    return begun


def sent(stage):
    return stage.evaluate("window.sent")


ALLOWING = {  # card: the words of the scopes that can be chosen, each with its value and the button that it makes
    "runs-code": [
        ("Just this call, once", "once", "Run 2 unknown functions once"),
        ("This exact file", "digest", "Run 2 unknown functions and remember this file"),
    ],
    "uninspected": [("Just this call, once", "once", "Load 2 unchecked parts once")],
    "nothing-found": [("Just this call, once", "once", "Load this file once")],
    "remote-code": [("Just this call, once", "once", "Import 2 files once")],
    "remote-code-at-a-commit": [
        ("Just this call, once", "once", "Import 2 files once"),
        ("This repository at this commit", "commit", "Import 2 files and remember this commit"),
    ],
    "changed": [("Just this call, once", "once", "Import 2 files once")],
}


@pytest.mark.parametrize(("state", "choice"), [(state, at) for state, choices in ALLOWING.items() for at in range(len(choices))])
def test_a_reason_a_scope_and_the_button_that_says_it(stage, begin, tab_to, state, choice):
    _, value, button = ALLOWING[state][choice]
    card = begin(state)
    tab_to("Load it anyway" if state == "uninspected" else "Run it anyway")
    stage.keyboard.press("Enter")
    tab_to("I made this file")
    stage.keyboard.press("Space")
    tab_to("Just this call, once")
    for _ in range(choice):
        stage.keyboard.press("ArrowDown")
    tab_to(button)
    assert sent(stage) == []
    stage.keyboard.press("Enter")
    assert sent(stage) == [{"token": "a-token", "decision": "allow", "reason": "I made this file", "scope": value, "finding": ""}]
    assert card.locator("[aria-busy=true]").count() == 1
    stage.keyboard.press("Enter")
    stage.keyboard.press("Escape")
    assert len(sent(stage)) == 1


@pytest.mark.parametrize("state", ["dangerous", "remote-code-dangerous"])
def test_the_finding_is_typed_before_the_button_takes_anything(stage, begin, tab_to, state):
    begin(state)
    tab_to("Run it anyway")
    stage.keyboard.press("Enter")
    tab_to("I made this file")
    stage.keyboard.press("Space")
    tab_to("Just this call, once")
    stage.keyboard.press("Tab")
    stage.keyboard.type("os.syste")
    button = "Run os.system once" if state == "dangerous" else "Import 2 files once"
    tab_to(button)
    stage.keyboard.press("Enter")
    assert sent(stage) == []
    stage.keyboard.press("Shift+Tab")
    stage.keyboard.press("Shift+Tab")
    stage.keyboard.press("End")
    stage.keyboard.type("m")
    tab_to(button)
    stage.keyboard.press("Enter")
    assert [(one["decision"], one["finding"], one["scope"]) for one in sent(stage)] == [("allow", "os.system", "once")]


@pytest.mark.parametrize("state", [name for name in VIEWS if name not in {"forbidden", "hostile", "every-field"}])
def test_keep_blocked_in_each_of_them(stage, begin, tab_to, state):
    begin(state)
    tab_to("Keep blocked")
    stage.keyboard.press("Enter")
    assert sent(stage) == [{"token": "a-token", "decision": "deny"}]


@pytest.mark.parametrize("state", [name for name in VIEWS if name not in {"hostile", "every-field"}])
def test_what_it_does_opens_and_closes(stage, begin, tab_to, state):
    card = begin(state)
    words = "Show the checked part" if state == "uninspected" else "Show what it does"
    tab_to(words)
    opener = card.get_by_role("button", name=words)
    stage.keyboard.press("Enter")
    assert opener.get_attribute("aria-expanded") == "true"
    assert card.locator(f"[id='{opener.get_attribute('aria-controls')}']").is_visible()
    stage.keyboard.press("Space")
    assert opener.get_attribute("aria-expanded") == "false"
    assert sent(stage) == []


def test_a_forbidden_load_offers_no_decision_on_the_way_through(stage, begin, tab_to):
    begin("forbidden")
    assert tab_to("After") == ["Copy a request with this finding", "Show what it does", "What this cannot see", "After"]


def test_a_long_check_is_stopped(stage, begin, tab_to):
    begin("checking-with-a-bar")
    tab_to("Stop and keep blocked")
    stage.keyboard.press("Enter")
    assert sent(stage) == [{"token": "a-token", "decision": "deny"}]


def test_one_of_several_is_allowed_and_the_others_are_kept_blocked(stage, begin, tab_to):
    begin("several")
    tab_to("Details and other choices")
    stage.keyboard.press("Enter")
    tab_to("Run it anyway")
    stage.keyboard.press("Enter")
    tab_to("I made this file")
    stage.keyboard.press("Space")
    tab_to("Run 2 unknown functions once")
    stage.keyboard.press("Enter")
    assert [(one["token"], one["decision"]) for one in sent(stage)] == [("a-token", "allow")]
    tab_to("Keep the other")
    stage.keyboard.press("Enter")
    assert [(one["token"], one["decision"]) for one in sent(stage)[1:]] == [("b", "deny"), ("c", "deny")]


def test_a_receipt_opens_and_does_nothing_else(stage, begin, tab_to):
    for state in ("allowed", "denied", "blocked-by-policy", "stale", "abandoned"):
        card = begin(state)
        tab_to("modelguard · ")
        stage.keyboard.press("Enter")
        assert card.get_by_role("button", name="Copy report").is_visible()
        stage.keyboard.press("Escape")
        assert sent(stage) == [], state
