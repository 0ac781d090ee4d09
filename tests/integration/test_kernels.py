"""Native code that a hub or a folder brings, through the real `kernels`: nobody can look into it, so that each way to it asks."""

import importlib.metadata
import json
import sys

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

kernels = pytest.importorskip("kernels", reason="kernels is not installed")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("torch", reason="kernels are torch's")

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings(
        "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning", "ignore::ResourceWarning"
    ),
]
NAME = "acme/attention"


@pytest.fixture
def folder(tmp_path, canary, monkeypatch):
    """A kernel that `kernels` takes from a folder when it is asked for by its name, so that no hub has to trust its publisher."""
    place = tmp_path / "acme-attention"
    place.mkdir()
    about = {"id": "acme_attention_1", "name": "acme-attention", "version": 1, "license": "MIT", "python-depends": []}
    (place / "metadata.json").write_text(json.dumps({**about, "backend": {"type": "cpu"}}))
    (place / "__init__.py").write_text(f"open({str(canary)!r}, 'w').close()\ndef flash_attn_varlen_func(): pass\n")
    monkeypatch.setenv("LOCAL_KERNELS", f"{NAME}={place}:{NAME}-too={place}")
    loading = importlib.import_module("kernels.load")
    loading._parse_local_kernel_overrides.cache_clear()
    yield place
    loading._parse_local_kernel_overrides.cache_clear()
    importlib.import_module("kernels.importer")._loaded_kernels.clear()
    sys.modules.pop("acme_attention_1", None)


def by_name(_folder):
    return kernels.get_kernel(NAME, version=1)


def from_a_folder(folder):
    return kernels.get_local_kernel(folder)


def for_a_layer(folder):
    return importlib.import_module("kernels.layer.layer").get_local_kernel(folder)


@pytest.mark.parametrize("way", [by_name, from_a_folder, for_a_layer], ids=lambda way: way.__name__)
def test_kernel_is_asked_about_before_it_runs(way, folder, hold, canary):
    way(folder)
    assert canary.exists(), "the kernel is not armed"
    canary.unlink()
    importlib.import_module("kernels.importer")._loaded_kernels.clear()
    running = hold(False)
    with pytest.raises(ModelLoadBlockedError):
        way(folder)
    assert not canary.exists()
    running.guard.approver.says = True
    assert way(folder).flash_attn_varlen_func
    assert canary.exists()
    assert [outcome for _, outcome in running.outcomes()] == ["blocked", "allowed"]


@pytest.mark.parametrize(  # transformers keeps a kernel that was let in by its name, so that each has its own
    ("key", "name"), [("attn_implementation", NAME), ("_attn_implementation", f"{NAME}-too")]
)
def test_kernel_that_a_configuration_names_is_asked_about_without_trust_remote_code(key, name, folder, hold, canary, tmp_path):
    needed = importlib.import_module("transformers.utils.import_utils")
    if not needed.is_kernels_available():
        pytest.skip(f"this transformers takes no kernels {importlib.metadata.version('kernels')}")
    config = transformers.BertConfig(vocab_size=8, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8)
    model = tmp_path / "bert"
    transformers.BertModel(config).save_pretrained(model)
    written = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**written, key: name}))
    running = hold(False)
    with pytest.raises(ModelLoadBlockedError, match=r"kernels\.get_kernel"):
        transformers.AutoModel.from_pretrained(model)
    assert not canary.exists()
    assert "blocked" in {outcome for _, outcome in running.outcomes()}
    running.guard.approver.says = True
    del running.guard.approver.asked[:]
    assert transformers.AutoModel.from_pretrained(model).config._attn_implementation == name
    assert canary.exists()
    ((record, _view),) = running.guard.approver.asked
    assert record.artifact.format == "native"
