"""`modelguard run`, nbclient and papermill: whatever a script or notebook does about a blocked load, its run fails and never waits."""

import contextlib
import json
import os
import pickle
import pty
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

COMMAND = "import sys; sys.path[0] = '/nowhere'; from jupyter_modelguard.cli import main; sys.exit(main())"
LOAD = "import pickle\nwith open('model.pkl', 'rb') as file:\n    print('loaded', pickle.load(file))\n"
CAUGHT = "    except BaseException as error:\n        print(type(error).__name__)\n"
TRY = "def attempt():\n    try:\n" + textwrap.indent(LOAD, "        ") + CAUGHT


@pytest.fixture
def project(tmp_path, canary):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / ".git").mkdir()
    armed = b"\x80\x04clogging.handlers\nWatchedFileHandler\n" + b"(" + pickle.dumps(str(canary), 3)[2:-1] + b"tR."
    (folder / "model.pkl").write_bytes(armed)
    return folder


@pytest.fixture
def start(project, tmp_path, monkeypatch):
    """Start a command in the project."""
    (tmp_path / "home").mkdir(mode=0o700)
    monkeypatch.setenv("MODELGUARD_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MODELGUARD_HEADLESS", raising=False)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    root = str(Path(__file__).parents[3])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([root, *filter(None, sys.path)]))

    def begin(*arguments, **options):
        settings = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
        return subprocess.Popen([sys.executable, *map(str, arguments)], cwd=project, **settings)

    return begin


@pytest.fixture
def run(start, project, canary):
    """Run a script plainly, where it leaves the canary, and guarded, where it must not; give how the guarded run ended."""

    def execute(text, *arguments, plain=True, **options):
        path = project / "script.py"
        path.write_text(TRY + textwrap.dedent(text))
        if plain:
            start(path).communicate(timeout=60)
            assert canary.exists(), "the attack does not work"
            canary.unlink()
        process = start("-c", COMMAND, "run", *arguments, path, **options)
        said = process.communicate(timeout=120)
        if plain:
            assert "modelguard blocked" in said[1]
        assert not canary.exists()
        return process.returncode, *said

    return execute


ENDINGS = {
    "swallows": "attempt()",
    "ends at once": "attempt()\nimport os\nos._exit(0)",
    "ends well": "attempt()\nimport sys\nsys.exit(0)",
    "ends at once at the end": "attempt()\nimport atexit, os\natexit.register(os._exit, 0)",
    "leaves well at the end": "attempt()\nimport atexit, sys\natexit.register(sys.exit, 0)",
    "loads at the end": "import atexit\natexit.register(attempt)",
    "loads in a thread": "import threading\nthread = threading.Thread(target=attempt)\nthread.start()\nthread.join()",
    "loads in a thread that goes on": (
        "import threading\ndef late():\n    threading.main_thread().join()\n    attempt()\nthreading.Thread(target=late).start()"
    ),
    "becomes another program": "attempt()\nimport os, sys\nos.execv(sys.executable, [sys.executable, '-c', ''])",
    "forks and goes on": "import os\nos.fork()\nattempt()",
    "loads in a child": "import os\nif os.fork() == 0:\n    attempt()\n    os._exit(0)\nos.wait()",
    "loads in a child that ends at once": (
        "import multiprocessing, os\nif __name__ == '__main__':\n"
        "    child = multiprocessing.get_context('fork').Process(target=lambda: (attempt(), os._exit(0)))\n"
        "    child.start()\n    child.join()"
    ),
    "forgets the environment": "import os\nos.environ.clear()\nattempt()",
    "closes its output": "import os, sys\nattempt()\nos.close(1)\nos.close(2)\nos._exit(0)",
}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.parametrize("text", ENDINGS.values(), ids=ENDINGS)
def test_script_that_was_blocked_fails_however_it_ends(text, run):
    status, _, said = run(text)
    assert status == 1, said


def test_status_of_a_script_that_was_not_blocked_is_its_own(run):
    for text, expected in (("import os\nos._exit(5)", 5), ("import atexit, os\natexit.register(os._exit, 6)", 6), ("1", 0)):
        assert run(text, plain=False)[0] == expected
    status, _, _ = run(f"import os\nos.kill(os.getpid(), {int(signal.SIGKILL)})", plain=False)
    assert status == 128 + signal.SIGKILL


