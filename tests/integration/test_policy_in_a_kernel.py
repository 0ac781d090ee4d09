"""Policies and lock files in a real kernel: shown, accepted by a person alone, written, and gone by where nobody is asked."""

from __future__ import annotations

import asyncio
import os
import pickle
import pty
import subprocess
import sys
import textwrap

import pytest

pytest.importorskip("jupyter_client")
pytest.importorskip("ipykernel")

from front_end import FrontEnd, started_kernel  # isort: skip

SETUP = """
import os, pathlib, pickle
os.chdir({project!r})
from jupyter_modelguard import config
config.default_home = lambda: pathlib.Path({own!r})
%load_ext modelguard
def load():
    with open("model.pkl", "rb") as file:
        return pickle.load(file)
"""


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / ".git").mkdir()
    (folder / "model.pkl").write_bytes(b"\x80\x04ctextwrap\ndedent\n(" + pickle.dumps("weights", 3)[2:-1] + b"tR.")
    return folder


@pytest.fixture
def own(tmp_path):
    folder = tmp_path / "person" / "share" / "jupyter-modelguard"
    folder.mkdir(parents=True, mode=0o700)
    return folder


@pytest.fixture
def kernel(tmp_path, project, own):
    home = tmp_path / "home"
    home.mkdir()
    with started_kernel(home) as started:
        front_end = FrontEnd(*started)
        # nobody sits in front of it, unless a test says so
        reply = front_end.reply(front_end.run(SETUP.format(project=str(project), own=str(own)), allow_stdin=False))
        assert reply["status"] == "ok", front_end.text()
        yield front_end


def says(front_end, code, text, *, status="ok", allow_stdin=False):
    reply = front_end.reply(front_end.run(code, allow_stdin=allow_stdin))
    assert reply["status"] == status, reply
    said = " ".join(" ".join(reply.get("traceback", ())).split())
    front_end.wait_for(lambda: text in " ".join(front_end.text().split()) or text in said)


def answered(front_end, code, *answers):
    before = len(front_end.prompts)
    cell = front_end.run(code)
    for number, answer in enumerate(answers, before + 1):
        front_end.wait_for(lambda number=number: len(front_end.prompts) == number)
        front_end.client.input(answer)
    assert front_end.reply(cell)["status"] == "ok"


def test_allowed_locked_accepted_and_loaded_where_nobody_is_asked(kernel, project, own):
    says(kernel, "load()", 'a reviewer adds to modelguard.lock, with who and why: [[entry]] name = "model.pkl"', status="error")
    identity = kernel.reply(kernel.run("import jupyter_modelguard.guard as g", allow_stdin=False))
    assert identity["status"] == "ok"
    code = f"%modelguard allow {identified(kernel)}"
    answered(kernel, code, "run", "3", "1")
    says(kernel, "print('first', load())", "first weights")
    says(kernel, "%modelguard lock", "modelguard.lock has 1 more: model.pkl.")
    assert 'reason = "I read the code"' in (project / "modelguard.lock").read_text()
    says(kernel, "load()", "Nobody could be asked", status="error")
    # neither a cell nor a front end without input accepts
    says(kernel, "%modelguard policy accept modelguard.lock\naccept", "Nothing can be accepted here", status="error")
    answered(kernel, "%modelguard policy accept modelguard.lock", "")
    says(kernel, "load()", "Nobody could be asked", status="error")
    answered(kernel, "%modelguard policy accept modelguard.lock", "accept")
    says(kernel, "print('second', load())", "second weights")
    says(kernel, "%modelguard policy", "model.pkl through pickle.load")
    says(kernel, "%modelguard policy", "Decided by policy")
    says(kernel, "%modelguard", "1 lock file, see %modelguard policy")
    says(kernel, "%modelguard policy forget modelguard.lock", "does not count any more")
    says(kernel, "load()", "Nobody could be asked", status="error")


def identified(front_end):
    said = front_end.text()
    return said[said.index("modelguard history, #") + 21 :][:8]


