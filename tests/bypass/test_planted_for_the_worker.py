"""Files that wait in a folder for the process that reads strangers' bytes: it must import none of them, wherever the notebook moved."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import jupyter_modelguard

ROOT = str(Path(jupyter_modelguard.__file__).parents[1])
NAMES = ("loky", "multiprocessing", "numpy", "pickletools", "runpy", "sitecustomize", "tarfile", "jupyter_modelguard")
SCRIPT = """
import os, sys
if {own!r} not in sys.path: sys.path.insert(0, {own!r})
import contextlib, loky, loky.process_executor, multiprocessing.resource_tracker
from jupyter_modelguard.artifacts.source import StreamSource
from jupyter_modelguard.engines import starting, worker
from pathlib import Path
if sys.argv[1] == "plainly":
    starting._of_the_notebook = lambda *_: False
    starting._python_path = lambda: os.environ.get("PYTHONPATH", "")
    starting._start_trackers = lambda: None
sys.path.remove({own!r})
sys.path.append({own!r})
{moves}
for name in {names!r}:
    Path({planted!r}, name + ".py").write_text("open(" + repr({canary!r}) + ", 'w').close()\\nraise ImportError\\n")
reader = worker.Worker()
print(reader.trace(StreamSource(data=b"\\x80\\x04cnumpy\\ndtype\\n."), "pickle").report.coverage.missed)
reader.close()
"""


def notebook(folder, planted):
    return "sys.path.insert(0, '')", folder, planted, {}


def moved(folder, planted):
    """The notebook's folder by its name, as some editors have it, and a cell that went elsewhere."""
    return f"sys.path.insert(0, {str(planted)!r}); os.chdir({str(folder)!r})", planted, folder, {}


def script(folder, planted):
    """A script that is run from elsewhere."""
    return "", folder, planted, {}


def entered(folder, planted):
    """A notebook that enters a cloned repository, where the shell's profile left an empty entry in `PYTHONPATH`."""
    return f"os.chdir({str(planted)!r})", folder, folder, {"PYTHONPATH": f"{os.pathsep}/nowhere"}


def relative(folder, planted):
    return f"sys.path.insert(0, '.'); os.chdir({str(planted)!r})", folder, folder, {"PYTHONPATH": "."}


def deaf(folder, planted):
    """A Python that was told to look at no variables: what it starts is told so too."""
    return "", planted, folder, {"-E": ""}


@pytest.mark.parametrize("way", [notebook, moved, script, entered, relative, deaf])
def test_process_that_reads_imports_nothing_that_was_planted(way, tmp_path):
    folder, planted, canary = tmp_path / "elsewhere", tmp_path / "planted", tmp_path / "canary"
    folder.mkdir()
    planted.mkdir()
    moves, start, beside, changes = way(folder, planted)

    def missed(how):
        text = SCRIPT.format(own=ROOT, moves=moves, names=NAMES, planted=str(planted), canary=str(canary))
        (beside / "train.py").write_text(text)
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | changes
        flags = ["-E"] if environment.pop("-E", None) is not None else []
        command = [sys.executable, *flags, str(beside / "train.py"), how]
        done = subprocess.run(command, cwd=start, env=environment, capture_output=True, text=True, check=False, timeout=60)
        for path in planted.glob("*.py"):
            path.unlink()
        return done.stdout.strip()

    missed("plainly")
    assert canary.exists(), "the attack does not work"
    canary.unlink()
    assert missed("held") == "()"
    assert not canary.exists()
