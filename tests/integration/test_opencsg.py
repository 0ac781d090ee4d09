"""OpenCSG with its real SDK against a hub on loopback: a download runs nothing, and its Auto classes are asked about before code runs."""

import importlib
import json
import sys

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

from other_hubs import OtherHubs  # isort: skip

pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("pycsghub", reason="csghub-sdk is not installed")

pytestmark = pytest.mark.filterwarnings("ignore")

CONFIG = {
    "model_type": "acme_csg",
    "auto_map": {"AutoConfig": "configuration_acme.AcmeConfig", "AutoModel": "modeling_acme.AcmeModel"},
}
CONFIGURATION = """
from transformers import PretrainedConfig
from .sizes import WIDTH
class AcmeConfig(PretrainedConfig):
    model_type = "acme_csg"
    def __init__(self, width=WIDTH, **options):
        self.width = width
        super().__init__(**options)
"""
MODELING = """
import torch
from transformers import PreTrainedModel
from .configuration_acme import AcmeConfig
class AcmeModel(PreTrainedModel):
    config_class = AcmeConfig
    def __init__(self, config):
        super().__init__(config)
        self.dense = torch.nn.Linear(config.width, 1)
        self.post_init()
"""


@pytest.fixture(scope="module")
def hubs():
    made = OtherHubs()
    yield made
    made.close()


@pytest.fixture
def hub(hubs, tmp_path, monkeypatch, fresh_modules, canary):
    monkeypatch.setenv("CSGHUB_DOMAIN", hubs.address)
    home = importlib.import_module("pycsghub.utils")
    monkeypatch.setattr(home, "get_cache_dir", lambda **_: str(tmp_path / "csg-cache"))
    # the SDK imports every module of transformers to find the three classes of these tests
    monkeypatch.setattr(importlib.import_module("transformers"), "__all__", ["AutoConfig", "AutoModel", "AutoTokenizer"])
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")  # where the SDK puts what it downloads
    monkeypatch.setattr("pycsghub.snapshot_download.get_cache_dir", lambda **_: str(tmp_path / "csg-cache"))
    says = f"with open({str(canary)!r}, 'a') as file: print(__name__.rpartition('.')[2], file=file)\n"
    files = {
        "config.json": json.dumps(CONFIG),
        "configuration_acme.py": says + CONFIGURATION,
        "modeling_acme.py": says + MODELING,
        "sizes.py": says + "WIDTH = 5\n",
    }
    hubs.of["acme/tiny"] = {name: text.encode() for name, text in files.items()}
    return hubs


def ran(canary):
    return set(canary.read_text().split()) if canary.exists() else set()


def load(name):
    return getattr(importlib.import_module("pycsghub.repo_reader"), name).from_pretrained("acme/tiny", trust_remote_code=True)


def model_without_weights(_reader):
    """The repository has no weights: transformers says so after it imported the code."""
    with pytest.raises(OSError, match=r"model\.safetensors"):
        load("AutoModel")


LOADS = {"AutoConfig": lambda name: load(name).width, "AutoModel": model_without_weights}
FILES = {"AutoConfig": {"configuration_acme", "sizes"}, "AutoModel": {"configuration_acme", "sizes", "modeling_acme"}}


@pytest.mark.parametrize("early", [False, True], ids=["imported under guard", "imported before"])
@pytest.mark.parametrize("reader", LOADS)
def test_code_of_a_repository_is_asked_about_once(reader, early, hub, hold, canary, monkeypatch, fresh_modules):
    if not early:
        for name in [name for name in sys.modules if name.startswith("pycsghub.repo_reader")]:
            monkeypatch.delitem(sys.modules, name)
    else:
        LOADS[reader](reader)
        assert ran(canary) == FILES[reader], "the repository is not armed"
        canary.unlink()
        fresh_modules()
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        LOADS[reader](reader)
    assert ran(canary) == set()
    assert running.outcomes() == [(f"pycsghub.{reader}.from_pretrained", "blocked")]
    if not early:  # else the download lies in the working directory, where the SDK takes it for a folder
        assert running.history()[0].request.source == f"{hub.address}/models/acme/tiny"
    running.guard.close()
    running = hold(says=True)
    LOADS[reader](reader)
    ((record, _view),) = running.guard.approver.asked
    assert ran(canary) == FILES[reader]
    assert ran(canary) <= {file.path.removesuffix(".py") for file in record.artifact.files}


def test_download_alone_runs_and_asks_nothing(hub, hold, canary, tmp_path):
    running = hold()
    folder = importlib.import_module("pycsghub.snapshot_download").snapshot_download("acme/tiny", quiet=True)
    assert sorted(path.name for path in (tmp_path / "work" / "acme" / "tiny").iterdir()) == sorted(hub.of["acme/tiny"])
    assert folder == str(tmp_path / "work" / "acme" / "tiny")
    assert running.outcomes() == [("pycsghub.snapshot_download", "loaded")]
    assert ran(canary) == set()
