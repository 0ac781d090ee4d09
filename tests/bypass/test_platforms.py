"""Ways round what is asked about on PyTorch Hub, OpenMMLab, ModelScope and OpenCSG, each with the real library."""

import gc
import importlib
import io
import json
import os
import shutil
import sys
import tarfile
import time
import zipfile

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.types import Decision

from github_archives import Archives, archive  # isort: skip

torch = pytest.importorskip("torch", reason="torch.hub is torch's")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

STRANGERS = {"hubconf", "nets", "planted", "hidden", "acme_zipped", "late", "tiny", "ms_wrapper"}


class Agreeing:
    """A person who agrees to the first question, and then does what an attacker would have timed."""

    def __init__(self, made, monkeypatch, meanwhile=lambda: None, times=1):
        self.asked = []
        self._left = times
        self._meanwhile = meanwhile
        monkeypatch.setattr(made.approver, "prior", lambda _record: None)
        monkeypatch.setattr(made.approver, "ask", self._ask)

    def _ask(self, record, *_):
        self.asked.append(record)
        self._left -= 1
        self._meanwhile()
        return Decision(allow=self._left >= 0, by="ada", transport="card", reason="read", at=time.time())

    def shown(self):
        return {file.path.rpartition("/")[2] for record in self.asked for file in record.artifact.files}


@pytest.fixture
def work(tmp_path, monkeypatch):
    """The working directory, first on the path as in a notebook, and a kernel's worth of forgetting afterwards."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    yield folder
    forget()


def forget():
    for name in [name for name in sys.modules if name.partition(".")[0] in STRANGERS]:
        del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def writes(canary):
    return f"import builtins; builtins.open({str(canary)!r}, 'w').close()\n"


@pytest.fixture
def strikes(canary):
    """Run an attack unguarded, and say that it does what it is for."""

    def strike(attack):
        attack()
        assert canary.exists(), "the attack does not work"
        canary.unlink()
        forget()

    return strike


# -- PyTorch Hub -----------------------------------------------------------------------------------------------------------------------


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def hub_load(folder):
    return torch.hub.load(str(folder), "model", source="local")


MODEL = "\ndef model():\n    return 1\n"


def dynamic_import_of_a_planted_module(folder, work, writes):
    write(work, planted=writes)
    return "import importlib\nimportlib.import_module('plan' + 'ted')"


def module_in_a_folder_that_no_list_shows(folder, work, writes):
    write(folder / ".cache", hidden=writes)
    return "import os, sys\nsys.path.append(os.path.join(os.path.dirname(__file__), '.cache'))\n__import__('hid' + 'den')"


def module_in_an_archive(folder, work, writes):
    with zipfile.ZipFile(folder / "acme.zip", "w") as made:
        made.writestr("acme_zipped.py", writes)
    return "import os, sys\nsys.path.append(os.path.join(os.path.dirname(__file__), 'acme.zip'))\nimport acme_zipped"


def line_of_a_pth_file(folder, work, writes):
    (folder / "acme.pth").write_text(writes)
    return "import os, site\nsite.addsitedir(os.path.dirname(__file__))"


def text_that_is_run_by_hand(folder, work, writes):
    (folder / "weights.txt").write_text(writes)
    return "import os, runpy\nrunpy.run_path(os.path.join(os.path.dirname(__file__), 'weights.txt'))"


@pytest.mark.parametrize(
    "kind",
    [
        dynamic_import_of_a_planted_module,
        module_in_a_folder_that_no_list_shows,
        module_in_an_archive,
        line_of_a_pth_file,
        text_that_is_run_by_hand,
    ],
)
def test_what_no_question_showed_stays_out_of_an_approved_hubconf(
    kind, work, tmp_path, writes, strikes, hold, monkeypatch, canary
):
    folder = write(tmp_path / "repository")
    write(folder, hubconf=kind(folder, work, writes) + MODEL)
    strikes(lambda: hub_load(folder))
    made = hold()
    Agreeing(made, monkeypatch)
    with pytest.raises(ModelLoadBlockedError):
        hub_load(folder)
    assert not canary.exists()


@pytest.mark.parametrize("name", ["hubconf", "late"])
@pytest.mark.parametrize("linked", [False, True])
def test_file_swapped_after_it_was_shown_does_not_run(name, linked, work, tmp_path, writes, strikes, hold, monkeypatch, canary):
    sources = {"hubconf": "import late" + MODEL, "late": "\n"}
    folder, place = write(tmp_path / "repository", **sources), tmp_path / "repository" / f"{name}.py"
    armed, clean = write(tmp_path / "armed", **{name: writes + sources[name]}), write(tmp_path / "clean", **{name: sources[name]})

    def swap(source=armed):
        place.unlink()
        if linked:
            place.symlink_to(source / f"{name}.py")
        else:
            place.write_text((source / f"{name}.py").read_text())

    swap()
    strikes(lambda: hub_load(folder))
    swap(clean)
    Agreeing(hold(), monkeypatch, swap)
    with pytest.raises(ModelLoadBlockedError):
        hub_load(folder)
    assert not canary.exists()


@pytest.fixture
def github(tmp_path, monkeypatch):
    served = Archives()
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    monkeypatch.setattr(torch.hub, "_git_archive_link", served.link)
    yield served
    served.close()


def fetch(name):
    return torch.hub.load(f"acme/{name}:main", "model", trust_repo=True, skip_validation=True)


def test_archive_clears_nothing_away_outside_the_cache(github, work, tmp_path, hold):
    """torch removes the folder that the first entry names before it looks at the entries' paths."""
    github.of["acme/evil/main"] = archive({"hubconf.py": MODEL}, top="../../victim")

    def victim():
        (tmp_path / "victim").mkdir(exist_ok=True)
        (tmp_path / "victim" / "thesis.txt").write_text("work of years")

    victim()
    with pytest.raises(ValueError, match="traversal"):
        fetch("evil")
    assert not (tmp_path / "victim").exists(), "the attack does not work"
    victim()
    hold()
    with pytest.raises(ModelLoadBlockedError, match="removal of"):
        fetch("evil")
    assert (tmp_path / "victim" / "thesis.txt").exists()


