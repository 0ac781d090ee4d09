"""`torch.package`: archives that bring modules are asked about before one of them is imported, tensors pass."""

import io
import zipfile

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.types import RiskLevel

torch = pytest.importorskip("torch", reason="torch is not installed")


pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
]


CODE = """\
from pathlib import Path
Path({canary!r}).write_text("ran")

class Thing:
    pass
"""


@pytest.fixture
def package(tmp_path, canary):
    """An archive whose module makes the canary when it is imported, with a pickle of an instance and one of tensors."""
    path = tmp_path / "package.pt"
    with torch.package.PackageExporter(path) as exporter:
        exporter.extern(["pathlib", "torch.**", "collections"])
        exporter.save_source_string("acme.things", CODE.format(canary=str(canary)))
        exporter.save_text("acme", "note.txt", "hello")
        exporter.save_pickle("weights", "w.pkl", {"w": torch.ones(3), "again": torch.zeros(2)})
    importer = torch.package.PackageImporter(path)
    thing = importer.import_module("acme.things").Thing()
    canary.unlink()
    made = tmp_path / "whole.pt"
    with torch.package.PackageExporter(made, [importer, torch.package.sys_importer]) as exporter:
        exporter.extern(["pathlib", "torch.**", "collections"])
        exporter.intern("acme.**")
        exporter.save_pickle("model", "model.pkl", {"thing": thing})  # torch reads no tensors from folders
        exporter.save_pickle("weights", "w.pkl", {"w": torch.ones(3), "again": torch.zeros(2)})
        exporter.save_text("acme", "note.txt", "hello")
    return made


def importer_of(path):
    return torch.package.PackageImporter(path)


def unpacked(path):
    folder = path.with_suffix("")
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            target = folder / name.partition("/")[2]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.read(name))
    return folder


OPENED = {
    "path": lambda path: importer_of(str(path)),
    "pathlib": importer_of,
    "bytes": lambda path: importer_of(io.BytesIO(path.read_bytes())),
    "folder": lambda path: importer_of(unpacked(path)),
    "reader": lambda path: importer_of(torch._C.PyTorchFileReader(str(path))),
}


PACKAGE_WAYS = {
    "load_pickle": lambda importer: importer.load_pickle("model", "model.pkl"),
    "import_module": lambda importer: importer.import_module("acme.things"),
    "__import__": lambda importer: importer.__import__("acme.things"),
}


@pytest.mark.parametrize("opened", OPENED.values(), ids=OPENED)
@pytest.mark.parametrize("way", PACKAGE_WAYS.values(), ids=PACKAGE_WAYS)
def test_code_of_a_package_is_asked_about_before_it_runs(way, opened, package, hold, canary):
    way(opened(package))
    assert canary.exists(), "the package is not armed"
    canary.unlink()
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        way(opened(package))
    assert not canary.exists()
    assert [outcome for _, outcome in running.outcomes()] == ["blocked"]


@pytest.mark.parametrize("opened", OPENED.values(), ids=OPENED)
def test_package_that_was_allowed_loads_with_one_question(opened, package, hold, canary):
    running = hold(says=True)
    importer = opened(package)
    loaded = importer.load_pickle("model", "model.pkl")
    assert type(loaded["thing"]).__name__ == "Thing"
    assert canary.exists()
    ((record, _view),) = running.guard.approver.asked
    assert [file.path for file in record.artifact.files] == ["acme/things.py"]
    importer.import_module("acme.things")
    assert len(running.guard.approver.asked) == 1
    assert running.outcomes() == [("torch.package.PackageImporter.load_pickle", "allowed")]


def test_package_of_tensors_loads_silently(hold, tmp_path):
    path = tmp_path / "weights.pt"
    with torch.package.PackageExporter(path) as exporter:
        exporter.extern(["torch.**", "collections"])
        exporter.save_pickle("weights", "w.pkl", {"w": torch.ones(3), "name": "x"})
        exporter.save_text("weights", "note.txt", "hello")
        exporter.save_binary("weights", "raw.bin", b"123")
    running = hold()
    importer = torch.package.PackageImporter(path)
    assert torch.equal(importer.load_pickle("weights", "w.pkl")["w"], torch.ones(3))
    assert importer.load_text("weights", "note.txt") == "hello"
    assert importer.load_binary("weights", "raw.bin") == b"123"
    assert ("torch.package.PackageImporter.load_pickle", "loaded") in running.outcomes()


