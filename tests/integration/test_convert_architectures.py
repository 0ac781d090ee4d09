"""Weights of whole networks of several libraries, in every format that they are saved in: what a load gives, without the load."""

import os
import pickle
import sys
import textwrap

import pytest

from jupyter_modelguard.artifacts.source import StreamSource
from jupyter_modelguard.engines.weights import plan_weights
from jupyter_modelguard.engines.weights_file import write_weights

torch = pytest.importorskip("torch", reason="torch is not installed")
load_file = pytest.importorskip("safetensors.torch", reason="safetensors is not installed").load_file

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

RESNET = """
import torch


class Block(torch.nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(channels)
        self.downsample = None

    def forward(self, x):
        return torch.relu(self.bn1(self.conv1(x)) + x)


class ResNet(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = torch.nn.Conv2d(3, 4, 7)
        self.layer1 = torch.nn.Sequential(Block(4), Block(4))
        self.register_buffer("grid", torch.arange(6).reshape(2, 3).t())
        self.register_buffer("passing", torch.ones(2), persistent=False)
        self.fc = torch.nn.Linear(4, 2)
"""


@pytest.fixture
def acme(tmp_path, monkeypatch):
    """A package with a network, which can be taken away again."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "acme_resnet.py").write_text(textwrap.dedent(RESNET))
    monkeypatch.syspath_prepend(str(folder))
    import acme_resnet

    yield acme_resnet
    sys.modules.pop("acme_resnet", None)


def bert():
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    size = {
        "hidden_size": 8,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "max_position_embeddings": 16,
    }
    return transformers.BertModel(transformers.BertConfig(vocab_size=20, **size))


def unet():
    diffusers = pytest.importorskip("diffusers", reason="diffusers is not installed")
    blocks = {"down_block_types": ("DownBlock2D",), "up_block_types": ("UpBlock2D",), "block_out_channels": (4,)}
    return diffusers.UNet2DModel(sample_size=8, layers_per_block=1, norm_num_groups=2, **blocks)


def attention():
    return torch.nn.Transformer(8, 2, 1, 1, 16)


def several_types():
    return torch.nn.ModuleDict(
        {"narrow": torch.nn.Linear(2, 2).half(), "brain": torch.nn.Linear(2, 2).bfloat16(), "gru": torch.nn.GRU(2, 3)}
    )


NETWORKS = {"bert": bert, "unet": unet, "attention": attention, "types": several_types}


def joblib_dump(value, path):
    pytest.importorskip("joblib", reason="joblib is not installed").dump(value, path, compress=1)


SAVES = {
    "zip": torch.save,
    "legacy": lambda value, path: torch.save(value, path, _use_new_zipfile_serialization=False),
    "pickle": lambda value, path: path.write_bytes(pickle.dumps(value)),
    "joblib": joblib_dump,
}


def taken(path):
    out, spool = path.with_name("out.safetensors"), path.with_name("numbers")
    plan = plan_weights(StreamSource(str(path)), str(spool))
    write_weights(plan, str(path), out, str(spool) if spool.exists() else os.devnull)
    return load_file(out), plan


def same(one, other):
    assert set(one) == set(other)
    for name, tensor in other.items():
        assert one[name].dtype == tensor.dtype, name
        assert torch.equal(one[name], tensor), name


def loaded(path):
    """What the library's own loader gives, with all that it runs."""
    if path.read_bytes()[:2] == b"x\x01":
        import joblib

        return joblib.load(path)
    try:
        return torch.load(path, weights_only=False)
    except (RuntimeError, pickle.UnpicklingError):
        return pickle.loads(path.read_bytes())


@pytest.mark.parametrize("save", SAVES.values(), ids=SAVES)
@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
def test_whole_network(make, save, tmp_path):
    path = tmp_path / "network"
    save(make(), path)
    same(taken(path)[0], loaded(path).state_dict())


@pytest.mark.parametrize("save", SAVES.values(), ids=SAVES)
def test_class_that_is_installed_and_then_is_not(save, acme, tmp_path, monkeypatch):
    path = tmp_path / "network"
    save({"net": acme.ResNet(), "epoch": 3}, path)
    expected = {f"net.{name}": tensor for name, tensor in loaded(path)["net"].state_dict().items()}
    same(taken(path)[0], expected)
    monkeypatch.delitem(sys.modules, "acme_resnet")
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if str(tmp_path) not in entry])
    with pytest.raises(ModuleNotFoundError):
        loaded(path)
    (tmp_path / "out.safetensors").unlink()
    (tmp_path / "numbers").unlink(missing_ok=True)
    found, plan = taken(path)
    same(found, expected)
    assert plan.left_out == ()


@pytest.mark.parametrize("save", SAVES.values(), ids=SAVES)
def test_arrays_beside_tensors(save, tmp_path):
    """Many checkpoints keep the state of a generator of random numbers, or a history of losses."""
    import numpy as np

    path = tmp_path / "checkpoint"
    weight = torch.arange(6.0).reshape(2, 3).t()
    save({"weight": weight, "losses": np.arange(3.0), "random": ("MT19937", np.arange(4, dtype="u4"), 0)}, path)
    found = taken(path)[0]
    assert torch.equal(found["weight"], weight)
    assert found["losses"].tolist() == [0, 1, 2]
    assert found["random.1"].tolist() == [0, 1, 2, 3]


def test_checkpoint_of_lightning(tmp_path):
    lightning = pytest.importorskip("pytorch_lightning", reason="pytorch-lightning is not installed")

    class Network(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.save_hyperparameters({"width": 3})
            self.line = torch.nn.Linear(2, 3)

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters())

    trainer = lightning.Trainer(
        max_epochs=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        accelerator="cpu",
    )
    network = Network()
    trainer.strategy.connect(network)
    path = tmp_path / "last.ckpt"
    trainer.save_checkpoint(path)
    expected = {f"state_dict.{name}": tensor for name, tensor in torch.load(path, weights_only=False)["state_dict"].items()}
    same(taken(path)[0], expected)
