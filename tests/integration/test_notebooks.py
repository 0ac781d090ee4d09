"""Notebooks that nobody watches: nbclient runs them to the end or to the block, and never waits."""

import asyncio
import os
import pickle
from pathlib import Path

import pytest

nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
np = pytest.importorskip("numpy", reason="the arrays of these tests are numpy's")

QUICKSTART = Path(__file__).parents[2] / "example_notebooks" / "quickstart.ipynb"
LOAD = "import pickle\nwith open({name!r}, 'rb') as file:\n    value = pickle.load(file)\nprint('loaded', sorted(value))"

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture
def run(home, tmp_path, monkeypatch):
    """Run a notebook in a fresh folder; a cell that takes longer than the limit is a cell that hangs."""
    folder = tmp_path / "notebook"
    folder.mkdir()
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    def execute(notebook):
        client = nbclient.NotebookClient(
            notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
        )
        asyncio.run(client.async_execute())
        return notebook

    execute.folder = folder
    return execute


def notebook(*cells):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])


def text_of(cell):
    return "\n".join(
        output.get("text", "") + output.get("data", {}).get("text/plain", "") + "\n".join(output.get("traceback", ()))
        for output in cell.outputs
    )


def test_honest_notebook_passes(run):
    (run.folder / "honest.pkl").write_bytes(pickle.dumps({"weights": np.arange(4.0)}))
    done = run(notebook("%load_ext modelguard", LOAD.format(name="honest.pkl"), "%modelguard history"))
    assert "loaded ['weights']" in text_of(done.cells[1])
    assert "loaded" in text_of(done.cells[2])


def test_armed_notebook_fails_and_does_not_wait(run, armed_pickle, canary):
    armed = notebook("%load_ext modelguard", LOAD.format(name=str(armed_pickle)), "print('went on')")
    with pytest.raises(nbclient.exceptions.CellExecutionError, match="ModelLoadBlockedError") as caught:
        run(armed)
    assert "os.system" in str(caught.value)
    assert not canary.exists()
    assert "Nobody could be asked" in text_of(armed.cells[1])
    assert not armed.cells[2].outputs


def test_armed_notebook_runs_its_file_without_the_guard(run, armed_pickle, canary):
    done = run(notebook(LOAD.format(name=str(armed_pickle))))
    assert "loaded" in text_of(done.cells[0])
    assert canary.exists()


@pytest.mark.torch
def test_quickstart_runs_as_it_says(run):
    pytest.importorskip("transformers", reason="transformers is not installed")
    done = run(nbformat.read(QUICKSTART, as_version=4))
    blocked = [cell for cell in done.cells if cell.cell_type == "code" and "ModelLoadBlockedError" in text_of(cell)]
    assert [tag for cell in blocked for tag in cell.metadata.get("tags", ())] == ["raises-exception"] * 2
    assert "surprise.pkl" in blocked[0].source
    assert "acme-tiny" in blocked[1].source
    left = set(os.listdir(run.folder))
    assert {"surprise.pkl", "acme-tiny", "weights.pkl"} <= left
    assert not [name for name in left if name.startswith("canary")]
    asked = [text_of(cell).strip() for cell in done.cells if cell.cell_type == "code" and ".canary).exists()" in cell.source]
    assert asked == ["False", "False"]
