"""`modelguard run`: a script or a notebook goes by lock files, never waits, and says what a reviewer would add."""

import json
import os
import pickle
import re
import subprocess
import sys
import textwrap

import pytest

# As the installed command starts: with its own folder first on the path, not the one it is called in.
COMMAND = "import sys; sys.path[0] = '/nowhere'; from jupyter_modelguard.cli import main; sys.exit(main())"
LOAD = "import pickle\nwith open('model.pkl', 'rb') as file:\n    print('loaded', pickle.load(file))\n"


@pytest.fixture
def project(tmp_path):
    """A folder with a file that calls a function of the standard library which nothing vouches for."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / ".git").mkdir()
    write(folder / "model.pkl", "weights")
    return folder


@pytest.fixture
def run(project, home, tmp_path, monkeypatch):
    """Run `modelguard run` with nothing to read from; a minute is a hang."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([os.path.dirname(os.path.dirname(os.path.dirname(__file__))), *filter(None, sys.path)])
    )

    def execute(*arguments):
        command = [sys.executable, "-c", COMMAND, "run", *map(str, arguments)]
        return subprocess.run(
            command, cwd=project, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, check=False
        )

    return execute


def write(path, argument):
    path.write_bytes(b"\x80\x04ctextwrap\ndedent\n(" + pickle.dumps(argument, 3)[2:-1] + b"tR.")


def script(project, text=LOAD):
    path = project / "script.py"
    path.write_text(textwrap.dedent(text))
    return path


def notebook(project, *cells, **metadata):
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    pytest.importorskip("nbclient", reason="nbclient is not installed")
    path = project / "notebook.ipynb"
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata=metadata)
    nbformat.write(made, path)
    return path


def signed(project):
    """Do what a reviewer does with what a run proposed."""
    text = (project / "modelguard.lock.proposed").read_text()
    lock = project / "modelguard.lock"
    lock.write_text(text.replace('by = ""', 'by = "grace"').replace('reason = ""', 'reason = "Reviewed in PR 7"'))
    return lock


def texts(path):
    cells = json.loads(path.read_text())["cells"]
    return ["".join("".join(output.get("text", ())) for output in cell["outputs"]) for cell in cells]


# -- scripts ---------------------------------------------------------------------------------------------------------------------


def test_script_is_blocked_with_the_entry_that_lets_it_pass(run, project):
    done = run(script(project))
    assert done.returncode == 1
    assert "loaded" not in done.stdout
    assert "ModelLoadBlockedError" in done.stderr
    assert "modelguard blocked 1 load:" in done.stderr
    assert "MODELGUARD_HEADLESS is lock" in done.stderr
    assert str(project / "modelguard.lock.proposed") in done.stderr
    lock = signed(project)
    again = run("--lock", lock, script(project))
    assert (again.returncode, again.stdout) == (0, "loaded weights\n"), again.stderr
    assert run(script(project)).returncode == 1  # it is there, and nobody accepted it
    write(project / "model.pkl", "other weights")
    changed = run("--lock", lock, script(project))
    assert changed.returncode == 1
    assert "loaded" not in changed.stdout


def test_script_that_swallows_the_error_fails_all_the_same(run, project):
    path = script(project, "try:\n" + textwrap.indent(LOAD, "    ") + "except RuntimeError:\n    print('went on')\n")
    done = run(path)
    assert (done.returncode, done.stdout) == (1, "went on\n")
    assert "modelguard blocked 1 load:" in done.stderr


def test_child_that_was_blocked_fails_the_run(run, project):
    if not hasattr(os, "fork"):
        pytest.skip("no fork here")
    body = textwrap.indent(LOAD, "        ")
    path = script(
        project, f"import os\nif os.fork() == 0:\n    try:\n{body}    finally:\n        os._exit(0)\nelse:\n    os.wait()\n"
    )
    done = run(path)
    assert done.returncode == 1
    assert "modelguard blocked 1 load:" in done.stderr
    assert "loaded" not in done.stdout


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("print('done')", 0, ""),
        ("import sys; sys.exit(7)", 7, ""),
        ("import sys; sys.exit('no luck')", 1, "no luck"),
        ("raise ValueError('no luck')", 1, "ValueError: no luck"),
        ("def broken(:", 1, "SyntaxError"),
    ],
)
def test_status_is_the_scripts_own(run, project, text, status, said):
    done = run(script(project, text))
    assert done.returncode == status
    assert said in done.stderr
    assert "modelguard" not in done.stderr
    assert not (project / "modelguard.lock.proposed").exists()


def test_script_sees_what_python_would_show_it(run, project):
    (project / "beside.py").write_text("VALUE = 41\n")
    path = script(
        project,
        """
        import pickle, sys
        import beside
        class Mine: pass
        if __name__ == "__main__":
            print(sys.argv[1:], beside.VALUE, __file__ == sys.argv[0], sys.modules["__main__"].Mine is Mine)
        """,
    )
    done = run(path, "--epochs", "3")
    assert done.stdout == "['--epochs', '3'] 41 True True\n", done.stderr


def test_script_asks_nobody_even_where_somebody_could_answer(run, project):
    """A terminal IPython inside the script would be asked elsewhere."""
    path = script(project, "from IPython.terminal.interactiveshell import TerminalInteractiveShell as S\nS.instance()\n" + LOAD)
    done = run(path)
    assert done.returncode == 1
    assert "loaded" not in done.stdout


