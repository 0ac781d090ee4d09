"""ModelScope with its real SDK against a hub on loopback: what a repository runs, installs or names is asked about before."""

import gc
import importlib
import json
import sys
from pathlib import Path

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

from other_hubs import OtherHubs  # isort: skip

pytest.importorskip("torch", reason="the models of these tests are torch's")
pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("modelscope", reason="modelscope is not installed")

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

WRAPPER = """
from modelscope.models.base import Model
from modelscope.models.builder import MODELS
from modelscope.pipelines.base import Pipeline
from modelscope.pipelines.builder import PIPELINES
from parts.sizes import WIDTH

@MODELS.register_module("acme-task", module_name="acme-model", force=True)
class AcmeModel(Model):
    def __init__(self, model_dir=None, **options):
        super().__init__(model_dir, **options)
        self.width = WIDTH
    def forward(self, given):
        return given

@PIPELINES.register_module("acme-task", module_name="acme-pipeline", force=True)
class AcmePipeline(Pipeline):
    def __init__(self, model=None, **options):
        self.width = WIDTH
"""
CONFIGURATION = {
    "framework": "pytorch",
    "task": "acme-task",
    "model": {"type": "acme-model"},
    "pipeline": {"type": "acme-pipeline"},
    "allow_remote": True,
}
AUTO = {
    "config.json": {"model_type": "acme_ms", "auto_map": {"AutoConfig": "configuration_acme.AcmeConfig"}},
    "configuration_acme.py": """
from transformers import PretrainedConfig
from .sizes import WIDTH
class AcmeConfig(PretrainedConfig):
    model_type = "acme_ms"
    def __init__(self, width=WIDTH, **options):
        self.width = width
        super().__init__(**options)
""",
    "sizes.py": "WIDTH = 5\n",
}


@pytest.fixture(scope="module")
def hubs():
    made = OtherHubs()
    yield made
    made.close()


@pytest.fixture
def says(canary):
    return f"with open({str(canary)!r}, 'a') as file: print(__name__.rpartition('.')[2], file=file)\n"


@pytest.fixture
def hub(hubs, tmp_path, monkeypatch, fresh_modules, says):
    """The SDK with a cache of this test's own; repositories `acme/wrapped` and `acme/auto`, each of whose files says when it runs."""
    for name in ("MODELSCOPE_ENDPOINT", "MODELSCOPE_DOMAIN"):
        monkeypatch.setenv(name, hubs.address)
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "ms-cache"))
    monkeypatch.setenv("MODELSCOPE_HOME", str(tmp_path / "ms-home"))
    monkeypatch.setenv("PIP_DRY_RUN", "1")
    monkeypatch.setenv("PIP_NO_BUILD_ISOLATION", "0")  # pip's way to say: without isolation
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    plugins = importlib.import_module("modelscope.utils.plugins")
    monkeypatch.setattr(plugins, "BASE_MODULE_DIR", str(tmp_path / "ms-modules"))
    monkeypatch.chdir(tmp_path)
    wrapped = {"ms_wrapper.py": says + WRAPPER, "parts/sizes.py": says + "WIDTH = 5\n"}
    for owner in ("acme", "damo"):
        hubs.of[f"{owner}/wrapped"] = encoded({"configuration.json": CONFIGURATION, **wrapped})
    hubs.of["acme/auto"] = encoded({name: text if isinstance(text, dict) else says + text for name, text in AUTO.items()})
    known = set(sys.modules)
    yield hubs
    trusted = importlib.import_module("modelscope.utils.automodel_utils")._is_model_from_trusted_source
    trusted.cache_clear()
    gc.collect()  # temporary files that the SDK leaves to the collector, and which cannot be removed twice
    for name in set(sys.modules) - known:
        if "wrapped" in name or name.partition(".")[0] in {"ms_wrapper", "parts", "transformers_modules"}:
            del sys.modules[name]


def encoded(files):
    return {name: (json.dumps(text) if isinstance(text, dict) else text).encode() for name, text in files.items()}


def ran(canary):
    return set(canary.read_text().split()) if canary.exists() else set()


def forget():
    for name in list(sys.modules):
        if "wrapped" in name or name.partition(".")[0] in {"ms_wrapper", "parts", "transformers_modules"}:
            del sys.modules[name]


def from_pretrained(name, **options):
    return importlib.import_module("modelscope.models").Model.from_pretrained(name, **options).width


def pipeline(name, **options):
    return importlib.import_module("modelscope.pipelines").pipeline("acme-task", model=name, **options).width


def auto_config(name, **options):
    return importlib.import_module("modelscope").AutoConfig.from_pretrained(name, **options).width


LOADS = {
    "modelscope.Model.from_pretrained": (from_pretrained, "acme/wrapped", {"ms_wrapper.py", "parts/sizes.py"}),
    "modelscope.pipeline": (pipeline, "acme/wrapped", {"ms_wrapper.py", "parts/sizes.py"}),
    "transformers.AutoConfig.from_pretrained": (auto_config, "acme/auto", {"configuration_acme.py", "sizes.py"}),
}


