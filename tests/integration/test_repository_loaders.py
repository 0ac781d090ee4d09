"""Model folders and configurations that bring Python of their own, through the real libraries."""

import json
import os
import sys

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning", "ignore::ResourceWarning"
)


def runs(canary):
    return f"from pathlib import Path\nPath({str(canary)!r}).touch()\n"


@pytest.fixture
def planted(tmp_path, monkeypatch, canary):
    """A module in the working directory, which is the first place that imports look at."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "planted_module.py").write_text(runs(canary) + "class Thing:\n    pass\n")
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    sys.modules.pop("planted_module", None)


# -- mmengine --------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def mmengine():
    return pytest.importorskip("mmengine", reason="mmengine is not installed")


def test_mmengine_configuration_in_python_is_asked_about_with_its_bases(mmengine, hold, tmp_path, canary):
    (tmp_path / "base.py").write_text(f"open({str(canary)!r}, 'w').close()\ndepth = 18\n")
    (tmp_path / "model.py").write_text("_base_ = ['./base.py']\nwidth = 3\n")
    assert mmengine.Config.fromfile(tmp_path / "model.py").depth == 18
    assert canary.exists(), "the configuration is not armed"
    canary.unlink()
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        mmengine.Config.fromfile(tmp_path / "model.py")
    assert not canary.exists()
    assert running.outcomes() == [("mmengine.Config.fromfile", "blocked")]
    running.guard.close()
    running = hold(says=True)
    assert mmengine.Config.fromfile(tmp_path / "model.py").depth == 18
    assert canary.exists()
    ((record, _view),) = running.guard.approver.asked
    assert {os.path.basename(file.path) for file in record.artifact.files} == {"base.py", "model.py"}


def test_mmengine_configuration_that_imports_lazily_is_asked_about(mmengine, hold, tmp_path, canary):
    (tmp_path / "model.py").write_text(f"from mmengine.config import read_base\nwidth = open({str(canary)!r}, 'w').close()\n")
    mmengine.Config.fromfile(tmp_path / "model.py", lazy_import=True)
    assert canary.exists(), "the configuration is not armed"
    canary.unlink()
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        mmengine.Config.fromfile(tmp_path / "model.py", lazy_import=True)
    assert not canary.exists()
    assert running.outcomes() == [("mmengine.Config.fromfile", "blocked")]


@pytest.mark.parametrize("options", [{}, {"use_predefined_variables": False}, {"lazy_import": True}], ids=str)
def test_mmengine_configuration_that_is_swapped_after_it_was_shown_runs_as_it_was_shown(
    options, mmengine, hold, tmp_path, canary
):
    path, start = tmp_path / "model.py", "from mmengine.config import read_base\n" if "lazy_import" in options else ""
    path.write_text(f"{start}width = 3\n")
    running = hold(says=True)
    ask = running.guard.approver.ask

    def swap(record, view, changed):
        path.write_text(f"{start}width = open({str(canary)!r}, 'w').close()\n")
        return ask(record, view, changed)

    running.guard.approver.ask = swap
    assert mmengine.Config.fromfile(path, **options).width == 3
    assert not canary.exists()
    assert "open" not in vars(sys.modules["mmengine.config.config"])


def test_mmengine_base_that_is_swapped_after_it_was_shown_runs_as_it_was_shown(mmengine, hold, tmp_path, canary):
    (tmp_path / "base.py").write_text("depth = 18\n")
    (tmp_path / "model.py").write_text("_base_ = ['./base.py']\nwidth = 3\n")
    running = hold(says=True)
    ask = running.guard.approver.ask

    def swap(record, view, changed):
        (tmp_path / "base.py").write_text(f"depth = 18\nopen({str(canary)!r}, 'w').close()\n")
        return ask(record, view, changed)

    running.guard.approver.ask = swap
    assert mmengine.Config.fromfile(tmp_path / "model.py").depth == 18
    assert not canary.exists()
    assert len(running.guard.approver.asked) == 1


@pytest.mark.parametrize("suffix", [".yaml", ".json"])
def test_mmengine_configuration_of_plain_data_loads_silently(suffix, mmengine, hold, tmp_path):
    path = tmp_path / f"model{suffix}"
    path.write_text(json.dumps({"width": 3, "head": {"type": "Linear"}}))
    running = hold()
    assert mmengine.Config.fromfile(path).head.type == "Linear"
    assert running.outcomes() == [("mmengine.Config.fromfile", "loaded")]


def test_mmengine_configuration_with_tags_is_held(mmengine, hold, tmp_path, canary):
    path = tmp_path / "model.yaml"
    path.write_text(f"width: !!python/object/apply:os.system ['touch {canary}']\n")
    mmengine.Config.fromfile(path)
    assert canary.exists(), "the configuration is not armed"
    canary.unlink()
    running = hold()
    with pytest.raises(ModelLoadBlockedError, match=r"os\.system"):
        mmengine.Config.fromfile(path)
    assert not canary.exists()
    assert running.outcomes() == [("mmengine.Config.fromfile", "blocked")]


@pytest.mark.parametrize("first", [{}, {"allow_failed_imports": False}, {"allow_failed_imports": True}])
def test_mmengine_configuration_that_imports_a_planted_module_is_asked_about(first, mmengine, planted, hold, canary):
    imports = {**first, "imports": ["planted_module", "json"]}
    (planted / "model.json").write_text(json.dumps({"custom_imports": imports}))
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        mmengine.Config.fromfile("model.json")
    assert not canary.exists()
    running.guard.close()
    running = hold(says=True)
    mmengine.Config.fromfile("model.json")
    assert canary.exists()
    assert running.outcomes() == [("mmengine.Config.fromfile", "allowed")]


# -- sentence-transformers -------------------------------------------------------------------------------------------------------------


def sentence_model(folder, kind):
    folder.mkdir()
    (folder / "modules.json").write_text(json.dumps([{"idx": 0, "name": "0", "path": "", "type": kind}]))
    (folder / "config_sentence_transformers.json").write_text(json.dumps({"__version__": {"sentence_transformers": "5.0.0"}}))
    (folder / "config.json").write_text("{}")
    return folder


MODULE = """
import torch