@pytest.mark.parametrize("arguments", [["none.py"], ["--lock", "none.lock", "script.py"], ["--output", "x", "script.py"]])
def test_what_cannot_be_used_is_an_error_of_its_own(run, project, arguments):
    script(project)
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("modelguard: ")
    assert "loaded" not in done.stdout


def test_environment_that_denies_wins_over_the_lock_that_was_named(run, project, monkeypatch):
    run(script(project))
    lock = signed(project)
    monkeypatch.setenv("MODELGUARD_HEADLESS", "deny")
    done = run("--lock", lock, script(project))
    assert done.returncode == 1
    assert "MODELGUARD_HEADLESS is deny" in done.stderr


def test_policy_of_the_project_forbids_in_a_run(run, project):
    (project / "modelguard.toml").write_text('[[rule]]\naction = "forbid"\nname = "no pickles"\nformat = "pickle"\n')
    done = run(script(project))
    assert done.returncode == 1
    assert f"Blocked by policy: no pickles ({project}/modelguard.toml:1)" in done.stderr
    assert not (project / "modelguard.lock.proposed").exists()


def test_link_in_place_of_what_is_proposed_is_not_written_through(run, project, tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("kept")
    (project / "modelguard.lock.proposed").symlink_to(precious)
    assert run(script(project)).returncode == 1
    assert precious.read_text() == "kept"
    assert "[[entry]]" in (project / "modelguard.lock.proposed").read_text()


@pytest.mark.torch
def test_torch_file_is_locked_with_all_its_bytes(run, project):
    torch = pytest.importorskip("torch", reason="torch is not installed")

    class Unknown:
        def __reduce__(self):
            return textwrap.dedent, ("weights",)

    torch.save({"weights": torch.arange(4.0), "extra": Unknown()}, project / "model.pt")
    path = script(project, "import torch\nprint('loaded', sorted(torch.load('model.pt', weights_only=False)))\n")
    assert run(path).returncode == 1
    lock = signed(project)
    assert re.search(r'"textwrap.dedent"', lock.read_text())
    done = run("--lock", lock, path)
    assert (done.returncode, done.stdout) == (0, "loaded ['extra', 'weights']\n"), done.stderr
    torch.save({"weights": torch.arange(4.0) + 1, "extra": Unknown()}, project / "model.pt")  # the same code, other weights
    assert run("--lock", lock, path).returncode == 1


# -- notebooks -------------------------------------------------------------------------------------------------------------------


def test_notebook_is_guarded_before_its_first_cell_and_goes_by_the_lock(run, project):
    path = notebook(project, LOAD, "print('went on')")
    done = run(path)
    assert done.returncode == 1
    assert "Nobody could be asked: MODELGUARD_HEADLESS is lock" in done.stderr
    lock = signed(project)
    passed = run("--lock", lock, "--output", project / "done.ipynb", path)
    assert passed.returncode == 0, passed.stderr
    assert texts(project / "done.ipynb") == ["loaded weights\n", "went on\n"]


def test_notebook_that_swallows_the_error_or_expects_it_fails_all_the_same(run, project):
    swallowing = "try:\n" + textwrap.indent(LOAD, "    ") + "except RuntimeError:\n    print('went on')"
    done = run(notebook(project, "%load_ext modelguard", swallowing))
    assert done.returncode == 1
    assert "modelguard blocked 1 load:" in done.stderr


def test_cell_that_fails_fails_the_run_and_an_honest_notebook_passes(run, project):
    done = run(notebook(project, "1 / 0"))
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert "modelguard blocked" not in done.stderr
    (project / "plain.pkl").write_bytes(pickle.dumps([1, 2]))
    honest = LOAD.replace("model.pkl", "plain.pkl")
    assert run(notebook(project, honest)).returncode == 0


def test_module_beside_the_notebook_does_not_stand_in_for_the_guard(run, project):
    for name in ("jupyter_modelguard", "argparse", "ipykernel", "traitlets", "modelguard"):
        (project / f"{name}.py").write_text(f"open({str(project / 'canary')!r}, 'w')\n")
    done = run(notebook(project, LOAD))
    assert done.returncode == 1
    assert "modelguard blocked 1 load:" in done.stderr
    assert not (project / "canary").exists()


def test_notebook_of_another_language_is_an_error(run, project):
    done = run(notebook(project, "1", kernelspec={"name": "ir", "display_name": "R", "language": "R"}))
    assert done.returncode == 2
    assert "only those of Python can be guarded" in done.stderr


def test_cell_cannot_name_a_lock(run, project):
    """The variables and arguments of a kernel are a cell's to change; the rulebook was made before."""
    run(script(project))
    signed(project)
    forging = """
    import os, sys
    os.environ["MODELGUARD_LOCK"] = os.environ["MODELGUARD_HEADLESS_LOCK"] = os.path.abspath("modelguard.lock")
    sys.argv += ["--lock", "modelguard.lock"]
    from jupyter_modelguard import guard
    from jupyter_modelguard.policy.rulebook import Rulebook
    import pathlib
    guard.start(rulebook=Rulebook(lambda: pathlib.Path.cwd(), None, pathlib.Path("modelguard.lock").absolute()))
    """
    done = run(notebook(project, textwrap.dedent(forging), LOAD))
    assert done.returncode == 1
    assert "loaded" not in done.stdout
