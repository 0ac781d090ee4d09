"""A notebook in a real lab with files to load, the panel beside it, and what a person does with both."""

from __future__ import annotations

import re

from panel_stage import kernel_answers, open_panel

__all__ = ["ARMED", "ODD", "PLAIN", "Beside", "cells"]

# Cells of the notebook by what they load: plain data, a file that calls a function, one that runs a command.
PLAIN, ODD, ARMED = 1, 2, 3

SETUP = """
import os, pathlib, pickle, textwrap
from jupyter_modelguard import config
config.default_home = lambda: pathlib.Path({trust!r})
{guard}
class Call:
    def __init__(self, *what):
        self.what = what
    def __reduce__(self):
        return self.what[0], self.what[1:]
for kind, extra in dict(plain=1, odd=Call(textwrap.dedent, "one"), armed=Call(os.system, "touch canary-{name}")).items():
    open(kind + "-{name}.pkl", "wb").write(pickle.dumps({{"weights": [kind], "extra": extra}}))
def load(name):
    with open(name, "rb") as file:
        return pickle.load(file)["weights"]
"""


def cells(name, trust, guard="%load_ext modelguard"):
    """Write the cells of a notebook; its files are called by that name, the first cell makes them and guards it."""
    return SETUP.format(name=name, trust=str(trust), guard=guard), *(
        f"load('{kind}-{name}.pkl')" for kind in ("plain", "odd", "armed")
    )


class Beside:
    """The panel beside a notebook, on one person's page."""

    def __init__(self, page, name):
        self.page = page
        self.name = name
        self.panel = open_panel(page)
        kernel_answers(self.panel)
        self.waiting = self.panel.locator(".mg-pend")

    def begin(self):
        """Run the first cell, which guards the notebook."""
        self.run(0)
        self.is_guarded()

    def is_guarded(self):
        self.panel.get_by_text(f"{self.name}.ipynb is guarded").wait_for(timeout=90_000)

    def run(self, at):
        """Run a cell; the focus stays in it."""
        self.cell(at).locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")

    def cell(self, at):
        return self.page.locator(".jp-NotebookPanel:visible .jp-Notebook .jp-Cell").nth(at)

    def output(self, at, text):
        self.cell(at).locator(".jp-OutputArea").get_by_text(text).first.wait_for()

    def stop(self, at):
        """Run a cell whose load waits, until the panel says so."""
        self.run(at)
        self.waits()

    def waits(self):
        self.waiting.get_by_text(f"-{self.name}.pkl").first.wait_for()

    def waits_no_more(self):
        self.waiting.wait_for(state="hidden")

    def keep_blocked(self):
        self.waiting.get_by_role("button", name="Keep blocked").click()
        self.waits_no_more()

    def allow(self, button, scope="Just this call, once", finding=None):
        """Let what waits go on, in the card that the panel shows."""
        self.waiting.get_by_role("button", name="Review").click()
        card = self.panel.locator(".mg-card")
        card.get_by_role("button", name="Run it anyway").click()
        card.get_by_role("radio", name="I read the code").check()
        card.get_by_role("radio", name=scope).check()
        if finding is not None:
            card.get_by_role("textbox").fill(finding)
        card.get_by_role("button", name=button).click()
        self.waits_no_more()

    def rows(self, kind):
        """The rows of a file, the newest first."""
        return self.panel.locator(".mg-item", has_text=f"{kind}-{self.name}.pkl")

    def open_row(self, kind, said=""):
        """Open the newest record of a file that says this."""
        self.to_list()
        self.rows(kind).filter(has_text=said).first.click()
        self.panel.get_by_role("heading", name="Decision").wait_for()
        return self.panel

    def to_list(self):
        back = self.panel.get_by_role("button", name="All checks")
        if back.is_visible():
            back.click()

    def press(self, name):
        self.panel.get_by_role("button", name=name, exact=True).click()

    def confirm(self, name):
        self.page.locator(".jp-Dialog").get_by_role("button", name=name, exact=True).click()
        self.page.locator(".jp-Dialog").wait_for(state="detached")

    def trail(self):
        """What became of the record that is open, a line a step."""
        self.panel.locator(".mg-trail li").first.wait_for()
        return [re.sub(r"\s+", " ", one) for one in self.panel.locator(".mg-trail li").all_inner_texts()]
