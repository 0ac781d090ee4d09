"""What an installed copy of the project has to bring along."""

import importlib.metadata
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import jupyter_modelguard

ROOT = Path(__file__).parents[2]
HEAVY = {"torch", "transformers", "sqlalchemy", "anywidget", "ipywidgets", "fickling", "loky", "numpy", "rich"}


def in_checkout(path):
    if not (ROOT / path).exists():
        pytest.skip(f"no {path} beside these tests")
    return ROOT / path


def test_the_alias_is_ours_and_exports_the_same_names():
    import modelguard

    assert modelguard.__modelguard_alias__ == "jupyter-modelguard"
    assert modelguard.__all__ == jupyter_modelguard.__all__
    assert modelguard.ModelLoadBlockedError is jupyter_modelguard.ModelLoadBlockedError
    with pytest.raises(AttributeError, match="modelguard"):
        modelguard.something_else  # noqa: B018


def test_finding_the_extension_under_either_name_imports_nothing_heavy():
    code = "import sys, modelguard; modelguard.load_ipython_extension; print(*sorted(name for name in sys.modules if '.' not in name))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "jupyter_modelguard" in done.stdout.split()
    assert HEAVY.isdisjoint(done.stdout.split())


def test_the_card_was_built():
    static = Path(jupyter_modelguard.__file__).parent / "approval" / "static"
    assert "data-lm-suppress-shortcuts" in (static / "card.js").read_text("utf-8")
    assert ".mg-card" in (static / "card.css").read_text("utf-8")


def test_the_lab_extension_is_where_jupyterlab_looks():
    folder = Path(sys.prefix, "share", "jupyter", "labextensions", "jupyter-modelguard")
    package = json.loads((folder / "package.json").read_text("utf-8"))
    assert package["version"] == importlib.metadata.version("jupyter-modelguard")
    assert (folder / package["jupyterlab"]["_build"]["load"]).is_file()
    assert json.loads((folder / "install.json").read_text("utf-8"))["packageName"] == "jupyter-modelguard"


def test_the_command_is_installed():
    (command,) = importlib.metadata.entry_points(group="console_scripts", name="modelguard")
    assert callable(command.load())


def test_the_server_extension_is_switched_on_by_a_file():
    switch = json.loads((Path(jupyter_modelguard.__file__).parent / "server" / "jupyter_modelguard.json").read_text("utf-8"))
    assert switch == {"ServerApp": {"jpserver_extensions": {"jupyter_modelguard": True}}}
    if "MODELGUARD_WHEEL" in os.environ:
        installed = Path(sys.prefix, "etc", "jupyter", "jupyter_server_config.d", "jupyter_modelguard.json")
        assert json.loads(installed.read_text("utf-8")) == switch


def test_finding_the_server_extension_costs_no_kernel_anything():
    code = "import sys, jupyter_modelguard; sys.exit('jupyter_server' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
    pytest.importorskip("jupyter_server", reason="it asks for the extension")
    (point,) = jupyter_modelguard._jupyter_server_extension_points()
    assert point["app"].name == "jupyter_modelguard"


def test_torch_is_not_required():
    requires = importlib.metadata.requires("jupyter-modelguard")
    assert not [line for line in requires if line.startswith("torch") and "extra" not in line]


def test_the_lock_file_of_the_front_end_names_no_registry():
    lock = json.loads(in_checkout("labextension/package-lock.json").read_text("utf-8"))
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []


def test_the_wheel_holds_every_data_file():
    wheel = os.environ.get("MODELGUARD_WHEEL")
    if wheel is None:
        pytest.skip("MODELGUARD_WHEEL names no wheel; .ci/run does")
    names = set(zipfile.ZipFile(wheel).namelist())
    notebooks = {f"jupyter_modelguard/_examples/{path.name}" for path in in_checkout("example_notebooks").glob("*.ipynb")}
    assert {
        "modelguard.py",
        "jupyter_modelguard/py.typed",
        "jupyter_modelguard/schemas/wire.json",
        "jupyter_modelguard/server/events/approval.yaml",
        "jupyter_modelguard/server/events/load.yaml",
        "jupyter_modelguard/server/events/loads.yaml",
        "jupyter_modelguard/approval/static/card.js",
        "jupyter_modelguard/approval/static/card.css",
        *notebooks,
    } <= names
    assert [name for name in names if name.startswith("jupyter_modelguard/policy/") and name.endswith(".toml")]
    assert [
        name for name in names if "node_modules" in name or "_alias" in name or name.startswith("jupyter_modelguard/labextension")
    ] == []
