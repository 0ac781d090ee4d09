"""The pictures of the card that users are shown: each is of a state that the card has now, and each theme is among them.

MODELGUARD_GALLERY names the folder to take them anew into: example_notebooks/images. They are to be looked at, and made small, before they
are kept.
"""

import dataclasses
import os
import re
from pathlib import Path

import pytest
from card_stage import THEMES
from card_states import DENIED, VIEWS, states, traits

from jupyter_modelguard.approval.present import plain_view, receipt

EXAMPLES = Path(__file__).parents[2] / "example_notebooks"
PAGE = EXAMPLES / "cards.md"
SHOW, RUN, WAY = "Show what it does", "Run it anyway…", "Take only the weights"


def several():
    kept = dataclasses.replace(VIEWS["dangerous"], id="81c04d17")
    others = [
        {"token": "b", "view": plain_view(VIEWS["uninspected"]) | {"id": "3b08e5aa"}, "state": "stopped", "receipt": ""},
        {"token": "c", "view": plain_view(kept), "state": "denied", "receipt": receipt(kept, DENIED).text},
    ]
    return traits(VIEWS["runs-code"], others=others)


STATES = states() | {"several": several()}
PICTURES = {  # name: the state, the theme, and what is opened in it
    "card-runs-code": ("runs-code", "light", ()),
    "card-choices": ("runs-code-nothing-safer", "light", (RUN,)),
    "card-instead": ("runs-code", "light", (WAY,)),
    "card-what-it-does": ("runs-code-nothing-safer", "light", (SHOW,)),
    "card-dangerous-dark": ("dangerous", "dark", (RUN,)),
    "card-not-inspected-high-contrast": ("uninspected", "hc", ()),
    "card-forbidden-dark": ("forbidden", "dark", ()),
    "card-nothing-found": ("nothing-found", "light", ()),
    "card-repository-high-contrast": ("remote-code-at-a-commit", "hc", (RUN,)),
    "card-changed-dark": ("changed", "dark", ()),
    "card-several": ("several", "light", ()),
    "card-checking": ("checking-with-a-bar", "light", ()),
    "card-allowed": ("allowed", "light", ()),
    "card-denied-dark": ("denied", "dark", ()),
    "card-stale": ("stale", "light", ()),
    "card-abandoned-high-contrast": ("abandoned", "hc", ()),
}


@pytest.mark.parametrize("name", PICTURES)
def test_pictured_state_can_be_drawn(stage, show, name):
    state, theme, opened = PICTURES[name]
    card = show(STATES[state], theme, 780)
    for words in opened:
        card.get_by_role("button", name=words).first.click()
    assert card.locator(".mg-card, .mg-receipt").count() == 1
    stage.mouse.move(0, 0)  # on no button
    if folder := os.environ.get("MODELGUARD_GALLERY"):
        card.screenshot(path=f"{folder}/{name}.png")


def test_page_shows_every_picture_and_no_other():
    shown = re.findall(r"!\[[^\]]+\]\(images/([\w-]+)\.png\)", PAGE.read_text())
    assert sorted(shown) == sorted(PICTURES)
    for name in shown:
        assert (EXAMPLES / "images" / f"{name}.png").stat().st_size < 100_000


def test_every_level_and_theme_is_pictured():
    pictured = [STATES[state]["view"].get("level") for state, _, _ in PICTURES.values()]
    assert {"runs_code", "dangerous", "uninspected", "forbidden", "data_only"} <= set(pictured)
    assert {theme for _, theme, _ in PICTURES.values()} == set(THEMES)
