"""Repositories with code of their own, from a hub through the real libraries: one question, and then exactly those bytes."""

import importlib
import json

import pytest
from acme_model import CANARY, CONFIG, FILES, model_files

from jupyter_modelguard.errors import ModelLoadBlockedError

torch = pytest.importorskip("torch", reason="the models of these tests are torch's")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings(
        "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning", "ignore::ResourceWarning"
    ),
]
NAME = "acme/tiny"
PROCESSOR = """
from transformers import ProcessorMixin
from .sizes import WIDTH

class AcmeProcessor:
    width = WIDTH
    @classmethod
    def from_pretrained(cls, *_, **__):
        return cls()
    @classmethod
    def register_for_auto_class(cls, *_, **__):
        pass
"""
GENERATE = "def generate(model, *arguments, **options):\n    return 'generated here'\n"


def pipeline(**options):
    # not from the package, which keeps the name it first gave out
    return importlib.import_module("transformers.pipelines").pipeline("feature-extraction", model=NAME, **options)


CODE = {"trust_remote_code": True}
LOADS = {
    "transformers.AutoConfig.from_pretrained": lambda **options: transformers.AutoConfig.from_pretrained(NAME, **CODE, **options),
    "transformers.AutoModel.from_pretrained": lambda **options: transformers.AutoModel.from_pretrained(NAME, **CODE, **options),
    "transformers.AutoTokenizer.from_pretrained": lambda **options: transformers.AutoTokenizer.from_pretrained(
        NAME, **CODE, **options
    ),
    "transformers.AutoProcessor.from_pretrained": lambda **options: transformers.AutoProcessor.from_pretrained(
        NAME, **CODE, **options
    ),
    "transformers.pipeline": lambda **options: pipeline(**CODE, **options),
}


@pytest.fixture
def canaries(tmp_path):
    return tmp_path / "canaries"


@pytest.fixture
def ran(canaries):
    return lambda: set(canaries.read_text().split()) if canaries.exists() else set()


def with_canary(canaries, source):
    return CANARY.format(canaries=str(canaries)) + source


@pytest.fixture
def model(hub, canaries):
    """A model with code for each of the classes; the commit of its files."""
    processor = {"processor_class": "AcmeProcessor", "auto_map": {"AutoProcessor": "processing_acme.AcmeProcessor"}}
    files = {"processing_acme.py": with_canary(canaries, PROCESSOR), "processor_config.json": json.dumps(processor)}
    return hub.commit(NAME, {**model_files(canaries), **files})


def asked(running):
    return [record for record, _ in running.guard.approver.asked]


def paths(record):
    return {file.path for file in record.artifact.files}


@pytest.mark.parametrize("loader", LOADS)
def test_code_runs_unguarded(loader, model, ran):
    LOADS[loader]()
    assert ran()


@pytest.mark.parametrize("loader", LOADS)
def test_nothing_runs_before_the_decision(loader, model, hold, ran):
    running = hold(False)
    with pytest.raises(ModelLoadBlockedError):
        LOADS[loader]()
    assert ran() == set()
    assert running.outcomes() == [(loader, "blocked")]


@pytest.mark.parametrize("loader", LOADS)
def test_one_question_names_all_that_runs(loader, model, hold, ran):
    running = hold(True)
    LOADS[loader]()
    (record,) = asked(running)
    assert ran()
    assert ran() <= {path.removesuffix(".py") for path in paths(record)}
    assert record.request.loader == loader


@pytest.mark.parametrize(
    ("options", "named"),
    [({}, False), ({"revision": "main"}, False), ({"revision": "commit"}, True)],
    ids=["none", "branch", "commit"],
)
def test_only_a_full_commit_pins_what_was_shown(options, named, model, hold):
    running = hold(True)
    LOADS["transformers.AutoConfig.from_pretrained"](
        **{name: model if value == "commit" else value for name, value in options.items()}
    )
    (record,) = asked(running)
    assert record.artifact.source == (f"hf:{NAME}@{model}" if named else f"hf:{NAME}")


def elsewhere(hub, canaries):
    """A repository whose classes all lie in another one; the commit of that."""
    mapped = {"AutoConfig": "other/code--configuration_acme.AcmeConfig", "AutoModel": "other/code--modeling_acme.AcmeModel"}
    code = {name: with_canary(canaries, source) for name, source in FILES.items()}
    hub.commit(NAME, {**model_files(canaries, ()), "config.json": json.dumps({**CONFIG, "auto_map": mapped})})
    return hub.commit("other/code", code)


