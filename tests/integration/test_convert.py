"""Weights that are taken out of a file: the very tensors that a load gives, with nothing of the file run."""

import json
import os
import struct
import types
import warnings
import zipfile

import pytest

from jupyter_modelguard.artifacts.source import StreamSource
from jupyter_modelguard.cli import main
from jupyter_modelguard.engines.convert import convert, take_weights
from jupyter_modelguard.engines.weights import plan_weights
from jupyter_modelguard.engines.weights_file import write_weights
from jupyter_modelguard.errors import ScanError

torch = pytest.importorskip("torch", reason="torch is not installed")
load_file = pytest.importorskip("safetensors.torch", reason="safetensors is not installed").load_file

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")]
FORMATS = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])


def tied():
    made = torch.nn.Sequential(torch.nn.Embedding(5, 3), torch.nn.Linear(3, 5, bias=False))
    made[1].weight = made[0].weight
    return made


def passing_buffer():
    made = torch.nn.Linear(2, 2)
    made.register_buffer("mask", torch.ones(2), persistent=False)
    made.register_buffer("kept", torch.ones(2))
    return made


def gpt():
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(vocab_size=11, n_positions=8, n_embd=4, n_layer=1, n_head=2))


MODULES = {
    "convolutions": lambda: torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.ReLU()),
    "recurrent": lambda: torch.nn.LSTM(3, 4, num_layers=2),
    "attention": lambda: torch.nn.TransformerEncoderLayer(4, 2, 8),
    "half precision": lambda: torch.nn.Linear(3, 3).to(torch.bfloat16),
    "tied weights": tied,
    "a buffer that is not kept": passing_buffer,
    "transformers": gpt,
}


def taken(path):
    """Without the worker, which the tests of the command line go through."""
    out = path.with_name("out.safetensors")
    plan = plan_weights(StreamSource(str(path)))
    write_weights(plan, str(path), out)
    return load_file(out), plan


def same(one, other):
    assert set(one) == set(other)
    for name, tensor in other.items():
        assert one[name].dtype == tensor.dtype, name
        assert torch.equal(one[name], tensor), name


@FORMATS
@pytest.mark.parametrize("make", MODULES.values(), ids=MODULES)
def test_weights_of_a_module_are_its_state_dict(make, zipped, tmp_path):
    module = make()
    path = tmp_path / "module.pt"
    torch.save(module, path, _use_new_zipfile_serialization=zipped)
    same(taken(path)[0], module.state_dict())


@FORMATS
def test_weights_of_a_state_dict_are_what_torch_loads(zipped, tmp_path):
    path = tmp_path / "state.pt"
    torch.save(gpt().state_dict(), path, _use_new_zipfile_serialization=zipped)
    weights, plan = taken(path)
    same(weights, torch.load(path, weights_only=True))
    assert plan.flat