def test_archive_that_writes_into_another_cached_repository_is_seen_there(
    github, work, tmp_path, writes, strikes, hold, monkeypatch, canary
):
    github.of["acme/good/main"] = archive({"hubconf.py": MODEL})
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for name, text in (
            ("acme-evil-1/", ""),
            ("acme-evil-1/hubconf.py", MODEL),
            ("acme_good_main/hubconf.py", writes + MODEL),
        ):
            made.writestr(name, text)
    github.of["acme/evil/main"] = buffer.getvalue()

    def attack():
        fetch("good")
        fetch("evil")
        fetch("good")

    strikes(attack)
    shutil.rmtree(tmp_path / "torch")
    fetch("good")
    person = Agreeing(hold(), monkeypatch)
    assert fetch("evil") == 1
    with pytest.raises(ModelLoadBlockedError):
        fetch("good")
    assert not canary.exists()
    assert [writes in file.content.decode() for record in person.asked for file in record.artifact.files] == [False, True]


# -- OpenMMLab -------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def from_file():
    library = pytest.importorskip("mmengine", reason="mmengine is not installed")

    def read(path):  # looked up anew each time: guarded or not
        return library.Config.fromfile(path)

    return read


@pytest.mark.parametrize("name", ["planted..thing", "planted.", "planted.inner.thing", "planted.inner"])
def test_oddly_written_names_of_modules_are_asked_about(name, from_file, work, writes, strikes, hold, canary):
    (work / "planted" / "inner").mkdir(parents=True)  # `inner` is a package without an __init__.py
    (work / "planted" / "__init__.py").write_text(writes)
    (work / "planted" / "inner" / "thing.py").write_text("\n")
    (work / "model.json").write_text(json.dumps({"custom_imports": {"imports": [name], "allow_failed_imports": True}}))

    def attack():
        try:
            from_file("model.json")
        except ValueError:
            assert name.endswith(".")

    strikes(attack)
    hold()
    with pytest.raises(ModelLoadBlockedError):
        from_file("model.json")
    assert not canary.exists()


