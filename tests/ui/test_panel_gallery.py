"""The pictures of the panel that users are shown: each state that the panel has is among them, and each can be drawn now, wide and narrow.

MODELGUARD_GALLERY names the folder to take them anew into:

    MODELGUARD_GALLERY=example_notebooks/images python -m pytest tests/ui/test_panel_gallery.py

They are to be looked at before they are kept.
"""

import io
import os
import re
import sys
from pathlib import Path

import pytest
from panel_states import STATES, PanelStage

EXAMPLES = Path(__file__).parents[2] / "example_notebooks"
PAGE = EXAMPLES / "panel.md"
DARK = {"checks", "waiting", "card", "record", "not-guarded", "unreachable", "shield-waiting"}  # where colours say something
PICTURES = [*((name, "light") for name in STATES), *((name, "dark") for name in STATES if name in DARK)]
DRAWN = [
    (name, theme) for name, theme in PICTURES if theme == "light" or "MODELGUARD_GALLERY" in os.environ
]  # widths know no colours
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
COLOURS = 255
NARROW = 250  # as JupyterLab makes a sidebar at least


@pytest.fixture(scope="module")
def panel_stage(browser, start_lab):
    """One page for all: what a state sets is taken back before the next."""
    with start_lab(sys.executable, "jupyterlab") as lab:
        page = browser.new_page(device_scale_factor=1)
        page.set_default_timeout(30_000)
        yield PanelStage(page, lab)
        page.close()


def file_of(name, theme):
    return f"panel-{name}{'-dark' if theme == 'dark' else ''}"


def keep(png, path):
    """Write a picture with as many colours as it takes, where Pillow is there to count them."""
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    drawn = image.open(io.BytesIO(png)).convert("RGB")
    drawn.quantize(COLOURS, dither=image.Dither.NONE).save(path, optimize=True)


@pytest.mark.parametrize(("name", "theme"), DRAWN)
def test_state_can_be_drawn_and_leaves_the_panel_at_no_width(panel_stage, name, theme):
    state = STATES[name]
    panel_stage.theme(THEMES[theme])
    panel_stage.begin()
    panel_stage.width(300)
    state.prepare(panel_stage)
    shown = panel_stage.shown(state)
    shown.get_by_text(state.says).first.wait_for()
    if folder := os.environ.get("MODELGUARD_GALLERY"):
        keep(panel_stage.picture(state), f"{folder}/{file_of(name, theme)}.png")
    if state.outside is None:
        panel_stage.width(NARROW)
        if folder := os.environ.get("MODELGUARD_SCREENSHOTS"):
            Path(f"{folder}/{file_of(name, theme)}-narrow.png").write_bytes(panel_stage.picture(state))
        assert panel_stage.too_wide() == []


def test_page_shows_every_state_and_nothing_else():
    shown = re.findall(r"!\[[^\]]+\]\(images/(panel-[\w-]+)\.png\)", PAGE.read_text())
    assert sorted(shown) == sorted(file_of(*picture) for picture in PICTURES)
    for name in shown:
        assert (EXAMPLES / "images" / f"{name}.png").stat().st_size < 40_000