@FORMATS
def test_class_that_is_not_installed(zipped, tmp_path, monkeypatch):
    module = types.ModuleType("acme_networks")

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.line = torch.nn.Linear(2, 3)

    Network.__module__, Network.__qualname__, module.Network = "acme_networks", "Network", Network
    path = tmp_path / "module.pt"
    with monkeypatch.context() as patched:
        patched.setitem(__import__("sys").modules, "acme_networks", module)
        made = Network()
        torch.save({"model": made, "epoch": 3}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(ModuleNotFoundError):
        torch.load(path, weights_only=False)
    weights, plan = taken(path)
    same(weights, {f"model.{name}": tensor for name, tensor in made.state_dict().items()})
    assert plan.others == 1


@FORMATS
def test_views_and_types(zipped, tmp_path):
    grid = torch.arange(12.0).reshape(3, 4)
    kept = {
        "turned": grid.t(),
        "part": grid[1:, 1:3],
        "stretched": torch.ones(1).expand(5),
        "one": torch.tensor(3),
        "none": torch.empty(0, 3),
        "flags": torch.tensor([True, False]),
        "double": torch.ones(2, dtype=torch.float64),
        "half": torch.ones(2, dtype=torch.float16),
    }
    path = tmp_path / "views.pt"
    torch.save(kept, path, _use_new_zipfile_serialization=zipped)
    same(taken(path)[0], kept)


class Touch:
    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return os.system, (f"touch '{self.canary}'",)


@FORMATS
def test_armed_file_runs_nothing(zipped, tmp_path):
    canary, path = tmp_path / "canary", tmp_path / "armed.pt"
    torch.save({"weight": torch.ones(2), "extra": Touch(canary)}, path, _use_new_zipfile_serialization=zipped)
    torch.load(path, weights_only=False)
    assert canary.exists(), "the file is not armed"
    canary.unlink()
    same(taken(path)[0], {"weight": torch.ones(2)})
    assert not canary.exists()


def rewritten(path, change):
    """Write the zip again with other opcodes in its pickle."""
    with zipfile.ZipFile(path) as old:
        members = {member.filename: old.read(member) for member in old.infolist()}
    with zipfile.ZipFile(path, "w") as new:
        for name, content in members.items():
            new.writestr(name, change(content) if name.endswith("/data.pkl") else content)


@pytest.mark.parametrize(
    ("shape", "sentence"), [((4, 1 << 20), "beyond its own numbers"), ((1 << 16,), "beyond its own numbers")]
)
def test_tensor_that_reaches_beyond_its_storage_is_refused(shape, sentence, tmp_path):
    """Torch would read other memory, and so would numpy."""
    path = tmp_path / "lying.pt"
    torch.save({"weight": torch.ones(7, 3)}, path)
    old = b"K\x07K\x03\x86"
    new = b"".join(b"J" + struct.pack("<i", length) for length in shape) + (b"\x86" if len(shape) == 2 else b"K\x01\x86")
    rewritten(path, lambda content: content.replace(old, new, 1))
    with pytest.raises(ScanError, match=sentence):
        plan_weights(StreamSource(str(path)))


def test_tensors_that_would_fill_the_disk_are_refused(tmp_path):
    path = tmp_path / "bomb.pt"
    torch.save({"weight": torch.ones(1).expand(1 << 40)}, path)
    with pytest.raises(ScanError, match="much larger than the file"):
        plan_weights(StreamSource(str(path)))


def test_containers_that_hold_each_other_end(tmp_path):
    path = tmp_path / "nested.pt"
    inner = [torch.ones(1)]
    for _ in range(40):
        inner = [inner, inner]
    torch.save(inner, path)
    with pytest.raises(ScanError):
        plan_weights(StreamSource(str(path)))
    loop = {"weight": torch.ones(1)}
    loop["itself"] = loop
    torch.save(loop, path)
    same(taken(path)[0], {"weight": torch.ones(1)})


@pytest.mark.parametrize("content", [b"", b"no model", b"PK\x03\x04 no zip", b"\x80\x02N."])
def test_other_files_are_refused_in_words(content, tmp_path):
    path = tmp_path / "other.pt"
    path.write_bytes(content)
    with pytest.raises(ScanError):
        plan_weights(StreamSource(str(path)))


def test_file_that_changed_meanwhile_leaves_nothing_behind(tmp_path):
    path, out = tmp_path / "model.pt", tmp_path / "out.safetensors"
    torch.save({"weight": torch.ones(1000)}, path)
    plan = plan_weights(StreamSource(str(path)))
    os.truncate(path, 600)
    with pytest.raises(ScanError, match="missing from the file"):
        write_weights(plan, str(path), out)
    assert not out.exists()


def test_command_line_writes_the_file_and_never_over_another(tmp_path, capsys):
    path = tmp_path / "model.pt"
    torch.save({"weight": torch.ones(2), "epoch": 1}, path)
    assert main(["convert", str(path)]) == 0
    said = capsys.readouterr().out
    assert "1 tensor, 8 bytes. Nothing of the file ran. Left out: 1 other value." in said
    same(load_file(tmp_path / "model.safetensors"), {"weight": torch.ones(2)})
    header = (tmp_path / "model.safetensors").read_bytes()
    assert json.loads(header[8 : 8 + int.from_bytes(header[:8], "little")])["weight"]["dtype"] == "F32"
    assert main(["convert", str(path)]) == 2
    assert "exists already" in capsys.readouterr().err
    same(take_weights(path), {"weight": torch.ones(2)})
    with pytest.raises(ScanError, match="is no file"):
        convert(tmp_path / "missing.pt")


def test_quantised_tensor_is_named_and_left_out(tmp_path):
    path = tmp_path / "quantised.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        odd = torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)
        torch.save({"weight": torch.ones(2), "odd": odd}, path)
    weights, plan = taken(path)
    assert set(weights) == {"weight"}
    assert "odd" in plan.left_out[0]