@pytest.mark.parametrize("loader", LOADS)
def test_code_of_a_repository_is_asked_about_once(loader, hub, hold, canary):
    load, name, files = LOADS[loader]
    assert load(name, trust_remote_code=True) == 5
    assert ran(canary), "the repository is not armed"
    canary.unlink()
    forget()
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        load(name, trust_remote_code=True)
    assert ran(canary) == set()
    assert running.outcomes() == [(loader, "blocked")]
    running.guard.close()
    running = hold(says=True)
    assert load(name, trust_remote_code=True) == 5
    ((record, _view),) = running.guard.approver.asked
    assert {file.path for file in record.artifact.files} == files
    assert record.artifact.name == name.rpartition("/")[2]
    assert ran(canary)
    assert running.outcomes() == [(loader, "allowed")]
    forget()


@pytest.mark.parametrize("load", [from_pretrained, pipeline])
def test_owner_whom_the_sdk_trusts_by_itself_is_asked_about(load, hub, hold, canary):
    load("damo/wrapped")
    assert ran(canary), "the SDK does not trust this owner any more"
    canary.unlink()
    forget()
    hold()
    with pytest.raises(ModelLoadBlockedError):
        load("damo/wrapped")
    assert ran(canary) == set()


def test_refusal_of_the_sdk_stays_its_own(hub, hold, canary):
    hold()
    with pytest.raises(RuntimeError, match="trust_remote_code=True was not explicitly set"):
        from_pretrained("acme/wrapped")
    assert ran(canary) == set()


def test_download_alone_runs_and_asks_nothing(hub, hold, canary):
    running = hold()
    folder = importlib.import_module("modelscope").snapshot_download("acme/wrapped")
    assert "ms_wrapper.py" in {path.name for path in Path(folder).iterdir()}
    assert running.history() == []
    assert ran(canary) == set()


def test_transformers_itself_rewired_to_the_hub_is_held_in_its_own_name(hub, hold, canary, monkeypatch):
    patcher = importlib.import_module("modelscope.utils.hf_util.patcher")
    transformers = importlib.import_module("transformers")
    # the SDK imports most of transformers and diffusers to find the one class of this test
    monkeypatch.setattr(patcher, "get_all_imported_modules", lambda: [transformers.AutoConfig])
    running = hold()
    with patcher.patch_context():
        with pytest.raises(ModelLoadBlockedError):
            transformers.AutoConfig.from_pretrained("acme/auto", trust_remote_code=True)
        assert ran(canary) == set()
        assert running.outcomes() == [("transformers.AutoConfig.from_pretrained", "blocked")]


# -- what a repository has installed ---------------------------------------------------------------------------------------------------


@pytest.fixture
def package(tmp_path, canary):
    """A package that writes the canary as soon as pip looks at it."""
    folder = tmp_path / "acme_armed"
    folder.mkdir()
    source = f"open({str(canary)!r}, 'w').close()\nfrom setuptools import setup\nsetup(name='acme-armed', version='1', py_modules=[])\n"
    (folder / "setup.py").write_text(source)
    return f"acme-armed @ file://{folder}"


def test_requirements_are_asked_about_before_pip_runs(hub, hold, package, canary, tmp_path):
    folder = tmp_path / "listed"
    folder.mkdir()
    (folder / "requirements.txt").write_text(f"torch\n{package}\n")
    plugins = importlib.import_module("modelscope.utils.plugins")
    plugins.import_module_from_model_dir(str(folder))
    assert canary.exists(), "the package is not armed"
    canary.unlink()
    running = hold()
    with pytest.raises(ModelLoadBlockedError, match="acme-armed"):
        importlib.import_module("modelscope.utils.plugins").import_module_from_model_dir(str(folder))
    assert not canary.exists()
    assert [outcome for _, outcome in running.outcomes()] == ["blocked"]
    running.guard.close()
    running = hold(says=True)
    importlib.import_module("modelscope.utils.plugins").import_module_from_model_dir(str(folder))
    assert canary.exists()
    assert len(running.guard.approver.asked) == 1


def test_requirements_that_are_installed_already_are_not_asked_about(hub, hold, tmp_path):
    (tmp_path / "requirements.txt").write_text("torch\nnumpy>=1\n")
    running = hold()
    importlib.import_module("modelscope.utils.plugins").install_requirements_by_files([str(tmp_path / "requirements.txt")])
    assert running.history() == []


# -- configurations --------------------------------------------------------------------------------------------------------------------


def test_configuration_in_python_is_asked_about_where_the_sdk_would_run_it(hub, hold, says, canary, tmp_path):

    def from_file(*args, **options):  # looked up anew each time: guarded or not
        return importlib.import_module("modelscope.utils.config").Config.from_file(*args, **options)

    path = tmp_path / "configuration.py"
    path.write_text(says + "width = 3\n")
    assert from_file(str(path), trust_remote_code=True).width == 3
    assert canary.exists(), "the configuration is not armed"
    canary.unlink()
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        from_file(str(path), trust_remote_code=True)
    with pytest.raises(RuntimeError, match="Refusing to load"):
        from_file(str(path))
    assert not canary.exists()
    assert running.outcomes() == [("modelscope.Config.from_file", "blocked"), ("modelscope.Config.from_file", "failed")]
    running.guard.close()
    running = hold(says=True)
    assert from_file(str(path), trust_remote_code=True).width == 3
    assert len(running.guard.approver.asked) == 1
