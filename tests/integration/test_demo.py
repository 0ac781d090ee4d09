"""`modelguard demo` as a person or a batch job runs it: a process of its own, with a terminal or without."""

import os
import re
import subprocess
import sys

import pytest

pytest.importorskip("numpy", reason="the demo's arrays are numpy's")

COMMAND = [sys.executable, "-P", "-c", "import sys; from jupyter_modelguard.cli import main; sys.exit(main())", "demo"]
CANARIES = {"canary-from-pickle.txt", "canary-from-import.txt"}
COLOURS = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@pytest.fixture
def environment(home, tmp_path):
    made = {**os.environ, "COLUMNS": "140", "TERM": "xterm", "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf")}
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        made.pop(name, None)
    return made


def lines_of(text, *names):
    """The table's line of each file."""
    plain = COLOURS.sub("", text)
    return {
        name: next((line for line in plain.splitlines() if re.search(rf"^\W*{re.escape(name)}\s", line)), "") for name in names
    }


def test_without_browser_and_terminal_it_prints_the_outcome(environment, tmp_path):
    place = tmp_path / "demo"
    done = subprocess.run(
        [*COMMAND, "--folder", str(place)],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = lines_of(done.stdout, "weights.pkl", "weights.safetensors", "surprise.pkl", "acme-tiny")
    for honest in ("weights.pkl", "weights.safetensors"):
        assert "loaded silently" in said[honest]
        assert "no" in said[honest]
    for armed in ("surprise.pkl", "acme-tiny"):
        assert "stopped before its code ran" in said[armed]
    assert not CANARIES & {path.name for path in place.iterdir()}
    assert (place / "surprise.pkl").exists()

    history = [*COMMAND[:-1], "history"]
    told = subprocess.run(history, env=environment, capture_output=True, text=True, check=True).stdout
    assert len(re.findall("kept blocked", told)) == 2
    assert "surprise.pkl" in told


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")
class TestTerminal:
    """`modelguard demo --terminal` walks through the files and asks the person there."""

    @pytest.fixture
    def terminal(self, environment, tmp_path):
        pexpect = pytest.importorskip("pexpect", reason="pexpect is not installed")
        command = [*COMMAND[1:], "--terminal", "--folder", str(tmp_path / "demo")]
        running = pexpect.spawn(sys.executable, command, env=environment, encoding="utf-8", timeout=60, dimensions=(60, 140))
        yield running
        running.close(force=True)

    def test_enter_alone_keeps_everything_blocked(self, terminal, tmp_path):
        for _ in range(2):
            terminal.expect_exact("Enter keeps it blocked: ")
            terminal.sendline("")
        terminal.expect_exact("Its code ran")
        terminal.wait()
        assert terminal.exitstatus == 0
        assert not CANARIES & {path.name for path in (tmp_path / "demo").iterdir()}

    def test_answering_runs_what_was_shown(self, terminal, tmp_path):
        terminal.expect_exact("os.system")
        terminal.expect_exact("Enter keeps it blocked: ")
        assert not (tmp_path / "demo" / "canary-from-pickle.txt").exists()
        terminal.sendline("run")
        terminal.expect_exact("Enter to keep it blocked: ")
        terminal.sendline("1")
        terminal.expect_exact("Type os.system to run it")
        terminal.sendline("os.system")
        terminal.expect_exact("configuration_acme.py")
        terminal.expect_exact("Enter keeps it blocked: ")
        assert (tmp_path / "demo" / "canary-from-pickle.txt").exists()
        assert not (tmp_path / "demo" / "canary-from-import.txt").exists()
        terminal.sendline("run")
        terminal.expect_exact("Enter to keep it blocked: ")
        terminal.sendline("1")
        terminal.expect_exact("1 Just this call, once")
        terminal.expect_exact("Enter to keep it blocked: ")
        terminal.sendline("1")
        terminal.expect_exact("Its code ran")
        terminal.expect_exact("loaded after you said so")
        terminal.wait()
        assert terminal.exitstatus == 0
        assert (tmp_path / "demo" / "canary-from-import.txt").exists()
