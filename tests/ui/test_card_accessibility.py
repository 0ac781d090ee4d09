"""Each state of the card, with what it opens, under an accessibility checker, in every theme and with no rule of it switched off.

As in a notebook: one card on the page. And as in two notebooks side by side: cards of several loads, which must not have the same name.
"""

import json

import pytest
from card_stage import THEMES, open_everything, violations
from card_states import VIEWS, states, traits

STATES = states()


def in_two_steps(page):
    """What is wrong with the page as it is, and once all that can be opened is open."""
    closed = violations(page, "html")
    open_everything(page.locator("#card"))
    return closed + violations(page, "html")


@pytest.mark.parametrize("theme", THEMES)
def test_no_violation_in_any_state_alone_on_the_page(stage, show, theme):
    found = {}
    for state in STATES:
        card = show(state, theme)
        closed = violations(stage, "html") if theme == "light" else []  # other colours change nothing but contrast
        open_everything(card)
        found[state] = closed + violations(stage, "html")
    assert {state: wrong for state, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("theme", THEMES)
def test_no_violation_where_the_kernel_is_gone_or_the_answer_is_on_its_way(stage, show, theme):
    card = show("runs-code", theme)
    card.get_by_role("button", name="Keep blocked").click()
    assert in_two_steps(stage) == []
    show("runs-code", theme)
    stage.evaluate("document.querySelector('#card > div').classList.add('jupyter-widgets-disconnected')")
    card.get_by_text("not decided: the kernel restarted").wait_for()
    assert in_two_steps(stage) == []


@pytest.mark.parametrize("theme", THEMES)
def test_no_violation_with_cards_of_several_loads_on_one_page(stage, show, theme):
    show("runs-code", theme)
    cards = [traits(shown) for shown in VIEWS.values()] * 2
    for number, card in enumerate(cards):
        cards[number] = card | {"view": card["view"] | {"id": f"7f3a91{number:02x}"}}
    stage.evaluate("all => window.showAll(all)", json.loads(json.dumps(cards)))
    assert in_two_steps(stage) == []


def test_cards_of_the_same_file_have_names_that_tell_them_apart(stage, show):
    show("runs-code")
    one, other = traits(VIEWS["runs-code"]), traits(VIEWS["runs-code"])
    other["view"] = other["view"] | {"id": "7f3a91ff"}
    stage.evaluate("all => window.showAll(all)", json.loads(json.dumps([one, other])))
    for number in ("#7f3a91c2", "#7f3a91ff"):
        name = f"Stopped before loading · can run code on this machine yolo.pt {number}"
        assert stage.get_by_role("group", name=name, exact=True).count() == 1
