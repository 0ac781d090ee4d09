"""Other packages bring rows through an entry point: theirs are held like ours, and a broken one keeps nothing from starting."""

import importlib
import os
import sys

import pytest

from jupyter_modelguard.artifacts import entry_points
from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.hooks import plugins
from jupyter_modelguard.ipython.doctor import diagnosis

LOADER = """
import pickle

def load(path):
    with open(path, "rb") as file:
        return pickle.load(file)
"""
ROWS = """
from jupyter_modelguard.hooks.named import guard_call
from jupyter_modelguard.hooks.row import Row, wrap

ROWS = [Row("acme_loader.files", "load", wrap(guard_call, "acme_loader.load", 0, "path"), "acme_loader.load", "a pickle's")]
"""


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder that counts as a place where libraries are installed."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(entry_points, "trusted_roots", lambda: (f"{folder}{os.sep}",))
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] in {"acme_loader", "broken_loader"}]:
        sys.modules.pop(name)


def distribution(folder, name, value, **files):
    package = folder / name
    package.mkdir()
    for file, text in {"__init__": "", **files}.items():
        (package / f"{file}.py").write_text(text)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{plugins.GROUP}]\n{name} = {value}\n")


def test_loader_of_another_package_is_held(site, hold, armed_pickle, canary):
    distribution(site, "acme_loader", "acme_loader.guarding:ROWS", files=LOADER, guarding=ROWS)
    running = hold()
    files = importlib.import_module("acme_loader.files")
    with pytest.raises(ModelLoadBlockedError, match=r"os\.system"):
        files.load(armed_pickle)
    assert not canary.exists()
    ((loader, outcome),) = running.outcomes()
    assert (loader, outcome) == ("acme_loader.load", "blocked")


@pytest.mark.parametrize("guarding", ["raise RuntimeError('no rows today')", "ROWS = ['not a row']", ""])
def test_broken_package_is_named_by_the_doctor(guarding, site, hold):
    distribution(site, "broken_loader", "broken_loader.guarding:ROWS", guarding=guarding)
    hold()
    assert any(not line.well and "broken_loader" in line.text for line in diagnosis())


def test_distribution_in_the_working_directory_does_not_count(tmp_path, monkeypatch):
    distribution(tmp_path, "acme_loader", "acme_loader.guarding:ROWS", files=LOADER, guarding="raise RuntimeError")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    assert plugins.every_row() == plugins.TABLE
    assert not plugins.broken_rows()
