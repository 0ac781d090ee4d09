"""Every closed row, and every reviewed row within its patterns, is given hostile arguments, states and items."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_modelguard.policy import catalogue

LISTS = sorted(path.stem for path in (Path(catalogue.__file__).parent / "lists").glob("*.toml"))
SCRIPT = Path(__file__).with_name("hostile_arguments.py")
# What a row does besides, whatever it is given.
EXPLAINED = {
    "torch.optim.": (
        "changed its class",
        "the first object of a class wraps the step of that class, as when any optimizer is made",
    ),
    "scipy.stats.": (
        "<string>",
        "writes the function that takes the shape parameters apart, from names that it checks to be names",
    ),
}
NO_LIBRARY = {"closed", "stdlib"}


def run(stem, *, script=SCRIPT):
    # With PYTHONSAFEPATH nothing beside the script is importable, and file descriptors stay ours. Bytecode is not written: a library's
    # own imports would be seen to marshal code.
    environment = {
        **os.environ,
        "PYTHONSAFEPATH": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "KERAS_BACKEND": "torch",
    }
    return subprocess.run(
        [sys.executable, str(script), stem], capture_output=True, text=True, timeout=280, env=environment, check=False
    )


def explained(line):
    return any(line.startswith(start) and part in line for start, (part, _why) in EXPLAINED.items())


@pytest.mark.parametrize("stem", LISTS)
def test_rows_of_a_list_run_nothing_for_hostile_arguments(stem):
    done = run(stem)
    assert done.returncode == 0, f"it crashed: {done.stderr[-2000:]}"
    *wrong, last = done.stdout.splitlines()
    assert [line for line in wrong if not explained(line)] == []
    if last == "tried 0" and stem not in NO_LIBRARY:
        pytest.skip(f"{stem} is not installed")
    assert int(last.split()[1]) > 0


def test_function_that_applies_its_argument_is_noticed(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        f"import runpy, sys\nnames = runpy.run_path({str(SCRIPT)!r})\n"
        "def applies(value):\n    value()\n"
        "names['attempt']('applies', lambda: applies(names['Witness']()), closed=True)\n"
    )
    assert "applies: asked an object of the file for __call__" in run("closed", script=script).stdout


def test_function_that_opens_a_file_is_noticed(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        f"import runpy, sys\nnames = runpy.run_path({str(SCRIPT)!r})\nsys.addaudithook(names['hook'])\n"
        f"names['attempt']('opens', lambda: open({str(tmp_path / 'made')!r}, 'w').close(), closed=True)\n"
    )
    assert "opens: raised open" in run("closed", script=script).stdout
