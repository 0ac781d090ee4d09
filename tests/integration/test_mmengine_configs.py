"""Configurations of OpenMMLab with the real mmengine: all that one would run is in one question, in whatever format it begins."""

import json
import sys
import types

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

mmengine = pytest.importorskip("mmengine", reason="mmengine is not installed")

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def says(canary):
    return f"opened = open({str(canary)!r}, 'a').close()\n"


@pytest.fixture
def work(tmp_path, monkeypatch):
    """The working directory, first on the path, as in a notebook."""
    folder = tmp_path / "work"
    (folder / "configs" / "deep").mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0].startswith("planted")]:
        del sys.modules[name]


def python_over_two_folders(work, says):
    (work / "configs" / "base.py").write_text(f"_base_ = 'lowest.py'\n{says}depth = 18\n")
    (work / "configs" / "lowest.py").write_text(f"{says}lowest = 1\n")
    (work / "planted_one.py").write_text(says)
    (work / "configs" / "deep" / "model.py").write_text(
        "_base_ = ['../base.py']\ncustom_imports = dict(imports=['planted_one'], allow_failed_imports=False)\nwidth = 3\n"
    )
    return "configs/deep/model.py", {"model.py", "base.py", "lowest.py", "planted_one.py"}


def named_between_braces(work, says):
    (work / "configs" / "base.py").write_text(f"{says}depth = 18\nrate = {{{{'$ACME_RATE:1'}}}}\n")
    (work / "configs" / "deep" / "model.py").write_text(
        "_base_ = ['{{ fileDirname }}/../base.py']\nwork_dir = './{{ fileBasenameNoExtension }}'\nsame = {{_base_.depth}}\nwidth = 3\n"
    )
    return "configs/deep/model.py", {"model.py", "base.py", "model.py (filled in)", "base.py (filled in)"}


def lazily_over_two_folders(work, says):
    (work / "configs" / "base.py").write_text(f"from mmengine.config import read_base\n{says}depth = 18\n")
    (work / "configs" / "deep" / "model.py").write_text(
        "from mmengine.config import read_base\nwith read_base():\n    from ..base import *\nwidth = 3\n"
    )
    return "configs/deep/model.py", {"model.py", "base.py"}


def json_over_python(work, says):
    (work / "configs" / "base.py").write_text(f"{says}depth = 18\n")
    (work / "planted_one.py").write_text(says + "import planted_two\n")
    (work / "planted_two.py").write_text("two = 2\n")
    (work / "configs" / "model.json").write_text(
        json.dumps({"_base_": "./base.py", "width": 3, "custom_imports": {"imports": "planted_one"}})
    )
    return "configs/model.json", {"base.py", "planted_one.py", "planted_two.py"}


def yaml_over_python(work, says):
    (work / "configs" / "base.py").write_text(f"{says}depth = 18\n")
    (work / "planted_one.py").write_text(says)
    (work / "configs" / "model.yml").write_text(
        "_base_: ['base.py']\nwidth: 3\ncustom_imports:\n  imports: [planted_one]\n  allow_failed_imports: true\n"
    )
    return "configs/model.yml", {"base.py", "planted_one.py"}


KINDS = [
    python_over_two_folders,
    named_between_braces,
    lazily_over_two_folders,
    json_over_python,
    yaml_over_python,
]


@pytest.mark.parametrize("kind", KINDS)
def test_everything_that_a_configuration_runs_is_in_one_question(kind, work, says, hold, canary):
    path, files = kind(work, says)
    mmengine.Config.fromfile(path)
    assert canary.exists(), "the configuration is not armed"
    canary.unlink()
    for name in [name for name in sys.modules if name.startswith("planted")]:
        del sys.modules[name]
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        mmengine.Config.fromfile(path)
    assert not canary.exists()
    assert running.outcomes() == [("mmengine.Config.fromfile", "blocked")]
    running.guard.close()
    running = hold(says=True)
    found = mmengine.Config.fromfile(path)
    assert (found.width, found.depth) == (3, 18)
    assert canary.exists()
    ((record, _view),) = running.guard.approver.asked
    assert {file.path.rpartition("/")[2] for file in record.artifact.files} == files
    assert running.outcomes() == [("mmengine.Config.fromfile", "allowed")]


