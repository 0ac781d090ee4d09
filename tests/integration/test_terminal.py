"""Asking in a real terminal IPython, and answering from another terminal."""

from __future__ import annotations

import os
import re
import sys

import pytest

from asked_loads import IN_A_TERMINAL  # isort: skip

pexpect = pytest.importorskip("pexpect")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")

WAIT = """
from jupyter_modelguard.approval.present import plain_view
record = HistoryRecord(store.next_id(), time.time(), request, Outcome.WAITING, RiskLevel.RUNS_CODE, artifact, report)
store.ask(record, plain_view(build_view(record, Assessment(RiskLevel.RUNS_CODE, report))))
print("ID", record.id, flush=True)
while (made := store.answer(record.id)) is None:
    time.sleep(0.02)
print("DECIDED", made.allow, made.transport, flush=True)
"""
PROMPT = "Enter keeps it blocked: "


@pytest.fixture
def environment(tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    made = {
        **os.environ,
        "MODELGUARD_HOME": str(home),
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "COLUMNS": "120",
        "TERM": "xterm",
    }
    made["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    made.pop("MODELGUARD_HEADLESS", None)
    return made


@pytest.fixture
def spawn(tmp_path, environment):
    running = []

    def start(program, *arguments):
        script = tmp_path / f"program{len(running)}.py"
        script.write_text(IN_A_TERMINAL + program)
        command = [*arguments, str(script)]
        running.append(
            pexpect.spawn(sys.executable, command, env=environment, encoding="utf-8", timeout=60, dimensions=(50, 120))
        )
        return running[-1]

    yield start
    for process in running:
        process.close(force=True)


@pytest.mark.parametrize(("typed", "allowed"), [(["run", "3"], "True"), ([""], "False"), (["yes"], "False")])
def test_terminal_ipython_asks_with_the_same_fields(spawn, typed, allowed):
    terminal = spawn("print('DECIDED', ask().allow)\n", "-m", "IPython", "--simple-prompt", "--no-banner")
    terminal.expect_exact("can run code on this machine")
    for line in (
        "bad.pkl",
        "Python would call, while reading the file",
        "evil.run",
        "It would run as",
        "What this cannot see: ",
    ):
        terminal.expect_exact(line)
    for line in typed:
        terminal.expect_exact(["Enter keeps it blocked: ", "Enter to keep it blocked: "])
        terminal.sendline(line)
    terminal.expect_exact(f"DECIDED {allowed}")


def test_interrupting_the_terminal_keeps_it_blocked(spawn):
    terminal = spawn("print('DECIDED', ask().reason)\n", "-m", "IPython", "--simple-prompt", "--no-banner")
    terminal.expect_exact(PROMPT)
    terminal.sendintr()
    terminal.expect_exact("DECIDED interrupted")


def test_another_terminal_answers_a_waiting_load(spawn):
    kernel = spawn(WAIT)
    kernel.expect(re.compile(r"ID ([0-9a-f]{8})"))
    identity = kernel.match.group(1)
    decide = (
        "from rich.console import Console\nfrom jupyter_modelguard.approval.decide import decide_pending\n"
        f"sys.exit(decide_pending(store, '{identity[:5]}', Console()))\n"
    )
    other = spawn(decide)
    other.expect_exact("evil.run")
    other.expect_exact(PROMPT)
    other.sendline("run")
    other.expect_exact("Enter to keep it blocked: ")
    other.sendline("1")
    other.expect_exact("Allowed once.")
    kernel.expect_exact("DECIDED True database")


GUARDED = """
import pickle
%load_ext modelguard
class Call:
    def __reduce__(self):
        import textwrap
        return textwrap.dedent, ("weights",)
with open("changing.pkl", "wb") as file:
    file.write(pickle.dumps(Call()))
with open("changing.pkl", "rb") as file:
    print("LOADED", pickle.load(file))
"""
OTHER = b"\x80\x04\x8c\x06base64\x8c\x09b64encode\x93C\x01x\x85R."


def test_a_file_that_changes_while_the_terminal_asks_is_looked_at_again(tmp_path, environment):
    script = tmp_path / "changing.ipy"
    script.write_text(GUARDED)
    command = ["-m", "IPython", "--no-banner", "--colors=NoColor", "--simple-prompt", str(script)]
    terminal = pexpect.spawn(
        sys.executable, command, cwd=tmp_path, env=environment, encoding="utf-8", timeout=60, dimensions=(50, 120)
    )
    try:
        terminal.expect(r"textwrap\.dedent")
        terminal.expect(PROMPT)
        (tmp_path / "changing.pkl").write_bytes(OTHER)
        terminal.sendline("run")
        terminal.expect(r"changing\.pkl changed while you were asked, so that answer is not taken\.")
        terminal.expect(r"base64\.b64encode")
        terminal.expect(PROMPT)
        terminal.sendline("")
        terminal.expect("ModelLoadBlockedError")
        assert "LOADED" not in terminal.before
    finally:
        terminal.close(force=True)
