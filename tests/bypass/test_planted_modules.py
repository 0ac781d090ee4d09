"""A module that bears a reviewed library's name but lies beside the model is nobody's library."""

import subprocess
import sys

import pytest

SCRIPT = """
import os, pickle, sys
import jupyter_modelguard

class Mine(pickle.Unpickler):
    def find_class(self, module, name):
        return super().find_class(module, name)

readers = {"loads": pickle.loads, "own": lambda data: Mine(__import__("io").BytesIO(data)).load()}
if sys.argv[1] == "held":
    jupyter_modelguard.install()
    class Mine(pickle.Unpickler):
        def find_class(self, module, name):
            return super().find_class(module, name)
    readers["loads"] = pickle.loads
try:
    readers[sys.argv[2]](b"csklearn.tree._tree\\nTree\\n.")
except BaseException as error:
    print(type(error).__name__)
"""


@pytest.mark.parametrize("reader", ["loads", "own"])
def test_planted_library_is_not_imported(reader, tmp_path):
    package = tmp_path / "sklearn" / "tree"
    package.mkdir(parents=True)
    (tmp_path / "sklearn" / "__init__.py").write_text(f"open({str(tmp_path / 'canary')!r}, 'w').close()\n")
    (package / "__init__.py").touch()
    (package / "_tree.py").write_text("class Tree: pass\n")
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (tmp_path / "script.py").write_text(SCRIPT)

    def run(held):
        environment = {"MODELGUARD_HOME": str(home), "MODELGUARD_HEADLESS": "deny", "PATH": "/usr/bin:/bin"}
        command = [sys.executable, "script.py", held, reader]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100, check=False
        ).stdout

    run("plain")
    assert (tmp_path / "canary").exists()
    (tmp_path / "canary").unlink()
    assert "ModelLoadBlockedError" in run("held")
    assert not (tmp_path / "canary").exists()
