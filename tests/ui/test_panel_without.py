"""The panel where something is missing: the server's part, the extension in the kernel, or a history that this server can read."""

import re

import pytest
from guarded_notebook import ARMED, PLAIN, Beside, cells


@pytest.fixture(scope="module")
def bare_lab(start_lab):
    """A server whose own part of the extension is switched off."""
    with start_lab(extension=False) as running:
        yield running


def shield(page, word):
    page.locator("#jp-main-statusbar .mg-status:visible").get_by_text(re.compile(f"^{word}")).wait_for()


def test_without_the_servers_part_the_panel_says_what_to_do_and_cards_still_ask(page, bare_lab):
    asked = []
    page.on("request", lambda one: asked.append(one.url) if one.url.startswith(f"{bare_lab.base}/jupyter-modelguard/") else None)
    page.goto(bare_lab.notebook("bare.ipynb", *cells("bare", bare_lab.trust, guard=""), kernel="test-0"))
    beside = Beside(page, "bare")
    beside.panel.get_by_text("The history is not available on this server").wait_for()
    beside.panel.get_by_text("jupyter server extension enable jupyter_modelguard").wait_for()
    beside.panel.get_by_text("bare.ipynb is not guarded").wait_for()
    shield(page, "Not guarded")
    assert 0 < len(asked) <= 2
    beside.run(0)
    beside.cell(0).get_by_text("[1]:").wait_for()
    beside.press("Guard this notebook")
    beside.panel.get_by_text("bare.ipynb is guarded").wait_for()
    shield(page, "Guarded")
    looked = len(asked)
    beside.run(ARMED)
    card = beside.cell(ARMED).locator(".mg-card")
    card.get_by_text("armed-bare.pkl").first.wait_for()
    shield(page, "1 load waiting")
    card.get_by_role("button", name="Keep blocked").click()
    beside.output(ARMED, "ModelLoadBlockedError")
    shield(page, "Guarded")
    assert not (bare_lab.folder / "canary-bare").exists()
    assert len(asked) == looked  # nothing is asked for again until a person does
    beside.press("Try again now")
    page.wait_for_function("document.querySelector('.mg-state h4') !== null")


def test_a_kernel_that_keeps_its_history_elsewhere_is_said_to(shared_lab, person):
    at = shared_lab.notebook("elsewhere.ipynb", *cells("elsewhere", shared_lab.trust), kernel="elsewhere")
    with person("ada", at) as page:
        beside = Beside(page, "elsewhere")
        beside.begin()
        beside.panel.get_by_text("this kernel keeps its history in another place").wait_for()
        beside.run(PLAIN)
        beside.output(PLAIN, "plain")
        beside.run(ARMED)
        card = beside.cell(ARMED).locator(".mg-card")
        card.get_by_text("armed-elsewhere.pkl").first.wait_for()
        shield(page, "1 load waiting")
        page.locator("#jp-main-statusbar .mg-status:visible").click()
        page.wait_for_function("document.activeElement.matches('.jp-Cell .mg-title')")
        assert beside.waiting.is_hidden()
        card.get_by_role("button", name="Keep blocked").click()
        beside.output(ARMED, "ModelLoadBlockedError")
        shield(page, "Guarded")
        assert beside.rows("plain").count() == beside.rows("armed").count() == 0