BASES = {
    "outside": ("_base_ = '../../elsewhere/base.py'\n", 1),
    "absolute": ("_base_ = [{place!r}]\n", 1),
    "computed": ("_base_ = ['../../else' + 'where/ba' + 'se.py'.lower()]\n", 2),
}


@pytest.mark.parametrize("kind", BASES)
def test_base_elsewhere_is_asked_about_before_it_runs(kind, from_file, work, tmp_path, strikes, hold, monkeypatch, canary):
    line, questions = BASES[kind]
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "base.py").write_text(f"opened = open({str(canary)!r}, 'w').close()\n")
    (work / "configs").mkdir()
    (work / "configs" / "model.py").write_text(line.format(place=str(tmp_path / "elsewhere" / "base.py")) + "width = 3\n")
    strikes(lambda: from_file("configs/model.py"))
    person = Agreeing(hold(), monkeypatch, times=questions - 1)
    with pytest.raises(ModelLoadBlockedError):
        from_file("configs/model.py")
    assert not canary.exists()
    assert len(person.asked) == questions
    assert "base.py" in person.shown()


def test_code_in_the_name_of_a_configuration_is_shown(from_file, work, strikes, hold, monkeypatch, canary):
    """mmengine puts the file's name into the text, which it then executes."""
    name = f"a' + str(open({canary.name!r}, 'w').close()) + 'b.py"
    monkeypatch.chdir(canary.parent)
    (canary.parent / name).write_text("work_dir = '{{ fileBasename }}'\n")
    strikes(lambda: from_file(name))
    person = Agreeing(hold(), monkeypatch, times=0)
    with pytest.raises(ModelLoadBlockedError):
        from_file(name)
    assert not canary.exists()
    assert any(b"open(" in file.content for record in person.asked for file in record.artifact.files)


def test_tag_in_a_base_of_an_approved_configuration_is_asked_about(from_file, work, strikes, hold, monkeypatch, canary):
    (work / "base.yaml").write_text(f"width: !!python/object/apply:os.system ['touch {canary}']\n")
    (work / "model.py").write_text("_base_ = 'base.yaml'\ndepth = 18\n")
    strikes(lambda: from_file("model.py"))
    person = Agreeing(hold(), monkeypatch)
    with pytest.raises(ModelLoadBlockedError, match=r"os\.system"):
        from_file("model.py")
    assert not canary.exists()
    assert len(person.asked) == 2


def test_document_that_names_another_module_after_it_was_shown_has_that_asked_about(
    from_file, work, writes, strikes, hold, monkeypatch, canary
):
    write(work, planted=writes, late="\n")
    clean, armed = ({"custom_imports": {"imports": [name]}} for name in ("late", "planted"))
    path = work / "model.json"
    path.write_text(json.dumps(armed))
    strikes(lambda: from_file("model.json"))
    path.write_text(json.dumps(clean))
    person = Agreeing(hold(), monkeypatch, lambda: path.write_text(json.dumps(armed)))
    with pytest.raises(ModelLoadBlockedError):
        from_file("model.json")
    assert not canary.exists()
    assert person.shown() == {"late.py", "planted.py"}


# -- ModelScope ------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    """The SDK's part that imports and installs; pip builds without a registry and installs nothing."""
    pytest.importorskip("modelscope", reason="modelscope is not installed")
    module = importlib.import_module("modelscope.utils.plugins")
    monkeypatch.setattr(module, "BASE_MODULE_DIR", str(tmp_path / "ms-modules"))
    settings = {"DRY_RUN": "1", "NO_BUILD_ISOLATION": "0", "NO_INDEX": "1", "PROXY": "http://127.0.0.1:9", "RETRIES": "0"}
    for name, value in settings.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    yield module
    gc.collect()  # temporary files that the SDK leaves to the collector, and which cannot be removed twice