def test_code_of_another_repository_is_part_of_the_one_question(hub, canaries, hold, ran):
    elsewhere(hub, canaries)
    running = hold(True)
    LOADS["transformers.AutoModel.from_pretrained"]()
    (record,) = asked(running)
    assert {"other/code/configuration_acme.py", "other/code/modeling_acme.py", "other/code/dense.py"} <= paths(record)
    assert "modeling_acme" in ran()
    (found,) = [one for one in record.report.findings if one.rule == "remote-code-elsewhere"]
    assert found.title.endswith("other/code, as its default branch is at the moment: no commit is named")


def test_code_of_another_repository_is_named_with_the_commit_that_the_call_pins_it_to(hub, canaries, hold):
    commit = elsewhere(hub, canaries)
    running = hold(True)
    LOADS["transformers.AutoModel.from_pretrained"](code_revision=commit)
    (record,) = asked(running)
    assert {file.origin for file in record.artifact.files} == {f"hf:other/code@{commit}"}


def test_other_repository_that_changes_after_the_question_runs_nothing_of_it(hub, canaries, hold, ran):
    elsewhere(hub, canaries)
    running = hold(True)
    ask = running.guard.approver.ask

    def ask_slowly(record, view, changed):
        decision = ask(record, view, changed)
        hub.commit("other/code", {"dense.py": with_canary(canaries, f"print('{'x' * 90}')\n" + FILES["dense.py"])})
        running.guard.approver.says = False
        return decision

    running.guard.approver.ask = ask_slowly
    with pytest.raises(ModelLoadBlockedError):
        LOADS["transformers.AutoModel.from_pretrained"](force_download=True)
    assert "dense" not in ran()


def test_code_in_the_cache_of_modules_that_somebody_changed_does_not_run(model, hold, ran, fresh_modules, tmp_path):
    running = hold(True)
    LOADS["transformers.AutoModel.from_pretrained"]()
    (copy,) = (tmp_path / "modules").rglob("dense.py")
    copy.write_text(copy.read_text().replace("as file: print(", "as file: print('planted', "))
    fresh_modules()
    with pytest.raises(ModelLoadBlockedError, match="dense"):
        LOADS["transformers.AutoModel.from_pretrained"]()
    assert "planted" not in ran()
    assert running.outcomes()[-1][1] == "blocked"


def test_repository_of_numbers_costs_the_hub_no_request_more(hub, hold, tmp_path):
    config = transformers.BertConfig(vocab_size=8, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8)
    transformers.BertModel(config).save_pretrained(tmp_path / "bert")
    files = {path.name: path.read_bytes() for path in (tmp_path / "bert").iterdir()}
    for name in ("acme/plain", "acme/guarded"):
        hub.commit(name, files)
    transformers.AutoModel.from_pretrained("acme/plain")
    plain = [line.replace("plain", "guarded") for line in hub.asked]
    del hub.asked[:]
    running = hold(False)
    transformers.AutoModel.from_pretrained("acme/guarded")
    without_commit = [[word for word in line.split("/") if len(word) != 40] for line in hub.asked]
    assert without_commit == [[word for word in line.split("/") if len(word) != 40] for line in plain]
    assert {outcome for _, outcome in running.outcomes()} == {"loaded"}


def test_card_asks_in_place_of_transformers(model, hold, ran, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("transformers asked too"))
    running = hold(True)
    assert transformers.AutoConfig.from_pretrained(NAME).width == 5
    assert len(asked(running)) == 1
    running.guard.close()


def test_what_the_call_forbids_stays_forbidden(model, hold, ran):
    running = hold(True)
    with pytest.raises(ValueError, match="trust_remote_code"):
        transformers.AutoConfig.from_pretrained(NAME, trust_remote_code=False)
    assert (asked(running), ran()) == ([], set())


def generating(hub, canaries):
    small = transformers.GPT2Config(vocab_size=11, n_positions=8, n_embd=4, n_layer=1, n_head=2)
    hub.commit(
        "acme/writer",
        {"config.json": small.to_json_string(), "custom_generate/generate.py": with_canary(canaries, GENERATE), "README.md": ""},
    )
    return transformers.GPT2LMHeadModel(small)


def test_way_to_generate_of_a_repository_is_asked_about(hub, canaries, hold, ran):
    model = generating(hub, canaries)
    inputs = torch.ones(1, 2, dtype=torch.long)
    running = hold(False)
    with pytest.raises(ModelLoadBlockedError):
        model.generate(inputs, custom_generate="acme/writer", trust_remote_code=True)
    assert ran() == set()
    running.guard.approver.says = True
    assert model.generate(inputs, custom_generate="acme/writer", trust_remote_code=True) == "generated here"
    assert ran() == {"generate"}
    assert paths(asked(running)[-1]) == {"custom_generate/generate.py"}