def test_text_that_is_a_configuration_is_asked_about(work, says, hold, canary):
    mmengine.Config.fromstring(f"{says}width = 3\n", ".py")
    assert canary.exists(), "the configuration is not armed"
    canary.unlink()
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        mmengine.Config.fromstring(f"{says}width = 3\n", ".py")
    assert not canary.exists()
    running.guard.close()
    hold(says=True)
    assert mmengine.Config.fromstring(f"{says}width = 3\n", ".py").width == 3
    assert mmengine.Config.fromstring('{"width": 4}', ".json").width == 4


# -- what a registry builds ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def registry():
    return mmengine.Registry("acme models", scope="mmengine")


TYPES = {
    "a dotted type": {"type": "planted.parts.Thing"},
    "the registry of a scope": {"type": "Known", "_scope_": "planted"},
    "the registry of a type's scope": {"type": "planted.Known"},
}


@pytest.mark.parametrize("kind", TYPES)
def test_planted_module_that_a_type_names_is_asked_about(kind, registry, work, says, hold, canary):
    registry.register_module(name="Known")(dict)
    (work / "planted").mkdir()
    (work / "planted" / "__init__.py").write_text("")
    for name in ("parts", "registry"):
        (work / "planted" / f"{name}.py").write_text(says + "class Thing:\n    pass\n")
    build(registry, TYPES[kind])
    assert canary.exists(), "the package is not armed"
    canary.unlink()
    for name in [name for name in sys.modules if name.startswith("planted")]:
        del sys.modules[name]
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        build(registry, TYPES[kind])
    assert not canary.exists()
    running.guard.close()
    hold(says=True)
    build(registry, TYPES[kind])
    assert canary.exists()


def build(registry, config):
    try:
        registry.build(dict(config))
    except ModelLoadBlockedError:
        raise
    except (KeyError, RuntimeError):  # the library's own, for a type that is nowhere
        pass


@pytest.mark.parametrize("name", ["os.system", "posix.system"])
def test_command_that_a_type_names_is_asked_about(name, registry, hold, canary):
    config = {"type": name, "command": f"touch '{canary}'"}
    build(registry, config)
    assert canary.exists(), "the type is not armed"
    canary.unlink()
    hold()
    with pytest.raises(ModelLoadBlockedError, match="system"):
        build(registry, config)
    assert not canary.exists()


def test_honest_types_are_built_silently(registry, hold):
    registry.register_module(name="Known")(dict)
    running = hold()
    assert registry.build({"type": "Known", "a": 1}) == {"a": 1}
    assert registry.build({"type": "collections.OrderedDict", "a": 1}) == {"a": 1}
    assert running.history() == []


@pytest.mark.torch
def test_checkpoint_loads_silently_and_an_armed_one_is_held(hold, tmp_path, armed, canary, monkeypatch):
    torch = pytest.importorskip("torch", reason="checkpoints are torch's")
    monkeypatch.setitem(
        sys.modules, "cv2", types.ModuleType("cv2")
    )  # mmengine.runner imports what draws, too; nothing draws here
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")  # what people set whose checkpoints hold more than numbers
    from mmengine.runner import load_checkpoint

    model = torch.nn.Linear(2, 1)
    torch.save({"state_dict": model.state_dict(), "meta": {"epoch": 1}}, tmp_path / "honest.pth")
    torch.save({"state_dict": model.state_dict(), "meta": armed}, tmp_path / "armed.pth")
    running = hold()
    assert load_checkpoint(model, str(tmp_path / "honest.pth"))["meta"] == {"epoch": 1}
    with pytest.raises(ModelLoadBlockedError, match="system"):
        load_checkpoint(model, str(tmp_path / "armed.pth"))
    assert not canary.exists()
    assert [outcome for _, outcome in running.outcomes()] == ["loaded", "blocked"]
