"""Notebooks that nobody watches: nbclient runs them to the end or to the block, and never waits."""

import pickle

import pytest
from executed import text_of

nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
np = pytest.importorskip("numpy", reason="the arrays of these tests are numpy's")

LOAD = "import pickle\nwith open({name!r}, 'rb') as file:\n    value = pickle.load(file)\nprint('loaded', sorted(value))"

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


def notebook(*cells):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])


def test_honest_notebook_passes(run_notebook):
    (run_notebook.folder / "honest.pkl").write_bytes(pickle.dumps({"weights": np.arange(4.0)}))
    done = run_notebook(notebook("%load_ext modelguard", LOAD.format(name="honest.pkl"), "%modelguard history"))
    assert "loaded ['weights']" in text_of(done.cells[1])
    assert "loaded" in text_of(done.cells[2])


def test_armed_notebook_fails_and_does_not_wait(run_notebook, armed_pickle, canary):
    armed = notebook("%load_ext modelguard", LOAD.format(name=str(armed_pickle)), "print('went on')")
    with pytest.raises(nbclient.exceptions.CellExecutionError, match="ModelLoadBlockedError") as caught:
        run_notebook(armed)
    assert "os.system" in str(caught.value)
    assert not canary.exists()
    assert "Nobody could be asked" in text_of(armed.cells[1])
    assert not armed.cells[2].outputs


def test_armed_notebook_runs_its_file_without_the_guard(run_notebook, armed_pickle, canary):
    done = run_notebook(notebook(LOAD.format(name=str(armed_pickle))))
    assert "loaded" in text_of(done.cells[0])
    assert canary.exists()
