"""Torch's further ways to load: native code, distributed checkpoints, and weights from an address."""

import contextlib
import pickle

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

from torch_files import saved  # isort: skip

torch = pytest.importorskip("torch", reason="torch is not installed")

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
]


# -- native code ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("namespace", ["ops", "classes"])
def test_library_of_operators_is_asked_about(namespace, hold, tmp_path):
    path = tmp_path / "libacme.so"
    path.write_bytes(b"\x7fELF")
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        getattr(torch, namespace).load_library(str(path))
    assert running.outcomes() == [(f"torch.{namespace}.load_library", "blocked")]


@pytest.mark.parametrize(
    ("name", "load"),
    [
        ("torch._inductor.aoti_load_package", lambda path: torch._C._aoti.AOTIModelPackageLoader(path, "model", False, 1, -1)),
        ("torch.jit.jit_module_from_flatbuffer", lambda path: torch.jit.jit_module_from_flatbuffer(path)),  # noqa: PLW0108 by its name
    ],
)
def test_compiled_program_is_asked_about(name, load, hold, tmp_path):
    path = tmp_path / "program.pt2"
    path.write_bytes(b"PK\x05\x06" + bytes(18))
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        load(str(path))
    assert running.outcomes() == [(name, "blocked")]


# -- distributed checkpoints, and weights from an address ----------------------------------------------------------------------------


@pytest.fixture
def checkpoint_folder(tmp_path):
    checkpoint = pytest.importorskip("torch.distributed.checkpoint", reason="torch was built without it")
    folder = tmp_path / "checkpoint"
    checkpoint.save({"w": torch.arange(3.0), "epoch": 3}, checkpoint_id=folder, no_dist=True)
    return folder


def load_checkpoint(folder):
    state = {"w": torch.zeros(3), "epoch": 0}
    torch.distributed.checkpoint.load(state, checkpoint_id=folder, no_dist=True)
    return state


def test_distributed_checkpoint_loads_silently(checkpoint_folder, hold, tmp_path):
    from torch.distributed.checkpoint.format_utils import dcp_to_torch_save

    running = hold()
    assert load_checkpoint(checkpoint_folder)["epoch"] == 3
    dcp_to_torch_save(checkpoint_folder, tmp_path / "whole.pt")
    assert torch.equal(torch.load(tmp_path / "whole.pt")["w"], torch.arange(3.0))
    assert {outcome for _, outcome in running.outcomes()} == {"loaded"}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_metadata_of_a_distributed_checkpoint_is_held(checkpoint_folder, hold, armed, canary):
    (checkpoint_folder / ".metadata").write_bytes(pickle.dumps(armed))
    with contextlib.suppress(BaseException):
        load_checkpoint(checkpoint_folder)
    assert canary.exists(), "the checkpoint is not armed"
    canary.unlink()
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        load_checkpoint(checkpoint_folder)
    with pytest.raises(ModelLoadBlockedError):
        torch.distributed.checkpoint.FileSystemReader(checkpoint_folder).read_metadata()
    assert not canary.exists()
    assert ("torch.distributed.checkpoint.load", "blocked") in running.outcomes()


def test_weights_from_an_address_are_held(hold, armed, canary, tmp_path):
    (tmp_path / "bad.pt").write_bytes(saved({"extra": armed}))
    (tmp_path / "good.pt").write_bytes(saved({"w": torch.ones(2)}))

    def load(name):
        address = (tmp_path / name).as_uri()
        return torch.hub.load_state_dict_from_url(address, model_dir=tmp_path / "cache", progress=False, weights_only=False)

    load("bad.pt")
    assert canary.exists(), "the file is not armed"
    canary.unlink()
    hold()
    with pytest.raises(ModelLoadBlockedError):
        load("bad.pt")
    assert not canary.exists()
    assert torch.equal(load("good.pt")["w"], torch.ones(2))
