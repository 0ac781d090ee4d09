"""Every decision with the keyboard alone, in a real JupyterLab with a real kernel: no pointer is used from the first cell on.

The person is in the cell that they ran, so that the card's title takes the focus when it appears; from there Tab goes on.
"""

import json
import re

import pytest
from notebook_page import idle

SETUP = """
import pathlib
from jupyter_modelguard import config
config.default_home = lambda: pathlib.Path("trust").resolve()
%load_ext modelguard
"""
WRITE = """
def write(module, name, argument):
    import pickle
    code = b"\\x80\\x03c" + f"{module}\\n{name}\\n(".encode() + pickle.dumps(argument, 3)[2:-1] + b"tR."
    open("model.pkl", "wb").write(code)
write("textwrap", "dedent", "weights")
"""
LOAD = """
import pickle
with open("model.pkl", "rb") as file:
    print("loaded", pickle.load(file))
"""
ARMED = "write('os', 'system', 'touch canary')"
COMMIT = "4f2c9e1" + "0" * 33
HUB = f"""
import json, os, pathlib
os.environ["HF_MODULES_CACHE"] = str(pathlib.Path("modules").resolve())
snapshot = pathlib.Path("hub/models--acme--yolo/snapshots/{COMMIT}")
snapshot.mkdir(parents=True)
auto_map = {{"AutoConfig": "configuration_acme.AcmeConfig"}}
(snapshot / "config.json").write_text(json.dumps({{"model_type": "acme_keys", "auto_map": auto_map}}))
(snapshot / "configuration_acme.py").write_text('''
from transformers import PretrainedConfig
open("canary", "w").close()
class AcmeConfig(PretrainedConfig):
    model_type = "acme_keys"
''')
import transformers
"""
LOAD_REPOSITORY = f"""
made = transformers.AutoConfig.from_pretrained(
    "acme/yolo", revision="{COMMIT}", cache_dir="hub", local_files_only=True, trust_remote_code=True
)
print("loaded", made.model_type)
"""


class Notebook:
    """A notebook that is worked with by keys alone."""

    def __init__(self, page, folder):
        self.page = page
        self.folder = folder
        self.press = page.keyboard.press

    def output(self, at):
        return self.page.locator(".jp-Notebook .jp-Cell").nth(at).locator(".jp-OutputArea")

    def run(self, *expected):
        """Run the selected cell and go on to the next, once for each text that is then to be read."""
        for text in expected:
            self.press("Shift+Enter")
            if text:
                self.page.get_by_text(text).first.wait_for(timeout=90_000)
            idle(self.page)

    def stop_at_card(self):
        """Run the selected cell, stay in it, and wait until the title of its card has the focus."""
        self.press("Control+Enter")
        self.page.wait_for_function("document.activeElement?.matches('.mg-card .mg-title')", timeout=90_000)
        return self.page.locator(".mg-card").first

    def tab_to(self, words):
        """Press Tab until the focus is on what begins with these words; each stop on the way is returned."""
        passed = []
        for _ in range(15):
            self.press("Tab")
            passed.append(
                self.page.evaluate("(document.activeElement.closest('label') ?? document.activeElement).textContent.trim()")
            )
            if passed[-1].startswith(words):
                return passed
        raise AssertionError(f"no {words!r} among {passed}")

    def give_reason(self, scope="Just this call, once"):
        """From the title to the running button: open the panel, choose a reason and a scope, and leave the focus on the button."""
        self.tab_to("Run it anyway")
        self.press("Enter")
        self.tab_to("I made this file")
        self.press("Space")
        self.press("ArrowDown")
        self.press("ArrowDown")
        self.tab_to("Just this call, once")
        checked = self.page.locator(".mg-card input[type=radio]:checked").nth(1)
        for _ in range(4):
            if checked.evaluate("one => one.closest('label').textContent").startswith(scope):
                return
            self.press("ArrowDown")
        raise AssertionError(f"{scope!r} cannot be reached")

    def runs_again_unasked(self, at, text):
        """Run the cell that was decided once more; the focus came back to it."""
        idle(self.page)
        prompt = self.page.locator(".jp-Notebook .jp-Cell").nth(at).locator(".jp-InputPrompt")
        before = prompt.inner_text()
        self.press("Control+Enter")
        self.page.wait_for_function(
            "([one, before]) => /[0-9]/.test(one.textContent) && one.textContent !== before",
            arg=[prompt.element_handle(), before],
        )
        idle(self.page)
        self.output(at).get_by_text(text).wait_for()
        assert self.page.locator(".mg-card").count() == 0
        assert "modelguard" not in self.output(at).inner_text()

    def trusted(self):
        file = self.folder / "trust" / "trust.json"
        return json.loads(file.read_text())["entries"] if file.exists() else []


