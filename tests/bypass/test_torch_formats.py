"""torch's other ways to run code: packages, TorchScript that was edited by hand, classes on the list of safe ones."""

import io
import zipfile

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize("how", ["import_module", "load_pickle", "a hand-made archive"])
def test_package(how, hold, plainly, tmp_path, canary):
    path = tmp_path / "package.pt"
    code = f"open({str(canary)!r}, 'w').close()\nclass Thing: pass\n"
    with torch.package.PackageExporter(path) as exporter:
        exporter.save_source_string("armed", code)
        exporter.save_pickle("data", "data.pkl", {"weights": 1})
    if how != "import_module":
        named = b"\x80\x02carmed\nThing\n)\x81."
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, named if name.endswith("data/data.pkl") else content)
    act = "importer.import_module('armed')" if how == "import_module" else "importer.load_pickle('data', 'data.pkl')"
    source = f"import torch.package\nimporter = torch.package.PackageImporter(path)\n{act}"
    plainly(source, "torch", path=str(path))
    assert canary.exists()
    canary.unlink()
    hold()
    with pytest.raises(ModelLoadBlockedError):
        exec(source, {"path": str(path)})
    assert not canary.exists()


def test_edited_code_under_the_same_pickle(hold, plainly, tmp_path, canary):
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), file)
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = next(name for name, content in members.items() if b"Final[int] = 2" in content)
    members[name] = members[name].replace(
        b"Final[int] = 2", b'Final[int] = torch.len([torch.save(3, "%s")])' % str(canary).encode(), 1
    )
    path = tmp_path / "script.pt"
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    plainly("import torch\ntorch.jit.load(path)", "torch", path=str(path))
    assert canary.exists()
    canary.unlink()
    hold()
    for load in (torch.jit.load, lambda target: torch.load(target, weights_only=False)):
        with pytest.raises(ModelLoadBlockedError):
            load(path)
    assert not canary.exists()


RAN = []


class Trusted:
    def __setstate__(self, state):
        RAN.append(state)


def test_class_on_the_list_of_safe_ones(hold, in_notebook, tmp_path):
    in_notebook(Trusted)
    path = tmp_path / "weights.pt"
    made = Trusted()
    made.word = 1
    torch.save({"more": made}, path)
    with torch.serialization.safe_globals([Trusted]):
        torch.load(path, weights_only=True)
        assert RAN
        RAN.clear()
        hold()
        with pytest.raises(ModelLoadBlockedError):
            torch.load(path, weights_only=True)
        assert not RAN
