"""An ordinary working day, as a notebook that really runs: fifty loads of more than ten libraries, and at most one question."""

import asyncio
import importlib.util
import sys
from pathlib import Path

import pytest

from jupyter_modelguard.history.store import Store
from jupyter_modelguard.stages.born_here import BornHere
from jupyter_modelguard.types import Outcome

nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")

from working_day import DAY, LIBRARIES  # noqa: E402 isort: skip

# Loaded from IPython's configuration, as `modelguard install` has it, but with a folder of the test's own.
EXTENSION = """
import pathlib
from jupyter_modelguard import config
config.default_home = lambda: pathlib.Path({trust!r})

def load_ipython_extension(shell):
    import jupyter_modelguard
    jupyter_modelguard.load_ipython_extension(shell)
"""
NEXT_DAY = """
import pickle
for name in ("scale.pkl", "step.pkl"):
    with open(name, "rb") as file:
        pickle.load(file)
"""

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture
def run(home, tmp_path, monkeypatch):
    """Run cells in a kernel of their own, which loads the guard as it starts."""
    folder, settings = tmp_path / "work", tmp_path / "ipython" / "profile_default"
    folder.mkdir()
    settings.mkdir(parents=True)
    (settings / "ipython_config.py").write_text('c = get_config()\nc.InteractiveShellApp.extensions = ["guarded_day"]\n')
    (tmp_path / "extension").mkdir()
    (tmp_path / "extension" / "guarded_day.py").write_text(EXTENSION.format(trust=str(tmp_path / "trust")))
    root = str(Path(__file__).parents[2])
    monkeypatch.setenv("PYTHONPATH", ":".join([str(tmp_path / "extension"), root, *sys.path]))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    def execute(*cells):
        made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        client = nbclient.NotebookClient(made, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
        asyncio.run(client.async_execute())

    return execute


def history(home):
    store = Store(home)
    try:
        return store.history(10_000), store.statistics()
    finally:
        store.close()


@pytest.mark.torch
def test_working_day_asks_at_most_once(run, home, tmp_path):
    missing = [library for library in LIBRARIES if importlib.util.find_spec(library) is None]
    if missing:
        pytest.skip(f"the day uses {', '.join(missing)}")
    run(*DAY)
    records, statistics = history(home)
    loads = sum(record.count for record in records if record.outcome in {Outcome.LOADED, Outcome.ALLOWED})
    assert loads >= 50
    assert len({record.request.loader.partition(".")[0] for record in records}) >= 10
    assert [record for record in records if record.outcome is Outcome.FAILED] == []
    assert statistics.cards + statistics.refused <= 1
    assert statistics.born >= 4
    names = {entry.name for entry in BornHere(lambda: tmp_path / "trust").entries()}
    assert names >= {"scale.pkl", "halve.joblib", "step.pkl"}
    run(NEXT_DAY)
    assert history(home)[1].born == statistics.born + 2