def test_script_reads_and_writes_where_the_run_does(start, project):
    (project / "script.py").write_text("import sys\nprint(input() + '!')\nprint('aside', file=sys.stderr)\n")
    process = start("-c", COMMAND, "run", "script.py", stdin=subprocess.PIPE)
    assert process.communicate("said\n", timeout=60) == ("said!\n", "aside\n")
    assert process.returncode == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_to_the_run_reaches_the_script(number, start, project):
    text = """
    import signal, sys, time
    def ends(number, frame):
        print("told")
        sys.exit(9)
    signal.signal(signal.SIGTERM, ends)
    signal.signal(signal.SIGINT, ends)
    print("ready", flush=True)
    while True:
        time.sleep(0.05)
    """
    (project / "script.py").write_text(textwrap.dedent(text))
    process = start("-c", COMMAND, "run", "script.py")
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    assert process.communicate(timeout=60)[0] == "told\n"
    assert process.returncode == 9


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_terminal_is_not_asked_for_anything(run):
    """As somebody runs it by hand: standard input is a terminal, and nobody types."""
    ours, theirs = pty.openpty()
    try:
        assert run("attempt()", stdin=theirs)[0] == 1
    finally:
        os.close(ours)
        os.close(theirs)


def test_closed_input_is_no_fault(run):
    assert run("attempt()", preexec_fn=lambda: os.close(0), stdin=None)[0] == 1


# -- notebooks ----------------------------------------------------------------------------------------------------------------------


def notebook(path, *cells, tags=(), **metadata):
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    pytest.importorskip("nbclient", reason="nbclient is not installed")
    made = [nbformat.v4.new_code_cell(cell, metadata={"tags": list(tags)}) for cell in cells]
    nbformat.write(nbformat.v4.new_notebook(cells=made, metadata=metadata), path)
    return path


WIDGETS = """
from IPython import get_ipython
from comm import create_comm
state = {"_model_name": "Pretends", "_model_module": "anywidget", "_model_module_version": "1"}
create_comm(target_name="jupyter.widget", data={"state": state})
get_ipython().kernel._allow_stdin = True
"""

ENDINGS_OF_NOTEBOOKS = {
    "expects the error": ([LOAD, "print('went on')"], {"tags": ["raises-exception"]}),
    "allows errors": ([LOAD, "print('went on')"], {"allow_errors": True, "execution": {"allow_errors": True}}),
    "swallows": ([TRY + "attempt()"], {}),
    "leaves": ([TRY + "attempt()\nraise SystemExit(0)"], {}),
    "exits": ([TRY + "attempt()\nexit()"], {}),
    "kills its kernel": ([TRY + "attempt()", "import os\nos._exit(0)"], {}),
    "loads in a thread": (
        [TRY + "import threading\nthread = threading.Thread(target=attempt)\nthread.start()\nthread.join()"],
        {},
    ),
    "loads in a child": ([TRY + "import os\nif os.fork() == 0:\n    attempt()\n    os._exit(0)\nos.wait()"], {}),
    "pretends that somebody sits there": ([WIDGETS + TRY + "attempt()"], {}),
}


@pytest.mark.parametrize(("cells", "settings"), ENDINGS_OF_NOTEBOOKS.values(), ids=ENDINGS_OF_NOTEBOOKS)
def test_notebook_that_was_blocked_fails_however_it_ends(cells, settings, start, project, canary):
    path = notebook(project / "notebook.ipynb", *cells, **settings)
    process = start("-c", COMMAND, "run", "--output", project / "done.ipynb", path)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1, said
    assert "modelguard blocked" in said
    assert not canary.exists()


def test_notebook_that_is_expected_to_fail_runs_its_file_without_the_guard(start, project, canary):
    path = notebook(project / "notebook.ipynb", LOAD, tags=["raises-exception"])
    process = start("-c", "from nbclient.cli import main; main()", path)
    process.communicate(timeout=120)
    assert canary.exists(), "the attack does not work"


def by_nbclient(path, folder):
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    made = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(made, timeout=90, allow_errors=True, resources={"metadata": {"path": str(folder)}}).execute()
    return made


def by_papermill(path, folder):
    papermill = pytest.importorskip("papermill", reason="papermill is not installed")
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    with contextlib.suppress(papermill.PapermillExecutionError):
        papermill.execute_notebook(path, folder / "after.ipynb", progress_bar=False, cwd=folder, execution_timeout=90)
    return nbformat.read(folder / "after.ipynb", as_version=4)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("execute", [by_nbclient, by_papermill])
def test_batch_run_that_goes_on_after_errors_runs_nothing_of_the_file(execute, start, project, canary):
    """It has the guard, an answer to a question nobody, and the status that its own tool gives it."""
    cells = ["%load_ext modelguard", WIDGETS, LOAD, "print('went on')"]
    made = execute(notebook(project / "batch.ipynb", *cells, kernelspec={"name": "python3", "display_name": "Python 3"}), project)
    assert start is not None
    assert "ModelLoadBlockedError" in json.dumps(made)
    assert not canary.exists()
