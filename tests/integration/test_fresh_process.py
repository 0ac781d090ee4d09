"""Honest loads as the first thing that a process does, while the libraries still import their last parts."""

import os
import pickle
import subprocess
import sys

import pytest

np = pytest.importorskip("numpy", reason="the arrays of these tests are numpy's")

SCRIPT = """
import sys
{imports}
import jupyter_modelguard

jupyter_modelguard.install()
for name in {forget!r}:
    sys.modules.pop(name, None)
{load}
print("loaded")
"""


def run(tmp_path, load, imports="", forget=()):
    (tmp_path / "home").mkdir(mode=0o700)
    return subprocess.run(
        [sys.executable, "-c", SCRIPT.format(load=load, imports=imports, forget=forget)],
        cwd=tmp_path,
        env={**os.environ, "MODELGUARD_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.torch
def test_the_first_load_of_a_process_may_be_a_checkpoint(tmp_path):
    torch = pytest.importorskip("torch", reason="the checkpoint is torch's")
    torch.save({"model": torch.nn.Linear(2, 2).state_dict(), "best": np.float64(0.5)}, tmp_path / "checkpoint.pt")
    done = run(tmp_path, "torch.load('checkpoint.pt', weights_only=False)", "import torch")
    assert done.stdout == "loaded\n", done.stderr


def test_a_load_may_import_a_module_of_the_standard_library_from_its_bytecode(tmp_path):
    (tmp_path / "score.pkl").write_bytes(pickle.dumps({"accuracy": np.float64(0.5)}, protocol=2))
    load = "import pickle; pickle.load(open('score.pkl', 'rb'))"
    done = run(tmp_path, load, "import encodings.latin_1", ["encodings.latin_1"])  # so that its bytecode is written
    assert done.stdout == "loaded\n", done.stderr


@pytest.mark.torch
def test_importing_torch_under_the_guard_warns_of_nothing(tmp_path):
    pytest.importorskip("torch", reason="one of its objects answers isinstance with a warning")
    done = run(tmp_path, "import warnings; warnings.simplefilter('error'); import torch")
    assert done.stdout == "loaded\n", done.stderr