class Thing(torch.nn.Module):
    @classmethod
    def load(cls, *args, **options):
        return cls()
"""


@pytest.mark.torch
def test_sentence_transformer_with_a_module_of_its_own_is_asked_about(fresh_modules, hold, tmp_path, canary):
    library = pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    folder = sentence_model(tmp_path / "acme-sentences", "modeling_thing.Thing")
    (folder / "modeling_thing.py").write_text(runs(canary) + MODULE)
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        library.SentenceTransformer(str(folder), trust_remote_code=True, device="cpu")
    assert not canary.exists()
    assert running.outcomes() == [("sentence_transformers.SentenceTransformer", "blocked")]
    running.guard.close()
    running = hold(says=True)
    library.SentenceTransformer(str(folder), trust_remote_code=True, device="cpu")
    assert canary.exists(), "the model is not armed"
    assert running.outcomes() == [("sentence_transformers.SentenceTransformer", "allowed")]


@pytest.mark.torch
def test_sentence_transformer_that_falls_back_to_a_planted_module_is_held(fresh_modules, planted, hold, tmp_path, canary):
    library = pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    folder = sentence_model(tmp_path / "acme-sentences", "planted_module.Thing")
    hold()
    with pytest.raises(ModelLoadBlockedError):
        library.SentenceTransformer(str(folder), trust_remote_code=True, device="cpu")
    assert not canary.exists()


@pytest.mark.torch
def test_sentence_transformer_of_library_modules_loads_silently(hold, tmp_path):
    library = pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    folder = sentence_model(tmp_path / "acme-sentences", "sentence_transformers.models.Normalize")
    running = hold()
    library.SentenceTransformer(str(folder), device="cpu")
    assert running.outcomes() == [("sentence_transformers.SentenceTransformer", "loaded")]


# -- diffusers -------------------------------------------------------------------------------------------------------------------------

PIPELINE = """
from diffusers import DiffusionPipeline

class AcmePipeline(DiffusionPipeline):
    def __init__(self):
        super().__init__()

    def __call__(self):
        return 42
"""


@pytest.fixture
def diffusers(tmp_path, monkeypatch):
    pytest.importorskip("torch", reason="diffusers computes with torch")
    library = pytest.importorskip("diffusers", reason="diffusers is not installed")
    from diffusers.utils import dynamic_modules_utils

    monkeypatch.setattr(dynamic_modules_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield library
    for name in [name for name in sys.modules if name.startswith("diffusers_modules")]:
        sys.modules.pop(name)


def pipeline_folder(tmp_path, canary, name="pipeline.py"):
    folder = tmp_path / "acme-pipeline"
    folder.mkdir()
    (folder / "model_index.json").write_text(
        json.dumps({"_class_name": ["pipeline", "AcmePipeline"], "_diffusers_version": "0.30.0"})
    )
    (folder / name).write_text(runs(canary) + PIPELINE)
    return folder


@pytest.mark.torch
def test_diffusers_pipeline_of_a_folder_is_asked_about(diffusers, hold, tmp_path, canary):
    folder = pipeline_folder(tmp_path, canary)
    options = {"custom_pipeline": str(folder), "trust_remote_code": True, "local_files_only": True}
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        diffusers.DiffusionPipeline.from_pretrained(str(folder), **options)
    assert not canary.exists()
    assert running.outcomes() == [("diffusers.DiffusionPipeline.from_pretrained", "blocked")]
    running.guard.close()
    running = hold(says=True)
    assert diffusers.DiffusionPipeline.from_pretrained(str(folder), **options)() == 42
    assert canary.exists(), "the pipeline is not armed"
    assert running.outcomes() == [("diffusers.DiffusionPipeline.from_pretrained", "allowed")]


@pytest.mark.torch
def test_diffusers_model_of_numbers_loads_silently(diffusers, hold, tmp_path):
    model = diffusers.UNet2DModel(
        sample_size=8,
        block_out_channels=(8,),
        down_block_types=("DownBlock2D",),
        up_block_types=("UpBlock2D",),
        norm_num_groups=4,
    )
    model.save_pretrained(tmp_path / "unet")
    running = hold()
    diffusers.UNet2DModel.from_pretrained(tmp_path / "unet")
    assert running.outcomes() == [("diffusers.UNet2DModel.from_pretrained", "loaded")]


# -- spaCy -----------------------------------------------------------------------------------------------------------------------------


def test_spacy_package_in_the_working_directory_is_asked_about(planted, hold, canary):
    spacy = pytest.importorskip("spacy", reason="spaCy is not installed")
    package = planted / "planted_module"
    package.mkdir()
    (planted / "planted_module.py").unlink()
    (package / "__init__.py").write_text(runs(canary) + "def load(**_):\n    return 42\n")
    for name in ("meta.json", "config.cfg"):
        (package / name).write_text("{}")
    info = planted / "planted_module-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: planted_module\nVersion: 1.0\n")
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        spacy.load("planted_module")
    assert not canary.exists()
    assert running.outcomes() == [("spacy.load", "blocked")]
    running.guard.close()
    running = hold(says=True)
    assert spacy.load("planted_module") == 42
    assert canary.exists(), "the package is not armed"