def package(folder, name, writes):
    """Make a package whose `setup.py` runs as soon as pip looks at it."""
    folder.mkdir()
    (folder / "setup.py").write_text(
        f"{writes}from setuptools import setup\nsetup(name={name!r}, version='99.0', py_modules=[])\n"
    )
    return folder


@pytest.mark.parametrize("name", ["pai-easycv", "simplejson"])
def test_plugin_that_a_configuration_names_is_asked_about(
    name, plugins, work, tmp_path, writes, strikes, hold, canary, monkeypatch
):
    """The SDK wants no trust_remote_code for the first; the second is installed, and it builds it all the same to see what is in it."""
    folder = f"{name.replace('-', '_')}-99.0"
    source = package(tmp_path / folder, name, writes)
    (tmp_path / "links").mkdir()
    with tarfile.open(tmp_path / "links" / f"{folder}.tar.gz", "w:gz") as made:
        made.add(source, folder)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "links"))
    (work / "configuration.json").write_text(json.dumps({"task": "acme", "model": {"type": "acme"}, "plugins": [name]}))

    def attack():
        try:
            importlib.import_module("modelscope.models").Model.from_pretrained(str(work), trust_remote_code=name == "simplejson")
        except ModelLoadBlockedError:
            raise
        except Exception:  # noqa: BLE001 nothing was installed, so the SDK cannot go on
            return

    strikes(attack)
    hold()
    with pytest.raises(ModelLoadBlockedError, match=name):
        attack()
    assert not canary.exists()


def model_folder(tmp_path):
    folder = write(tmp_path / "models" / "tiny", ms_wrapper="WIDTH = 5      \n")
    os.utime(folder / "ms_wrapper.py", (1, 1))
    return folder


def import_model(folder):
    sys.modules["modelscope.utils.plugins"].import_module_from_model_dir(str(folder))


def test_forged_copy_of_a_model_s_file_does_not_run(plugins, work, tmp_path, strikes, hold, canary, monkeypatch):
    """The SDK takes an earlier copy for the same file if size and time are."""
    folder = model_folder(tmp_path)
    monkeypatch.chdir(canary.parent)
    text = "open('canary','w')\n"
    (folder / "ms_wrapper.py").write_text("WIDTH = 5".ljust(len(text) - 1) + "\n")
    os.utime(folder / "ms_wrapper.py", (1, 1))
    copy = write(tmp_path / "ms-modules" / "tiny", ms_wrapper=text, __init__="")
    os.utime(copy / "ms_wrapper.py", (1, 1))
    strikes(lambda: import_model(folder))
    Agreeing(hold(), monkeypatch)
    with pytest.raises(ModelLoadBlockedError):
        import_model(folder)
    assert not canary.exists()


def test_files_behind_a_link_in_a_model_s_folder_are_asked_about(
    plugins, work, tmp_path, writes, strikes, hold, canary, monkeypatch
):
    folder = model_folder(tmp_path)
    write(tmp_path / "elsewhere", part=writes)
    (folder / "inner").symlink_to(tmp_path / "elsewhere")
    strikes(lambda: import_model(folder))
    person = Agreeing(hold(), monkeypatch, times=0)
    with pytest.raises(ModelLoadBlockedError):
        import_model(folder)
    assert not canary.exists()
    assert person.shown() == {"ms_wrapper.py", "part.py"}


def test_package_planted_under_a_model_s_name_does_not_run_in_its_place(
    plugins, work, tmp_path, writes, strikes, hold, canary, monkeypatch
):
    """The SDK's folder of copies comes last on the path."""
    folder = model_folder(tmp_path)
    write(work / "tiny", ms_wrapper=writes, __init__="")
    strikes(lambda: import_model(folder))
    Agreeing(hold(), monkeypatch)
    with pytest.raises(ModelLoadBlockedError):
        import_model(folder)
    assert not canary.exists()
