"""Model folders with code of their own, through the real transformers: nothing of them runs before somebody says so."""

import importlib
import sys

import pytest
from acme_model import CANARY, FILES, model_files

from jupyter_modelguard.errors import ModelLoadBlockedError

torch = pytest.importorskip("torch", reason="the models of these tests are torch's")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings(
        "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning", "ignore::ResourceWarning"
    ),
]


class Repository:
    """A folder as a hub repository would be, each of whose files says when it runs."""

    def __init__(self, folder, canaries):
        self.folder = folder
        self.canaries = canaries
        folder.mkdir()
        for name, content in model_files(canaries).items():
            (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    def write(self, name, source):
        (self.folder / name).write_text(CANARY.format(canaries=str(self.canaries)) + source)

    def ran(self):
        return set(self.canaries.read_text().split()) if self.canaries.exists() else set()


@pytest.fixture
def repository(tmp_path, fresh_modules):
    return Repository(tmp_path / "acme-tiny", tmp_path / "canaries")


@pytest.fixture
def planted(repository, tmp_path):
    """A module in the working directory, which is the first place that imports look at."""
    place = tmp_path / "working-directory"
    place.mkdir()
    (place / "acme_extra.py").write_text(CANARY.format(canaries=str(repository.canaries)))
    sys.path.insert(0, str(place))
    yield place
    sys.modules.pop("acme_extra", None)


def load_pipeline(folder):
    # not from the package, which keeps the name it first gave out
    return importlib.import_module("transformers.pipelines").pipeline(
        "feature-extraction", model=str(folder), trust_remote_code=True
    )


LOADS = {
    "transformers.AutoConfig.from_pretrained": lambda folder: transformers.AutoConfig.from_pretrained(
        folder, trust_remote_code=True
    ),
    "transformers.AutoModel.from_pretrained": lambda folder: transformers.AutoModel.from_pretrained(
        folder, trust_remote_code=True
    ),
    "transformers.AutoTokenizer.from_pretrained": lambda folder: transformers.AutoTokenizer.from_pretrained(
        folder, trust_remote_code=True
    ),
    "transformers.pipeline": load_pipeline,
}


@pytest.mark.parametrize("loader", LOADS)
def test_code_of_the_folder_runs_unguarded(loader, repository):
    LOADS[loader](repository.folder)
    assert "configuration_acme" in repository.ran() or "tokenization_acme" in repository.ran()


@pytest.mark.parametrize("loader", LOADS)
def test_nothing_of_the_folder_runs_before_the_decision(loader, repository, hold):
    running = hold()
    with pytest.raises(ModelLoadBlockedError, match="acme-tiny"):
        LOADS[loader](repository.folder)
    assert repository.ran() == set()
    assert running.outcomes() == [(loader, "blocked")]


@pytest.mark.parametrize("loader", LOADS)
def test_approved_folder_works_and_every_file_that_ran_was_shown(loader, repository, hold):
    running = hold(says=True)
    loaded = LOADS[loader](repository.folder)
    model = getattr(loaded, "model", loaded)
    if loader.endswith(("AutoModel.from_pretrained", "pipeline")):
        assert model(torch.ones(1, 5)).item() == 11
    elif "AutoConfig" in loader:
        assert loaded.width == 5
    else:
        assert loaded.tokenize("abc") == ["a", "b", "c"]
    files = [file for record, _ in running.guard.approver.asked for file in record.artifact.files]
    shown = {file.path.rpartition("/")[2].removesuffix(".py") for file in files}
    assert repository.ran()
    assert repository.ran() <= shown
    assert {name for name, _ in running.outcomes()} == {loader}
    assert {outcome for _, outcome in running.outcomes()} <= {"allowed", "loaded"}


def test_one_call_asks_once(repository, hold):
    running = hold(says=True)
    LOADS["transformers.AutoModel.from_pretrained"](repository.folder)
    assert len(running.guard.approver.asked) == 1


def test_planted_module_is_not_imported_to_check_imports(repository, planted, hold, monkeypatch):
    """transformers imports every top-level name that a code file mentions before it runs the file."""
    monkeypatch.chdir(planted)
    repository.write("configuration_acme.py", "import acme_extra\n" + FILES["configuration_acme.py"])
    hold()
    with pytest.raises(ModelLoadBlockedError):
        LOADS["transformers.AutoConfig.from_pretrained"](repository.folder)
    assert repository.ran() == set()
    assert "acme_extra" not in sys.modules


def test_planted_module_that_nobody_was_shown_stays_out_of_an_approved_load(repository, planted, hold):
    repository.write("configuration_acme.py", "import acme_extra\n" + FILES["configuration_acme.py"])
    running = hold(says=True)
    with pytest.raises(ModelLoadBlockedError, match="acme_extra"):
        LOADS["transformers.AutoConfig.from_pretrained"](repository.folder)
    assert "acme_extra" not in repository.ran()
    assert running.outcomes()[-1][1] == "blocked"


@pytest.mark.parametrize("name", ["configuration_acme.py", "sizes.py"])
def test_file_changed_between_decision_and_import_does_not_run(name, repository, hold, monkeypatch):
    running = hold(says=True)
    ask = running.guard.approver.ask

    def ask_slowly(record, view, changed):
        decision = ask(record, view, changed)
        repository.write(
            name, FILES[name] + f"\nwith open({str(repository.canaries)!r}, 'a') as file: print('changed', file=file)\n"
        )
        return decision

    monkeypatch.setattr(running.guard.approver, "ask", ask_slowly)
    with pytest.raises(ModelLoadBlockedError, match=name):
        LOADS["transformers.AutoConfig.from_pretrained"](repository.folder)
    assert "changed" not in repository.ran()


def test_copy_of_an_earlier_version_in_the_cache_is_asked_about_again(repository, fresh_modules, hold):
    running = hold(says=True)
    LOADS["transformers.AutoConfig.from_pretrained"](repository.folder)
    fresh_modules()
    repository.write("sizes.py", "WIDTH = 7\n")
    assert LOADS["transformers.AutoConfig.from_pretrained"](repository.folder).width == 7
    first, second = ({file.digest for file in record.artifact.files} for record, _ in running.guard.approver.asked)
    assert first != second


def test_transformers_own_refusal_stays_its_own(repository, hold):
    running = hold()
    with pytest.raises(ValueError, match="trust_remote_code"):
        transformers.AutoConfig.from_pretrained(repository.folder, trust_remote_code=False)
    assert repository.ran() == set()
    assert running.outcomes() == [("transformers.AutoConfig.from_pretrained", "failed")]


def test_native_class_without_code_passes_silently(hold, tmp_path):
    config = transformers.BertConfig(vocab_size=8, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8)
    transformers.BertModel(config).save_pretrained(tmp_path / "bert")
    running = hold()
    assert transformers.AutoConfig.from_pretrained(tmp_path / "bert").hidden_size == 8
    assert transformers.AutoModel.from_pretrained(tmp_path / "bert").config.vocab_size == 8
    assert [outcome for _, outcome in running.outcomes()] == ["loaded", "loaded"]


def test_pickled_weights_inside_a_model_folder_are_held_in_the_name_of_the_call(hold, tmp_path, armed, canary):
    config = transformers.BertConfig(vocab_size=8, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8)
    folder = tmp_path / "bert"
    config.save_pretrained(folder)
    torch.save({"extra": armed}, folder / "pytorch_model.bin")
    running = hold()
    with pytest.raises(Exception):  # noqa: B017, PT011 torch's own refusal of pickles, in transformers' words
        transformers.AutoModel.from_pretrained(folder)
    assert not canary.exists()
    assert running.outcomes()[-1][1] in {"failed", "blocked"}