def test_pickle_of_a_package_is_traced(hold, tmp_path, armed, canary):
    path = tmp_path / "weights.pt"
    with torch.package.PackageExporter(path) as exporter:
        exporter.extern(["posix", "os"])
        exporter.save_pickle("weights", "w.pkl", {"w": 1, "extra": armed})
    torch.package.PackageImporter(path).load_pickle("weights", "w.pkl")
    assert canary.exists(), "the package is not armed"
    canary.unlink()
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        torch.package.PackageImporter(path).load_pickle("weights", "w.pkl")
    assert not canary.exists()
    assert running.outcomes() == [("torch.package.PackageImporter.load_pickle", "blocked")]


def test_importer_that_was_made_before_the_guard_is_held(package, hold, canary):
    importer = torch.package.PackageImporter(package)
    hold()
    with pytest.raises(ModelLoadBlockedError):
        importer.load_pickle("model", "model.pkl")
    with pytest.raises(ModelLoadBlockedError):
        importer.import_module("acme.things")
    assert not canary.exists()


def test_unpickler_of_a_package_by_itself_resolves_nothing(hold, tmp_path, armed, canary):
    path = tmp_path / "weights.pt"
    with torch.package.PackageExporter(path) as exporter:
        exporter.extern(["posix", "os"])
        exporter.save_pickle("weights", "w.pkl", {"extra": armed})
    importer = torch.package.PackageImporter(path)
    stream = importer.load_binary("weights", "w.pkl")
    hold()
    with pytest.raises(ModelLoadBlockedError):
        importer.Unpickler(io.BytesIO(stream)).load()
    assert not canary.exists()


def test_package_runs_the_code_that_was_looked_at(package, hold, canary, tmp_path, monkeypatch):
    running = hold(says=True)
    check = running.guard.check_stream

    def check_then_rewrite(*arguments):
        permit = check(*arguments)
        content = package.read_bytes()
        package.write_bytes(content.replace(b'write_text("ran")', b'write_text("bad")'))
        return permit

    monkeypatch.setattr(running.guard, "check_stream", check_then_rewrite)
    torch.package.PackageImporter(package).load_pickle("model", "model.pkl")
    assert canary.read_text() == "ran"


def test_missing_resource_of_a_package_is_its_own_error(hold, tmp_path):
    path = tmp_path / "weights.pt"
    with torch.package.PackageExporter(path) as exporter:
        exporter.save_text("weights", "note.txt", "hello")
    hold()
    with pytest.raises(RuntimeError, match="not_here"):
        torch.package.PackageImporter(path).load_pickle("weights", "not_here.pkl")
    with pytest.raises(RuntimeError):
        torch.package.PackageImporter(tmp_path / "nothing.pt")


@pytest.mark.parametrize("way", ["pickle", "import"])
def test_command_in_a_file_of_a_package_is_dangerous(way, hold, canary, tmp_path):
    path = tmp_path / "armed.pt"
    with torch.package.PackageExporter(path) as exporter:
        exporter.extern(["os", "torch.**", "collections"])
        exporter.save_source_string("acme.things", f"import os\nos.system('touch {canary}')\nVALUE = 3\n")
        exporter.save_pickle("weights", "w.pkl", {"w": torch.ones(3)})
    load = {
        "pickle": lambda importer: importer.load_pickle("weights", "w.pkl"),
        "import": lambda importer: importer.import_module("acme.things"),
    }[way]
    torch.package.PackageImporter(path).import_module("acme.things")
    assert canary.exists(), "the package is not armed"
    canary.unlink()
    hold()
    with pytest.raises(ModelLoadBlockedError) as blocked:
        load(torch.package.PackageImporter(path))
    assert blocked.value.assessment.level is RiskLevel.DANGEROUS
    assert [str(use.name) for use in blocked.value.assessment.unknown] == ["os.system"]
    assert "runs a command" in str(blocked.value)
    assert not canary.exists()
