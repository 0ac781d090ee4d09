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


def classifier_of_samples():
    from imblearn.under_sampling import RandomUnderSampler

    return RandomUnderSampler(random_state=3).fit(np.arange(12.0).reshape(6, 2), np.array([0, 0, 0, 0, 1, 1]))


def hidden_states():
    from hmmlearn.hmm import GaussianHMM

    return GaussianHMM(2, n_iter=2, random_state=3).fit(np.random.default_rng(3).normal(size=(30, 1)))


def word_counts():
    from nltk import FreqDist

    return FreqDist(["a", "b", "a"])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("library", "make"), [("imblearn", classifier_of_samples), ("hmmlearn", hidden_states), ("nltk", word_counts)]
)
def test_the_first_load_of_a_process_may_be_of_a_library_that_no_list_has_rows_of(library, make, tmp_path):
    pytest.importorskip(library, reason=f"the file is made by {library}")
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(make()))
    done = run(tmp_path, "import pickle; pickle.load(open('model.pkl', 'rb'))")
    assert done.stdout == "loaded\n", done.stderr


def test_a_load_imports_no_module_that_does_more_than_define_things(tmp_path):
    modules = ["this", "sympy.this", "nltk.book", "PIL.report", "playwright.__main__"]
    for module in modules:
        (tmp_path / f"{module}.pkl").write_bytes(b"\x80\x02c" + module.encode() + b"\nThing\n)\x81.")
    load = f"""import pickle
for module in {modules!r}:
    try:
        pickle.load(open(module + '.pkl', 'rb'))
    except jupyter_modelguard.errors.ModelLoadBlockedError:
        assert module not in sys.modules, module
    else:
        raise SystemExit(module + ' was not held')"""
    done = run(tmp_path, load, "import jupyter_modelguard.errors")
    assert done.stdout == "loaded\n", done.stderr


def test_a_refusal_in_a_script_names_the_script(tmp_path):
    script = tmp_path / "training.py"
    script.write_text(SCRIPT.format(imports="", forget=(), load="import pickle; pickle.loads(b'cos\\nsystem\\n.')"))
    (tmp_path / "home").mkdir(mode=0o700)
    environment = {**os.environ, "MODELGUARD_HOME": str(tmp_path / "home")}
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert "was not loaded (training.py line " in done.stderr
