"""A load that waits at a text prompt goes on when it is answered elsewhere, and what is typed too late answers nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

pytest.importorskip("ipykernel", reason="ipykernel is not installed")
from asked_loads import IN_A_TERMINAL, prepare  # isort: skip
from front_end import FrontEnd, started_kernel  # isort: skip

KERNELS = [sys.executable, *filter(None, os.environ.get("MODELGUARD_TEST_KERNELS", "").split(os.pathsep))]
DECIDE = """
import sys, time
from jupyter_modelguard.config import home
from jupyter_modelguard.history.store import Store
from jupyter_modelguard.types import Decision
store = Store(home())
while not (waiting := store.pending()):
    time.sleep(0.05)
print(store.decide(waiting[0].id, Decision(sys.argv[1] == "yes", "bob", "sidebar", "I read the code")))
"""
ELSEWHERE = "bad.pkl was answered in the sidebar: allowed once by bob."


def decide(environment, answer="yes"):
    done = subprocess.run(
        [sys.executable, "-c", DECIDE, answer], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip() == "True"


@pytest.fixture(params=KERNELS, ids=lambda python: python.split(os.sep)[-3])
def front_end(request, tmp_path):
    with started_kernel(tmp_path, request.param) as started:
        yield FrontEnd(*started)


def ask(front_end, tmp_path, after=""):
    prepare(front_end, tmp_path / "nothing built here")
    cell = front_end.run("decision = ask(); print('went on:', decision.allow, decision.by)" + textwrap.dedent(after))
    front_end.wait_for(lambda: front_end.prompts)
    return cell


def enter(front_end, value, question):
    """Enter a line in the box of a question, as JupyterLab sends it."""
    message = front_end.client.session.msg("input_reply", {"value": value, "status": "ok"}, parent=front_end.questions[question])
    front_end.client.stdin_channel.send(message)


@pytest.mark.parametrize(("answer", "allowed"), [("yes", True), ("no", False)])
def test_the_cell_goes_on_with_an_answer_from_elsewhere(front_end, tmp_path, answer, allowed):
    cell = ask(front_end, tmp_path)
    assert decide(front_end.environment, answer)
    assert front_end.reply(cell)["status"] == "ok"
    front_end.wait_for(lambda: f"went on: {allowed} bob" in front_end.text())
    assert "bad.pkl was answered in the sidebar: " in front_end.text()
    assert "by bob" in front_end.text()


def test_what_is_entered_too_late_is_not_the_answer_to_the_next_question(front_end, tmp_path):
    cell = ask(front_end, tmp_path, "; print('name:', input('Name? '), input('Age? '))")
    assert decide(front_end.environment)
    front_end.wait_for(lambda: len(front_end.prompts) == 2)
    enter(front_end, "run", 0)  # the old box still stands
    enter(front_end, "ada", 1)
    front_end.wait_for(lambda: len(front_end.prompts) == 3)
    enter(front_end, "36", 2)
    assert front_end.reply(cell)["status"] == "ok"
    front_end.wait_for(lambda: "name: ada 36" in front_end.text())


def test_what_is_entered_before_the_next_question_is_dropped(front_end, tmp_path):
    cell = ask(front_end, tmp_path)
    assert decide(front_end.environment)
    front_end.reply(cell)
    front_end.client.input("run")  # a front end that names no question
    cell = front_end.run("print('name:', input('Name? '))")
    front_end.wait_for(lambda: len(front_end.prompts) == 2)
    front_end.client.input("ada")
    front_end.reply(cell)
    front_end.wait_for(lambda: "name: ada" in front_end.text())


def test_the_next_load_asks_at_a_prompt_of_its_own(front_end, tmp_path):
    cell = ask(front_end, tmp_path, "; print('then:', ask().transport)")
    assert decide(front_end.environment)
    front_end.wait_for(lambda: len(front_end.prompts) == 2)
    enter(front_end, "run", 0)
    enter(front_end, "", 1)
    front_end.reply(cell)
    front_end.wait_for(lambda: "then: prompt" in front_end.text())


def test_interrupting_a_prompt_keeps_it_blocked(front_end, tmp_path):
    cell = ask(front_end, tmp_path, "; print(decision.reason)")
    front_end.manager.interrupt_kernel()
    front_end.reply(cell)
    front_end.wait_for(lambda: "interrupted" in front_end.text())


def test_a_prompt_that_cannot_be_left_is_the_only_place_to_answer(front_end, tmp_path):
    """Nobody is told that they decided where nobody hears it."""
    prepare(front_end, tmp_path / "nothing built here")
    front_end.reply(front_end.run("from jupyter_modelguard.approval import kernel_line; kernel_line.fits = lambda kernel: False"))
    cell = front_end.run("decision = ask(); print('went on:', decision.allow, decision.transport, store.pending())")
    front_end.wait_for(lambda: front_end.prompts)
    look = "from jupyter_modelguard.config import home\nfrom jupyter_modelguard.history.store import Store\nprint(Store(home()).pending())"
    done = subprocess.run([sys.executable, "-c", look], env=front_end.environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "()"
    front_end.client.input("run")
    front_end.wait_for(lambda: len(front_end.prompts) == 2)
    front_end.client.input("1")
    front_end.reply(cell)
    front_end.wait_for(lambda: "went on: True prompt ()" in front_end.text())


@pytest.fixture
def environment(tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    made = {
        **os.environ,
        "MODELGUARD_HOME": str(home),
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "TERM": "xterm",
        "PROMPT_TOOLKIT_NO_CPR": "1",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    made.pop("MODELGUARD_HEADLESS", None)
    return made


@pytest.mark.parametrize("options", [["--simple-prompt"], []], ids=["simple", "full"])
def test_a_terminal_goes_on_and_what_is_typed_too_late_is_not_run_as_code(tmp_path, environment, options):
    pexpect = pytest.importorskip("pexpect", reason="pexpect is not installed")
    script = tmp_path / "setup.py"
    script.write_text(IN_A_TERMINAL)
    command = ["-m", "IPython", "--no-banner", "--no-confirm-exit", "--colors=NoColor", *options, "-i", str(script)]
    terminal = pexpect.spawn(sys.executable, command, env=environment, encoding="utf-8", timeout=60, dimensions=(50, 200))
    try:
        terminal.expect(r"In \[\d+\]:")
        terminal.sendline("made = ask(); time.sleep(2); print('ALLOWED', made.allow)")
        terminal.expect_exact("Enter keeps it blocked: ")
        terminal.send("print('late', 6 * ")  # half a line, and the rest of it after the answer
        assert decide(environment)
        terminal.sendline("7)")
        terminal.expect_exact(ELSEWHERE)
        terminal.sendline("print('late', 6 * 8)")  # while the cell runs on
        terminal.expect_exact("ALLOWED True")
        terminal.expect(r"In \[\d+\]:")
        said = terminal.before
        terminal.sendline("print('then', 6 * 9)")
        terminal.expect_exact("then 54")
        said += terminal.before
        assert "late 42" not in said
        assert "late 48" not in said
        assert "Error" not in said
    finally:
        terminal.close(force=True)