@pytest.fixture
def open_notebook(page, lab, request):
    def opened(*cells):
        folder = lab.folder / re.sub(r"\W", "", request.node.name)[-30:]
        folder.mkdir()
        page.goto(lab.notebook(f"{folder.name}/keys.ipynb", SETUP, *cells, kernel="test-0"))
        page.locator(".jp-Notebook .jp-Cell").nth(0).wait_for()
        made = Notebook(page, folder)
        idle(page)
        page.wait_for_function("document.querySelector('.jp-Notebook')?.contains(document.activeElement)")
        return made

    return opened


@pytest.fixture
def notebook(open_notebook):
    made = open_notebook(WRITE, LOAD, LOAD)
    made.run("", "")
    return made


def test_once_lets_this_call_go_on_and_nothing_is_trusted(notebook):
    notebook.stop_at_card()
    notebook.give_reason()
    notebook.tab_to("Run 1 unknown function once")
    notebook.press("Enter")
    notebook.output(2).get_by_text("loaded weights").wait_for()
    assert "allowed once by" in notebook.output(2).inner_text()
    assert '"I read the code"' in notebook.output(2).inner_text()
    assert notebook.trusted() == []
    idle(notebook.page)
    notebook.stop_at_card()  # the same cell asks again


def test_this_exact_file_lets_it_go_on_from_now_on(notebook):
    notebook.stop_at_card()
    notebook.give_reason("This exact file")
    notebook.tab_to("Run 1 unknown function and remember this file")
    notebook.press("Enter")
    notebook.output(2).get_by_text("loaded weights").wait_for()
    (entry,) = notebook.trusted()
    assert (entry["scope"], entry["name"], entry["reason"]) == ("digest", "model.pkl", "I read the code")
    notebook.runs_again_unasked(2, "loaded weights")


def test_keep_blocked_ends_the_cell(notebook):
    notebook.stop_at_card()
    notebook.tab_to("Keep blocked")
    notebook.press("Enter")
    notebook.output(2).get_by_text("ModelLoadBlockedError").first.wait_for()
    assert "kept blocked by" in notebook.output(2).inner_text()
    assert "loaded" not in notebook.output(2).inner_text().replace("was not loaded", "")


def test_escape_ends_the_cell(notebook):
    notebook.stop_at_card()
    notebook.press("Escape")
    notebook.output(2).get_by_text("ModelLoadBlockedError").first.wait_for()
    assert "kept blocked by" in notebook.output(2).inner_text()


def test_what_it_does_is_opened_and_read_before_deciding(notebook):
    card = notebook.stop_at_card()
    passed = notebook.tab_to("Show what it does")
    assert not any(words.startswith("Run it anyway") for words in passed)
    assert card.get_by_text("Every call it makes").count() == 0
    notebook.press("Enter")
    card.get_by_text("Every call it makes").wait_for()
    assert "from textwrap import dedent" in card.inner_text()
    notebook.press("Escape")
    notebook.output(2).get_by_text("ModelLoadBlockedError").first.wait_for()


def test_the_finding_of_a_dangerous_file_is_typed(open_notebook):
    notebook = open_notebook(WRITE, ARMED, LOAD)
    notebook.run("", "", "")
    notebook.stop_at_card()
    notebook.give_reason()
    notebook.press("Tab")
    notebook.page.keyboard.type("os.system")
    assert not (notebook.folder / "canary").exists()
    notebook.press("Enter")  # in the line it decides nothing
    notebook.tab_to("Run os.system once")
    assert not (notebook.folder / "canary").exists()
    notebook.press("Enter")
    notebook.output(3).get_by_text("loaded 0").wait_for()
    assert (notebook.folder / "canary").exists()
    assert notebook.trusted() == []


def test_this_repository_at_this_commit_lets_its_code_run_from_now_on(open_notebook):
    pytest.importorskip("transformers", reason="transformers is not installed")
    notebook = open_notebook(HUB, LOAD_REPOSITORY)
    notebook.run("", "")
    notebook.stop_at_card()
    notebook.give_reason("This repository at this commit")
    assert not (notebook.folder / "canary").exists()
    notebook.tab_to("Import 1 file and remember this commit")
    notebook.press("Enter")
    notebook.output(2).get_by_text("loaded acme_keys").wait_for()
    assert (notebook.folder / "canary").exists()
    (entry,) = notebook.trusted()
    assert (entry["scope"], entry["source"]) == ("commit", f"hf:acme/yolo@{COMMIT}")
    notebook.runs_again_unasked(2, "loaded acme_keys")
