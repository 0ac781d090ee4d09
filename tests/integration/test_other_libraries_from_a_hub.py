"""Libraries on top of transformers, and beside it, that run a repository's Python, from a hub."""

import json
import sys

import pytest
from acme_model import CANARY

from jupyter_modelguard.errors import ModelLoadBlockedError

torch = pytest.importorskip("torch", reason="the models of these tests are torch's")

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings(
        "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning", "ignore::ResourceWarning"
    ),
]
MODULE = """
import torch
from .width import WIDTH

class Thing(torch.nn.Module):
    @classmethod
    def load(cls, *args, **options):
        return cls()
"""
PIPELINE = """
from diffusers import DiffusionPipeline

class AcmePipeline(DiffusionPipeline):
    def __init__(self):
        super().__init__()

    def __call__(self):
        return 42
"""


def sentences(hub, canary):
    library = pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    hub.commit(
        "acme/sentences",
        {
            "modules.json": json.dumps([{"idx": 0, "name": "0", "path": "", "type": "modeling_thing.Thing"}]),
            "config_sentence_transformers.json": json.dumps({"__version__": {"sentence_transformers": "5.0.0"}}),
            "config.json": "{}",
            "modeling_thing.py": canary + MODULE,
            "width.py": canary + "WIDTH = 3\n",
        },
    )
    return lambda: library.SentenceTransformer("acme/sentences", trust_remote_code=True, device="cpu")


def pipeline_beside_another_model(hub, canary):
    library = pytest.importorskip("diffusers", reason="diffusers is not installed")
    index = {"_class_name": "DiffusionPipeline", "_diffusers_version": "0.30.0"}
    hub.commit("acme/pictures", {"model_index.json": json.dumps(index)})
    hub.commit("other/pipeline", {"pipeline.py": canary + PIPELINE})
    return lambda: library.DiffusionPipeline.from_pretrained(
        "acme/pictures", custom_pipeline="other/pipeline", trust_remote_code=True
    )


LIBRARIES = {
    "sentence_transformers.SentenceTransformer": (sentences, {"modeling_thing.py", "width.py"}),
    "diffusers.DiffusionPipeline.from_pretrained": (pipeline_beside_another_model, {"pipeline.py"}),
}


@pytest.fixture
def canaries(tmp_path):
    return tmp_path / "canaries"


@pytest.fixture
def act(hub, request, canaries, tmp_path, monkeypatch):
    """A load of what the test is parametrised with."""
    name = "diffusers.utils.dynamic_modules_utils"
    if "diffusers" in request.param:
        pytest.importorskip("diffusers", reason="diffusers is not installed")
        __import__(name)
        monkeypatch.setattr(sys.modules[name], "HF_MODULES_CACHE", str(tmp_path / "modules"))
    yield LIBRARIES[request.param][0](hub, CANARY.format(canaries=str(canaries)))
    for module in [module for module in sys.modules if module.partition(".")[0] == "diffusers_modules"]:
        del sys.modules[module]


@pytest.mark.parametrize(("act", "loader"), [(name, name) for name in LIBRARIES], indirect=["act"], ids=list(LIBRARIES))
def test_one_question_comes_before_anything_runs(act, loader, hold, canaries):
    act()
    assert canaries.exists(), "the repository is not armed"
    canaries.unlink()
    for name in [name for name in sys.modules if name.partition(".")[0] in ("transformers_modules", "diffusers_modules")]:
        del sys.modules[name]
    running = hold(False)
    with pytest.raises(ModelLoadBlockedError):
        act()
    assert not canaries.exists()
    running.guard.approver.says = True
    act()
    assert canaries.exists()
    blocked, allowed = running.guard.approver.asked
    assert {file.path.rpartition("/")[2] for file in allowed[0].artifact.files} == LIBRARIES[loader][1]
    assert {record.request.loader for record, _ in (blocked, allowed)} == {loader}
