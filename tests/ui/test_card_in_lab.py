"""States of the card that a kernel brings about, in a real JupyterLab: many loads at once, a long check, a file that changes, a restart."""

import json
import re
import subprocess
import sys

import pytest
from notebook_page import idle, run_all

SETUP = """
%load_ext modelguard
import os, pickle, threading, time
class Call:
    def __init__(self, text):
        self.text = text
    def __reduce__(self):
        import textwrap
        return textwrap.dedent, (self.text,)
def write(name, text):
    with open(name, "wb") as file:
        file.write(pickle.dumps({"weights": Call(text)}))
def load(name):
    with open(name, "rb") as file:
        return pickle.load(file)["weights"]
for name in "abc":
    write(f"{name}.pkl", name)
"""
THREADS = """
results = {}
def one(name):
    try:
        results[name] = load(f"{name}.pkl")
    except Exception as error:
        results[name] = type(error).__name__
threads = [threading.Thread(target=one, args=(name,)) for name in "abc"]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(sorted(results.items()))
"""
STALE = "print('loaded', load('a.pkl'))"
SLOW = """
from jupyter_modelguard import guard
from jupyter_modelguard.engines import worker_tasks
def slow(path, dialect):
    import time
    time.sleep(4 if "slow" in path.path else 20)
    from jupyter_modelguard.engines.trace import trace_stream
    return trace_stream(path, dialect)
import cloudpickle, sys
cloudpickle.register_pickle_by_value(sys.modules["__main__"])
worker_tasks.traced = slow
write("slow.pkl", "slow")
write("endless.pkl", "endless")
print("loaded", load("slow.pkl"))
"""
STOPPED = """
load("endless.pkl")
"""

CELLS = {
    "test_loads_of_several_threads_share_one_card_and_leave_a_line_each": (
        THREADS,
        "print('next')",
    ),
    "test_a_decided_load_stands_above_the_one_that_waits": (
        "print(load('a.pkl'))\nprint(load('b.pkl'))",
        "print('next')",
    ),
    "test_a_file_that_changes_while_the_card_is_open_is_checked_again": (
        STALE,
        "print('next')",
    ),
    "test_a_restart_leaves_a_line_that_says_that_nothing_was_decided": (STALE,),
    "test_a_long_check_says_so_and_can_be_left_at_that": (
        SLOW,
        STOPPED,
    ),
    "test_a_saved_notebook_holds_lines_that_do_nothing": (
        "print(load('a.pkl'))",
        "load('b.pkl')",
    ),
}


@pytest.fixture
def opened(page, lab, request):
    folder = re.sub(r"\W", "", request.node.name)[:30]
    (lab.folder / folder).mkdir()
    cells = CELLS[request.node.name]
    page.goto(lab.notebook(f"{folder}/card.ipynb", SETUP, *cells, kernel="test-0"))
    run_all(page)
    page.folder = lab.folder / folder
    return page


def output(page, at):
    return page.locator(".jp-Notebook .jp-Cell").nth(at).locator(".jp-OutputArea")


def allow(place):
    place.get_by_role("button", name="Run it anyway").click()
    place.get_by_role("radio", name="I read the code").check()
    place.get_by_role("button", name="Run 1 unknown function once").click()


def save(page):
    page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")


def test_loads_of_several_threads_share_one_card_and_leave_a_line_each(opened):
    card = output(opened, 1).locator("section.mg-card")
    card.get_by_text("Stopped before loading 3 files").first.wait_for()
    assert output(opened, 1).locator("section.mg-card").count() == 1
    rows = card.locator(".mg-loads > li")
    rows.nth(0).get_by_role("button", name="Keep blocked").click()
    card.get_by_text("1 of 3 decided").wait_for()
    rows.nth(1).get_by_role("button", name="Details and other choices").click()
    allow(rows.nth(1))
    card.get_by_text("2 of 3 decided").wait_for()
    rows.nth(2).get_by_role("button", name="Keep blocked").click()
    output(opened, 2).get_by_text("next").wait_for()
    said = output(opened, 1).inner_text()
    assert said.count("ModelLoadBlockedError") == 2
    assert said.count("kept blocked by") == 2
    assert said.count("allowed once by") == 1
    assert card.count() == 0


