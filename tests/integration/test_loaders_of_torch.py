"""`torch.load` and `torch.hub` with the real library: what else there is to them beside the table."""

import json
import pickle
import sys

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

from ways_to_load import alike, checkpoint  # isort: skip


# Reading what libraries wrote must not fail for what the libraries themselves warn of.
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")]


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="torch is not installed")


def test_weights_alone_pass_and_torch_refuses_the_rest_itself(torch, hold, tmp_path, armed, canary):
    torch.save(checkpoint(), tmp_path / "honest.pt")
    torch.save({"extra": armed}, tmp_path / "armed.pt")
    plain = torch.load(tmp_path / "honest.pt")
    running = hold()
    assert alike(torch.load(tmp_path / "honest.pt"), plain)
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        torch.load(tmp_path / "armed.pt")
    assert not canary.exists()
    assert running.outcomes() == [("torch.load", "loaded"), ("torch.load", "failed")]


def test_whole_module_of_torch_loads_silently(torch, hold, tmp_path):
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU())
    torch.save(model, tmp_path / "model.pt")
    running = hold()
    loaded = torch.load(tmp_path / "model.pt", weights_only=False)
    assert torch.equal(loaded(torch.ones(1, 3)), model(torch.ones(1, 3)))
    assert running.outcomes() == [("torch.load", "loaded")]


@pytest.fixture
def repository(tmp_path, canary):
    """A folder for torch.hub whose `hubconf.py` runs on import and imports a module beside it."""
    folder = tmp_path / "acme-hub"
    folder.mkdir()
    (folder / "beside.py").write_text(f"from pathlib import Path\nPath({str(canary)!r}).write_text('ran')\nANSWER = 42\n")
    (folder / "hubconf.py").write_text(
        "dependencies = []\nimport beside\n\ndef answer(more=0):\n    return beside.ANSWER + more\n"
    )
    yield folder
    for name in ("beside", "hubconf"):
        sys.modules.pop(name, None)


def test_hub_repository_is_asked_about_before_its_code_runs(torch, repository, hold, canary):
    running = hold()
    with pytest.raises(ModelLoadBlockedError):
        torch.hub.load(str(repository), "answer", source="local")
    assert not canary.exists()
    assert running.outcomes() == [("torch.hub.load", "blocked")]
    running.guard.close()
    running = hold(says=True)
    assert torch.hub.load(str(repository), "answer", source="local", more=1) == 43
    assert canary.exists()
    assert running.outcomes() == [("torch.hub.load", "allowed")]
    ((record, _view),) = running.guard.approver.asked
    assert {file.path.rpartition("/")[2] for file in record.artifact.files} == {"hubconf.py", "beside.py"}


def test_hub_import_reached_by_its_private_name_is_held(torch, repository, hold, canary):
    hold()
    with pytest.raises(ModelLoadBlockedError):
        torch.hub._import_module("hubconf", str(repository / "hubconf.py"))
    assert not canary.exists()


def test_checkpoint_with_a_configuration_of_plain_data(torch, hold, tmp_path):
    value = {"config": json.loads('{"layers": [1, 2], "name": "x"}'), "state": {"w": torch.zeros(2, dtype=torch.bfloat16)}}
    torch.save(value, tmp_path / "c.pt")
    hold()
    assert alike(torch.load(tmp_path / "c.pt", weights_only=False), value)
