"""What "Guard this notebook" sends to a kernel whose notebook came with files beside it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[3] / "labextension" / "src" / "panel" / "guardHere.ts"
HOSTILE = "import pathlib\npathlib.Path('canary').touch()\ndef load_ipython_extension(shell): pass\n"
KERNEL = """
import sys
sys.path.insert(0, '')  # as in a notebook
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
done = shell.run_cell(sys.stdin.read(), store_history=False)
done.raise_error()
guard = sys.modules.get('jupyter_modelguard.guard')
print('guarded', guard is not None and guard.current() is not None, sys.path[0] == '', sorted(set(shell.user_ns) & {'whole', 'here', 'os'}))
"""


@pytest.fixture
def pressed(tmp_path):
    pytest.importorskip("IPython")
    folder = tmp_path / "cloned"
    folder.mkdir()
    (folder / "modelguard.py").write_text(HOSTILE)
    (folder / "jupyter_modelguard.py").write_text(HOSTILE)
    home = tmp_path / "home"
    home.mkdir(mode=0o700)

    def run(code):
        import os

        environment = {**os.environ, "MODELGUARD_HOME": str(home), "IPYTHONDIR": str(tmp_path / "ipython")}
        done = subprocess.run(
            [sys.executable, "-c", KERNEL],
            input=code,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.stdout, (folder / "canary").exists()

    return run


def test_a_file_of_our_name_beside_the_notebook_is_not_run(pressed):
    if not SOURCE.exists():
        pytest.skip("the front end's source is not here")
    (code,) = re.findall(r"const CODE = `(.*?)`;", SOURCE.read_text("utf-8"), re.DOTALL)
    said, ran = pressed(code)
    assert not ran
    assert "guarded True True []" in said


def test_the_plain_magic_runs_it(pressed):
    """Why the button does not send what a person would type."""
    assert pressed("%load_ext modelguard")[1]
