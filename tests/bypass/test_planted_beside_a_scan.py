"""A file beside the notebook that stands in for a library: a load of nothing but numbers runs it, and the scan says so."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

from jupyter_modelguard import assess, scan
from jupyter_modelguard.types import RiskLevel

CODE = "open('canary', 'w').close()\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def save(folder, thing):
    path = folder / "model.pkl"
    path.write_bytes(pickle.dumps(thing))
    return path


def load(path):
    """Load as a notebook would: with its folder first on the path."""
    code = f"import pickle; pickle.load(open({str(path)!r}, 'rb'))"
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)


@pytest.mark.parametrize(
    ("thing", "planted"),
    [
        (np.arange(3), "numpy.py"),
        (np.arange(3), "numpy/__init__.py"),
        (__import__("fractions").Fraction(1, 2), "fractions.py"),
    ],
)
def test_file_that_stands_in_for_a_library_is_found(thing, planted, folder):
    path = save(folder, thing)
    assert assess(scan(path)).level is RiskLevel.DATA_ONLY
    (folder / planted).parent.mkdir(exist_ok=True)
    (folder / planted).write_text(CODE)
    load(path)
    assert (folder / "canary").exists()
    os.unlink("canary")
    report = scan(path)
    assert assess(report).level is RiskLevel.RUNS_CODE
    (found,) = report.findings
    assert found.rule == "pickle-planted-module"
    assert planted in found.title
    assert {use.origin for use in report.globals} == {"a file in the working directory"}
    assert not (folder / "canary").exists()


@pytest.mark.parametrize("harmless", ["os.py", "numpy/data.txt", "numpy.txt", "pandas.py"])
def test_file_that_no_import_would_take_is_left_alone(harmless, folder):
    path = save(folder, np.arange(3))
    (folder / harmless).parent.mkdir(exist_ok=True)
    (folder / harmless).write_text(CODE)
    load(path)
    assert not (folder / "canary").exists()
    assert assess(scan(path)).level is RiskLevel.DATA_ONLY


def test_module_of_ones_own_is_where_it_is_and_no_plant(folder):
    (folder / "mine.py").write_text("class Thing: pass\n")
    (folder / "own.pkl").write_bytes(b"cmine\nThing\n)\x81.")
    report = scan(folder / "own.pkl")
    assert [finding.rule for finding in report.findings] == ["pickle-unknown-global"]
    assert report.globals[0].origin == "a file in the working directory"


def test_folder_of_another_notebook_does_not_count(folder, tmp_path_factory, monkeypatch):
    path = save(folder, np.arange(3))
    (folder / "numpy.py").write_text(CODE)
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert assess(scan(path)).level is RiskLevel.DATA_ONLY