def test_forbidden_load_shows_a_card_with_no_way_on(kernel, project, own):
    (own / "policy.toml").write_text(
        '\n[[rule]]\naction = "forbid"\nname = "no pickles"\nformat = "pickle"\nreason = "Use safetensors."\n'
    )
    cell = kernel.run("load()")  # by somebody who could answer
    assert kernel.reply(cell)["status"] == "error"
    said = f"Blocked by policy: no pickles ({own / 'policy.toml'}:2)", "Reason: Use safetensors.", "policy.toml, line 2"
    kernel.wait_for(lambda: all(part in " ".join(kernel.text().split()) for part in said))
    assert not kernel.prompts
    identity = kernel.replies[cell]["evalue"].rpartition("show ")[2]
    says(kernel, f"%modelguard allow {identity}", "forbidden by policy", status="error", allow_stdin=True)
    says(kernel, f"%modelguard policy {identity}", f"forbidden by no pickles ({own / 'policy.toml'}:2)")
    says(kernel, "%modelguard policy", "blocked Blocked by policy: no pickles")
    (own / "policy.toml").unlink()
    says(kernel, f"%modelguard policy {identity}", "no rule; a lock file, trust or a person decides")


def test_rule_that_asks_is_on_the_card(kernel, own):
    (own / "policy.toml").write_text('[[rule]]\naction = "ask"\nname = "look first"\n')
    cell = kernel.run("pickle.loads(pickle.dumps(len))")
    kernel.wait_for(
        lambda: kernel.prompts or any("Policy: asks each time · look first" in text for text in [kernel.text()]) or kernel.cards
    )
    kernel.manager.interrupt_kernel()
    assert kernel.reply(cell)["status"] == "error"


def by_nbclient(cells, folder):
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    try:
        asyncio.run(nbclient.NotebookClient(made, timeout=60, kernel_name="python3").async_execute())
    except nbclient.exceptions.CellExecutionError as error:
        return str(error)
    return made.cells[-1].outputs[0]["text"]


def by_papermill(cells, folder):
    papermill = pytest.importorskip("papermill", reason="papermill is not installed")
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    before, after = folder / "before.ipynb", folder / "after.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells]), before)
    try:
        made = papermill.execute_notebook(before, after, kernel_name="python3", progress_bar=False, execution_timeout=60)
    except papermill.PapermillExecutionError as error:
        return str(error)
    return made.cells[-1].outputs[0]["text"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("execute", [by_nbclient, by_papermill])
def test_batch_runs_go_by_policy_and_accepted_lock(execute, project, own, tmp_path, monkeypatch, home):
    from jupyter_modelguard.policy.accepted import AcceptedFiles
    from jupyter_modelguard.policy.checked_file import read_text

    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    cells = [SETUP.format(project=str(project), own=str(own)), "print('loaded', load())"]
    said = execute(cells, tmp_path)
    entry = said[said.index("[[entry]]") :].partition("\n\n")[0].partition("ModelLoadBlockedError")[0]
    lock = project / "modelguard.lock"
    lock.write_text("version = 1\n" + entry.replace('by = ""', 'by = "grace"').replace('reason = ""', 'reason = "PR 7"'))
    assert "covers it, and was not accepted" in execute(cells, tmp_path)
    AcceptedFiles(lambda: own).accept(lock, read_text(lock).digest, "ada")
    assert execute(cells, tmp_path) == "loaded weights\n"
    (project / "modelguard.toml").write_text('[[rule]]\naction = "forbid"\nlevel = "runs_code"\n')
    assert "Blocked by policy: runs_code" in execute(cells, tmp_path)


def test_file_is_accepted_in_a_terminal_and_nowhere_else(project, own, home):
    (project / "modelguard.toml").write_text(
        f'[[rule]]\naction = "allow"\nname = "\\u001b[2Jours"\ndigest = "{"ab" * 32}"\nreason = "Reviewed."\n'
    )
    program = f"""
    import pathlib, sys
    from jupyter_modelguard import config
    config.default_home = lambda: pathlib.Path({str(own)!r})
    from jupyter_modelguard.cli import main
    sys.exit(main(["policy", "accept", "modelguard.toml"]))
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    piped = subprocess.run(command, cwd=project, env=environment, input="accept\n", capture_output=True, text=True, check=False)
    assert piped.returncode == 2
    assert "run this in a terminal" in piped.stderr
    assert not (own / "accepted.json").exists()
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, cwd=project, env=environment, stdin=theirs, stdout=subprocess.PIPE, text=True)
    os.write(ours, b"accept\n")
    said = " ".join(process.communicate(timeout=60)[0].split())
    assert process.returncode == 0
    assert "\\x1b[2Jours · Reviewed." in said
    assert "It counts for you" in said
    assert "modelguard.toml" in (own / "accepted.json").read_text()
