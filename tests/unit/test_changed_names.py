"""Loaders that a version of a library no longer has: said once, known to the doctor, no false alarm; no library, no cost."""

import importlib
import logging
import subprocess
import sys

import pytest

from jupyter_modelguard.hooks import plugins
from jupyter_modelguard.hooks.changed_names import changed_names
from jupyter_modelguard.hooks.patches import Patches
from jupyter_modelguard.hooks.row import Row
from jupyter_modelguard.ipython.doctor import diagnosis
from jupyter_modelguard.testing import FakeGate

SOURCE = """
from acme_lib.inner import taken_from_there
first, second = 1, 2

def load(path):
    return path

class Reader:
    def read(self):
        return 1

class OtherReader(Reader):
    pass
"""


def build(original, _passage):
    def guarded(*args):
        return original(*args)

    guarded.__modelguard__ = original
    return guarded


def row(attribute, module="acme_lib.loading", **more):
    return Row(module, attribute, build, **more)


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A library in a folder of its own, in a version that people have."""
    folder = tmp_path / "acme_lib"
    folder.mkdir()
    (folder / "__init__.py").write_text("__version__ = '2.3.1'\n")
    (folder / "inner.py").write_text("def taken_from_there():\n    return 1\n")
    (folder / "loading.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "acme_lib"]:
        del sys.modules[name]


@pytest.fixture
def patched():
    made = []

    def patch(*rows):
        patches = Patches(FakeGate(), rows)
        made.append(patches)
        patches.install()
        return patches

    yield patch
    for patches in made:
        patches.restore()


def places(patches):
    return [f"{row.module}.{row.attribute}" for row in patches.holes]


def test_renamed_loader_is_said_once_in_one_line(library, patched, caplog):
    rows = (row("load"), row("load_all"), row("Reader.read_all"), row("Writer*.read"), row("Reader.read"))
    with caplog.at_level(logging.WARNING):
        patches = patched(*rows)
        module = importlib.import_module("acme_lib.loading")
        importlib.reload(module)
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("acme_lib.loading has no Reader.read_all, Writer*.read, load_all any more")
    gone = ["acme_lib.loading.Reader.read_all", "acme_lib.loading.Writer*.read", "acme_lib.loading.load_all"]
    assert places(patches) == gone
    assert changed_names(rows) == gone
    assert hasattr(module.load, "__modelguard__")


def test_row_for_another_version_is_no_hole(library, patched, caplog):
    rows = (
        row("load_all", either="loader"),
        row("load", either="loader"),
        row("load", module="acme_lib.old_loading", either="loader"),
        row("came_later", since="2.10"),
    )
    with caplog.at_level(logging.WARNING):
        patches = patched(*rows)
        importlib.import_module("acme_lib.loading")
    assert caplog.records == []
    assert places(patches) == []
    assert changed_names(rows) == []


def test_none_of_several_names_is_a_hole(library, patched, caplog):
    rows = (row("load_all", either="loader"), row("load_one", either="loader"), row("came_before", since="2.3"))
    with caplog.at_level(logging.WARNING):
        patches = patched(*rows)
        importlib.import_module("acme_lib.loading")
    assert len(caplog.records) == 1
    assert len(places(patches)) == 3
    assert changed_names(rows) == places(patches)


def test_doctor_and_status_name_what_is_gone_and_a_module_that_moved(library, patched, monkeypatch):
    rows = (row("load_all"), row("load", module="acme_lib.moved"), row("load"))
    monkeypatch.setattr(plugins, "every_row", lambda: rows)
    (said,) = [line for line in diagnosis() if "audit hook alone holds these" in line.text]
    assert not said.well
    assert "acme_lib.loading.load_all, acme_lib.moved.load. " in said.text
    assert "acme_lib" not in sys.modules, "the doctor imported it"


@pytest.mark.parametrize(
    "attribute", ["load", "Reader.read", "OtherReader.read", "taken_from_there", "first", "second", "Other*.read"]
)
def test_every_way_to_make_a_name_is_found_without_an_import(attribute, library):
    assert changed_names([row(attribute)]) == []
    assert "acme_lib" not in sys.modules


@pytest.mark.parametrize(("since", "gone"), [("2.10", []), ("2.3", ["acme_lib.loading.came_later"])])
def test_version_of_a_library_is_known_without_an_import(since, gone, library):
    assert changed_names([row("came_later", since=since)]) == gone
    assert "acme_lib" not in sys.modules


def test_libraries_that_are_installed_here_have_every_loader_of_the_table():
    assert changed_names(plugins.every_row()) == []


def test_library_that_is_not_installed_costs_nothing(tmp_path):
    """Counted in a process of its own, because an audit hook stays."""
    program = """
import sys
from jupyter_modelguard.hooks.patches import Patches
from jupyter_modelguard.testing import FakeGate
patches = Patches(FakeGate())
ours = {name.partition(".")[0] for name in patches._rows} - set(sys.stdlib_module_names)
before, seen = set(sys.modules), []
watched = {"import", "open", "os.listdir", "os.scandir"}
sys.addaudithook(lambda event, args: seen.append((event, str(args[0]))) if event in watched else None)
patches.install({})
made = [(event, what) for event, what in seen if event == "import" or any(library in what for library in ours)]
print(len(ours), made, sorted(set(sys.modules) - before), patches.holes)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    count, _, rest = done.stdout.strip().partition(" ")
    assert int(count) > 40
    assert rest == "[] [] []"
