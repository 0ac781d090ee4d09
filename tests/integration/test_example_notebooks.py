"""The example notebooks, run as they are: they block what they say they block, and nothing of a stranger's runs."""

import os
import re
import sysconfig
from pathlib import Path

import pytest
from executed import text_of

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
pytest.importorskip("nbclient", reason="nbclient is not installed")
pytest.importorskip("numpy", reason="the arrays of these notebooks are numpy's")

EXAMPLES = Path(__file__).parents[2] / "example_notebooks"
BLOCKED = {  # name: a word of each cell that is stopped, in order
    "history": [],
    "quickstart": ["surprise.pkl", "acme-tiny"],
    "remote_code": ["acme-tiny"],
    "team_policy_and_lock": ["surprise.pkl"],
}
STATUSES = {
    "history": ["0", "1", "0"],  # the chain is whole, broken by hand, and what was deleted on purpose
    "team_policy_and_lock": ["1", "0", "1"],  # of runs without an entry, with it, and with other bytes
}

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


def test_no_example_is_left_out():
    assert sorted(BLOCKED) == sorted(path.stem for path in EXAMPLES.glob("*.ipynb"))


@pytest.fixture
def run_example(run_notebook, monkeypatch):
    """Run an example with the commands of this environment."""
    monkeypatch.setenv("PATH", os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]]))

    def run(name):
        done = run_notebook(nbformat.read(EXAMPLES / f"{name}.ipynb", as_version=4))
        return [cell for cell in done.cells if cell.cell_type == "code"]

    run.folder = run_notebook.folder
    return run


@pytest.mark.torch
@pytest.mark.parametrize("name", BLOCKED)
def test_example_runs_as_it_says(run_example, name):
    if any("acme-tiny" in word for word in BLOCKED[name]):
        pytest.importorskip("transformers", reason="transformers is not installed")
    cells = run_example(name)
    stopped = [cell for cell in cells if any(output.get("ename") for output in cell.outputs)]
    assert [cell.metadata.get("tags") for cell in stopped] == [["raises-exception"]] * len(BLOCKED[name])
    for cell, word in zip(stopped, BLOCKED[name], strict=True):
        assert [output.ename for output in cell.outputs if "ename" in output] == ["ModelLoadBlockedError"]
        assert word in cell.source
    assert not list(run_example.folder.glob("canary*"))
    asked = [text_of(cell).strip() for cell in cells if ".canary).exists()" in cell.source]
    assert asked == ["False"] * len(BLOCKED[name])
    ended = [text_of(cell).split() for cell in cells if cell.source.rstrip().endswith(".returncode")]
    assert [words[-1] for words in ended] == STATUSES.get(name, [])


@pytest.mark.parametrize("name", BLOCKED)
def test_pictures_of_an_example_are_there(name):
    text = "\n".join(cell.source for cell in nbformat.read(EXAMPLES / f"{name}.ipynb", as_version=4).cells)
    shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)
    assert shown
    assert all((EXAMPLES / path).is_file() for path in shown)