def test_a_decided_load_stands_above_the_one_that_waits(opened):
    first = output(opened, 1).locator("section.mg-card")
    first.get_by_text("a.pkl").first.wait_for()
    allow(first)
    first.get_by_text("b.pkl").first.wait_for()
    assert "a.pkl ran 1 unknown function" in output(opened, 1).locator(".mg-line").inner_text()
    first.get_by_role("button", name="Keep blocked").click()
    output(opened, 1).get_by_text("b.pkl kept blocked").wait_for()
    assert "a.pkl ran 1 unknown function" in output(opened, 1).inner_text()


def test_a_file_that_changes_while_the_card_is_open_is_checked_again(opened):
    card = output(opened, 1).locator("section.mg-card")
    card.wait_for()
    number = card.locator(".mg-foot .mg-num").first.inner_text()
    (opened.folder / "a.pkl").write_bytes(b"\x80\x04\x8c\x06base64\x8c\x09b64encode\x93C\x01x\x85R.")
    output(opened, 1).get_by_text("a.pkl changed while the card was open · checking it again").wait_for()
    card.get_by_text("base64.b64encode").first.wait_for()
    assert card.locator(".mg-foot .mg-num").first.inner_text() != number
    card.get_by_role("button", name="Keep blocked").click()
    output(opened, 1).get_by_text("a.pkl kept blocked").wait_for()


def test_a_restart_leaves_a_line_that_says_that_nothing_was_decided(opened):
    output(opened, 1).locator("section.mg-card").wait_for()
    opened.locator(
        ".jp-Toolbar [data-command='notebook:restart-kernel'], .jp-Toolbar [title*='Restart the kernel']"
    ).first.click()
    opened.locator(".jp-Dialog .jp-mod-accept").click()
    output(opened, 1).get_by_text("not decided: the kernel restarted · nothing was loaded").wait_for()
    assert output(opened, 1).locator("section.mg-card").count() == 0


def test_a_long_check_says_so_and_can_be_left_at_that(opened):
    output(opened, 1).locator("section.mg-card", has_text="Nothing has been loaded yet.").wait_for()
    allow(output(opened, 1).locator("section.mg-card"))
    output(opened, 1).get_by_text("loaded slow").wait_for()
    card = output(opened, 2).locator("section.mg-card")
    card.get_by_role("button", name="Stop and keep blocked").click()
    output(opened, 2).get_by_text("endless.pkl kept blocked").first.wait_for()
    output(opened, 2).get_by_text("ModelLoadBlockedError").first.wait_for()


def test_a_saved_notebook_holds_lines_that_do_nothing(opened, browser, lab):
    allow(output(opened, 1).locator("section.mg-card"))
    output(opened, 2).locator("section.mg-card").get_by_role("button", name="Keep blocked").click()
    output(opened, 2).get_by_text("ModelLoadBlockedError").first.wait_for()
    idle(opened)
    save(opened)
    opened.wait_for_function("!document.querySelector('.jp-mod-dirty')")
    content = json.loads((opened.folder / "card.ipynb").read_text())
    bundles = [output["data"] for cell in content["cells"][1:] for output in cell["outputs"] if "data" in output]
    assert [sorted(bundle) for bundle in bundles] == [["text/html", "text/plain"]] * 2
    assert "▣ modelguard · a.pkl ran 1 unknown function" in "".join(bundles[0]["text/plain"])
    for inert in ("<script", "<button", "<a ", "onclick", "<input"):
        assert inert not in "".join("".join(bundle["text/html"]) for bundle in bundles)
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--stdout", str(opened.folder / "card.ipynb")]
    page = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    line = re.search(r'<div class="mg-static">.*?</div></div>', page, re.DOTALL).group()
    assert "a.pkl ran 1 unknown function" in re.sub("<[^>]*>", "", line)
    assert "<button" not in line
    reader = browser.new_page()
    try:
        del content["metadata"]["kernelspec"]
        (opened.folder / "read.ipynb").write_text(json.dumps(content))
        reader.goto(lab.url(f"/lab/tree/{opened.folder.name}/read.ipynb"))
        reader.locator(".jp-Dialog").get_by_role("button", name=re.compile("No Kernel|Cancel")).click()
        shown = reader.locator(".jp-OutputArea", has_text="a.pkl ran 1 unknown function")
        shown.wait_for()
        assert shown.locator("button, a, input, script, .mg-card").count() == 0
    finally:
        reader.close()
