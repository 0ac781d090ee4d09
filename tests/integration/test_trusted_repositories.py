"""Trust in a repository's code through the real transformers: by its full commit id, and by no branch."""

import json
import sys

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.policy.trust import Trust
from jupyter_modelguard.types import Scope

from chooser import Chooser, guard_that_trusts, records  # isort: skip

transformers = pytest.importorskip("transformers", reason="transformers is not installed")

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning", "ignore::ResourceWarning"
)
COMMIT = "4f2c9e1" + "0" * 33
LATER = "a" * 40
SOURCE = """
from transformers import PretrainedConfig
with open({canary!r}, "a") as file: file.write("x")

class AcmeConfig(PretrainedConfig):
    model_type = "acme_trusted"
"""


class Hub:
    """What a hub's cache on disk holds of one repository at one commit."""

    def __init__(self, folder, canary):
        self.folder = folder
        self.canary = canary
        (folder / "models--acme--yolo" / "refs").mkdir(parents=True)
        (folder / "models--acme--yolo" / "refs" / "main").write_text(COMMIT)
        self.write(SOURCE.format(canary=str(canary)))

    def write(self, source, commit=COMMIT, **settings):
        snapshot = self.folder / "models--acme--yolo" / "snapshots" / commit
        snapshot.mkdir(parents=True, exist_ok=True)
        config = {"model_type": "acme_trusted", "auto_map": {"AutoConfig": "configuration_acme.AcmeConfig"}, **settings}
        (snapshot / "config.json").write_text(json.dumps(config))
        (snapshot / "configuration_acme.py").write_text(source)

    def load(self, revision=COMMIT):
        for name in [name for name in sys.modules if name.startswith("transformers_modules.acme")]:
            del sys.modules[name]  # as in the next kernel
        return transformers.AutoConfig.from_pretrained(
            "acme/yolo", revision=revision, cache_dir=self.folder, local_files_only=True, trust_remote_code=True
        )

    def ran(self):
        return len(self.canary.read_text()) if self.canary.exists() else 0


@pytest.fixture
def hub(tmp_path, canary, monkeypatch):
    from transformers import dynamic_module_utils

    modules = tmp_path / "modules"
    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(modules))
    monkeypatch.syspath_prepend(str(modules))
    return Hub(tmp_path / "hub", canary)


@pytest.fixture
def person():
    return Chooser(Scope.COMMIT)


@pytest.fixture
def guarded(person, worker, tmp_path):
    with guard_that_trusts(person, Trust(lambda: tmp_path / "trust"), worker, tmp_path) as made:
        yield made


def test_commit_that_was_trusted_runs_its_code_without_a_question(guarded, person, hub):
    hub.load()
    ran = hub.ran()
    hub.load()
    assert hub.ran() > ran > 0
    (card,) = person.asked
    assert card.title == "Stopped before importing code from acme/yolo@4f2c9e1"
    assert "trust" in {record.decision.transport for record in records(guarded) if record.decision}


def test_branch_is_greyed_and_asked_about_each_time(guarded, person, hub):
    hub.load("main")
    assert person.choice("commit").hint.startswith("It was asked for without a full commit id")
    hub.load("main")
    assert len(person.asked) == 2


def test_forged_cache_of_a_trusted_commit_is_asked_about_before_it_runs(guarded, person, hub):
    hub.load()
    ran = hub.ran()
    hub.write(SOURCE.format(canary=str(hub.canary)) + "\nimport os\n")
    person.scope = None
    with pytest.raises(ModelLoadBlockedError):
        hub.load()
    assert hub.ran() == ran
    assert "1 file changed: configuration_acme.py" in person.fact("Changed")


def test_unchanged_code_that_runs_what_its_configuration_says_is_asked_about_at_another_commit(guarded, person, hub):
    evaluates = SOURCE.format(canary=str(hub.folder / "imported")) + "    def encode(self):\n        return eval(self.formula)\n"
    hub.write(evaluates, formula="2 + 3")
    hub.write(evaluates, LATER, formula=f"open({str(hub.canary)!r}, 'w').write('x')")
    assert hub.load().encode() == 5
    assert hub.load().encode() == 5
    assert len(person.asked) == 1
    person.scope = None
    with pytest.raises(ModelLoadBlockedError):
        hub.load(LATER)
    person.scope = Scope.ONCE
    hub.load(LATER).encode()
    assert hub.ran() == 1  # what would have come of it
