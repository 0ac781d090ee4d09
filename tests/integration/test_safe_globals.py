"""`torch.load` of weights alone, where the user has declared further names safe."""

import contextlib
import io
import zipfile

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

from torch_files import honest_script, saved  # isort: skip


torch = pytest.importorskip("torch", reason="torch is not installed")


pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
]


class Touches:
    """A class that the user declares safe, whose `__setstate__` makes the canary."""

    def __setstate__(self, state):
        with open(state["path"], "w") as file:
            file.write("ran")


class Plain:
    """A class that the user declares safe, and that is."""


@pytest.fixture
def safe(monkeypatch):
    """Put names on torch's list of safe globals for one test."""

    def add(*entries):
        context = torch.serialization.safe_globals(list(entries))
        context.__enter__()
        opened.append(context)

    opened = []
    yield add
    for context in opened:
        context.__exit__(None, None, None)


def armed_object(canary):
    made = Touches()
    made.path = str(canary)
    return {"weights": torch.ones(2), "extra": made}


@pytest.mark.parametrize("zipped", [True, False])
def test_class_declared_safe_runs_nothing_before_it_was_asked_about(zipped, hold, safe, canary, tmp_path):
    path = tmp_path / "weights.pt"
    path.write_bytes(saved(armed_object(canary), _use_new_zipfile_serialization=zipped))
    safe(Touches)
    torch.load(path, weights_only=True)
    assert canary.exists(), "the file is not armed"
    canary.unlink()
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        torch.load(path, weights_only=True)
    assert not canary.exists()
    assert running.outcomes() == [("torch.load", "blocked")]


@pytest.mark.parametrize("zipped", [True, False])
def test_weights_load_silently_beside_a_class_declared_safe(zipped, hold, safe, tmp_path):
    path = tmp_path / "weights.pt"
    path.write_bytes(saved({"weights": torch.ones(2)}, _use_new_zipfile_serialization=zipped))
    safe(Touches)
    running = hold()
    assert torch.equal(torch.load(path, weights_only=True)["weights"], torch.ones(2))
    assert torch.equal(torch.load(io.BytesIO(path.read_bytes()))["weights"], torch.ones(2))
    assert running.outcomes() == [("torch.load", "loaded"), ("torch.load", "loaded")]


@pytest.mark.parametrize("zipped", [True, False])
def test_restricted_machine_reads_the_bytes_that_were_looked_at(zipped, hold, safe, canary, tmp_path, monkeypatch):
    path = tmp_path / "weights.pt"
    options = {"_use_new_zipfile_serialization": zipped}
    path.write_bytes(saved({"weights": torch.ones(2)}, **options))
    safe(Touches)
    running = hold()
    check = running.guard.check_stream

    def check_then_rewrite(*arguments):
        permit = check(*arguments)
        path.write_bytes(saved(armed_object(canary), **options))
        return permit

    monkeypatch.setattr(running.guard, "check_stream", check_then_rewrite)
    with contextlib.suppress(RuntimeError):  # the numbers behind the opcodes of the old format are not where they were
        assert list(torch.load(path, weights_only=True)) == ["weights"]
    assert not canary.exists()


def test_class_declared_safe_under_the_name_of_another(hold, safe, canary, tmp_path):
    path = tmp_path / "weights.pt"
    content = saved({"weights": torch.ones(2), "extra": armed_object(canary)["extra"]})
    name = f"{Touches.__module__}\n{Touches.__qualname__}".encode()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(path, "w") as other:
        for member in old.infolist():
            other.writestr(member.filename, old.read(member).replace(name, b"collections\nOrderedDict2"))
    safe((Touches, "collections.OrderedDict2"))
    torch.load(path, weights_only=True)
    assert canary.exists(), "the file is not armed"
    canary.unlink()
    hold()
    with pytest.raises(ModelLoadBlockedError):
        torch.load(path, weights_only=True)
    assert not canary.exists()


def test_script_given_to_the_restricted_machine_is_torchs_own_error(hold, safe, tmp_path):
    path = tmp_path / "script.pt"
    path.write_bytes(honest_script())
    hold()
    with pytest.raises(RuntimeError, match="TorchScript"):
        torch.load(path, weights_only=True)
    safe(Plain)
    with pytest.raises(RuntimeError, match="TorchScript"):
        torch.load(path, weights_only=True)
