"""A module that bears a reviewed library's name but lies beside the model is nobody's library."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

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
for reader in sys.argv[3:]:
    try:
        readers[reader](eval(sys.argv[2]))
    except BaseException as error:
        print(reader, type(error).__name__)
"""
TREE = b"csklearn.tree._tree\nTree\n."
CLASSIFIER = b"\x80\x02csklearn.tree._classes\nDecisionTreeClassifier\n)\x81."
READERS = ["loads", "own"]
LIBRARY = Path(sysconfig.get_path("purelib"), "sklearn")


def planted(folder):
    """A package that takes the library's place."""
    tree = folder / "sklearn" / "tree"
    tree.mkdir(parents=True)
    (folder / "sklearn" / "__init__.py").write_text(payload(folder))
    (tree / "__init__.py").touch()
    (tree / "_tree.py").write_text("class Tree: pass\n")
    (tree / "_classes.py").write_text("class DecisionTreeClassifier: pass\n")


def linked_below(folder):
    """A package whose parts are the library's own, through a link: only what is above them is planted."""
    (folder / "sklearn").mkdir()
    (folder / "sklearn" / "__init__.py").write_text(payload(folder))
    (folder / "sklearn" / "tree").symlink_to(LIBRARY / "tree")


def linked_above(folder):
    """A link to the library's first file: what that file imports from beside itself lies beside the link."""
    (folder / "sklearn").mkdir()
    (folder / "sklearn" / "__init__.py").symlink_to(LIBRARY / "__init__.py")
    (folder / "sklearn" / "_config.py").write_text(payload(folder))
    (folder / "sklearn" / "tree").symlink_to(LIBRARY / "tree")


def payload(folder):
    return f"open({str(folder / 'canary')!r}, 'w').close()\n"


@pytest.mark.parametrize("plant", [planted, linked_below, linked_above])
@pytest.mark.parametrize("data", [TREE, CLASSIFIER], ids=["listed", "inspected"])
def test_planted_library_is_not_imported(data, plant, tmp_path):
    if plant is not planted and not LIBRARY.is_dir():
        pytest.skip("scikit-learn is not here")
    plant(tmp_path)
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (tmp_path / "script.py").write_text(SCRIPT)

    def run(held, *readers):
        environment = {"MODELGUARD_HOME": str(home), "MODELGUARD_HEADLESS": "deny", "PATH": "/usr/bin:/bin"}
        if "PYTHONPATH" in os.environ:
            environment["PYTHONPATH"] = os.environ["PYTHONPATH"]
        command = [sys.executable, "script.py", held, repr(data), *readers]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100, check=False
        ).stdout

    for reader in READERS:  # in a process each: the second would find the library imported
        run("plain", reader)
        assert (tmp_path / "canary").exists()
        (tmp_path / "canary").unlink()
    assert run("held", *READERS).splitlines() == [f"{reader} ModelLoadBlockedError" for reader in READERS]
    assert not (tmp_path / "canary").exists()
