"""Ways to have code run that no card showed: names that lead elsewhere, caches that somebody else wrote, and bytes that come late."""

import contextlib
import importlib.util
import json
import py_compile
import sys

import pytest
from acme_model import CONFIG, FILES, model_files

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


class Stage:
    """A hub, a folder and a canary for one trick."""

    def __init__(self, hub, folder, modules):
        self.hub = hub
        self.folder = folder
        self.modules = modules
        self.canary = folder / "canary"
        self.evil = f"open({str(self.canary)!r}, 'w').close()\n"
        self.files = model_files(folder / "shown")
        self.late = lambda: None  # what happens while the person reads

    def local(self, files):
        place = self.folder / "acme-local"
        place.mkdir()
        for name, content in files.items():
            (place / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return place


def load(name, **options):
    return transformers.AutoConfig.from_pretrained(name, trust_remote_code=True, **options)


def link_that_leads_out_of_the_folder(stage):
    (stage.folder / "outside.py").write_text(stage.evil + FILES["sizes.py"])
    place = stage.local({name: content for name, content in stage.files.items() if name != "sizes.py"})
    (place / "sizes.py").symlink_to(stage.folder / "outside.py")
    return lambda: load(place)


def other_code_on_a_pull_request(stage):
    stage.hub.commit(NAME, stage.files)
    stage.hub.commit(NAME, {**stage.files, "sizes.py": stage.evil + FILES["sizes.py"]}, branch="refs/pr/1")
    return lambda: load(NAME, revision="refs/pr/1")


def module_named_inside_a_part_of_the_configuration(stage):
    part = {"model_type": "acme", "auto_map": {"AutoConfig": "part.AcmeConfig"}}
    source = stage.evil + FILES["configuration_acme.py"]
    inner = "from transformers.dynamic_module_utils import get_class_from_dynamic_module as get"
    outer = FILES["configuration_acme.py"].replace(
        "        self.width", f"        {inner}\n        get('part.AcmeConfig', {NAME!r})\n        self.width"
    )
    config = {**CONFIG, "text_config": part}
    stage.hub.commit(NAME, {**stage.files, "config.json": json.dumps(config), "part.py": source, "configuration_acme.py": outer})
    return lambda: load(NAME)


def package_of_the_cache_that_was_there_before(stage):
    stage.hub.commit(NAME, stage.files)
    (stage.modules / "transformers_modules").mkdir(parents=True)
    (stage.modules / "transformers_modules" / "__init__.py").write_text(stage.evil)
    return lambda: load(NAME)


def bytecode_of_the_cache_that_was_there_before(stage):
    commit = stage.hub.commit(NAME, stage.files)
    place = stage.modules / "transformers_modules" / "acme" / "tiny" / f"_{commit}"
    for name in (place, stage.modules / "transformers_modules" / "acme" / "tiny" / commit):
        name.mkdir(parents=True)
        source = name / "sizes.py"
        source.write_text(stage.files["sizes.py"])
        evil = stage.folder / "sizes.py"
        evil.write_text(stage.evil + FILES["sizes.py"])
        cached = importlib.util.cache_from_source(str(source))
        py_compile.compile(
            str(evil), cfile=cached, dfile=str(source), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
        )
    return lambda: load(NAME)


def module_that_the_code_finds_by_itself(stage):
    place = stage.local(stage.files)
    (place / "unseen").mkdir()
    (place / "unseen" / "hidden_acme.py").write_text(stage.evil)
    (place / "sizes.py").write_text(
        f"import sys, importlib\nsys.path.insert(0, {str(place / 'unseen')!r})\nimportlib.import_module('hidden_' + 'acme')\nWIDTH = 5\n"
    )
    return lambda: load(place)


def hub_that_serves_other_bytes_after_the_question(stage):
    commit = stage.hub.commit(NAME, stage.files)
    served = stage.hub.repositories[NAME].commits[commit]
    stage.late = lambda: served.update({"sizes.py": (stage.evil + FILES["sizes.py"]).encode()})
    return lambda: load(NAME, force_download=True)


def references_that_are_none(stage):
    config = {
        **CONFIG,
        "auto_map": {"AutoConfig": "configuration_acme.AcmeConfig", "AutoModel": ["a--b--c.D", None, 7, "x", {"y": "--.Z"}]},
    }
    stage.hub.commit(NAME, {**stage.files, "config.json": json.dumps(config), "sizes.py": stage.evil + FILES["sizes.py"]})
    return lambda: load(NAME)


SHOWN = (  # a person sees them, and can say no
    link_that_leads_out_of_the_folder,
    other_code_on_a_pull_request,
    module_named_inside_a_part_of_the_configuration,
    references_that_are_none,
)
HIDDEN = (  # nobody could have seen them
    package_of_the_cache_that_was_there_before,
    bytecode_of_the_cache_that_was_there_before,
    module_that_the_code_finds_by_itself,
    hub_that_serves_other_bytes_after_the_question,
)


@pytest.fixture
def stage(hub, tmp_path):
    yield Stage(hub, tmp_path, tmp_path / "modules")
    sys.modules.pop("hidden_acme", None)


@pytest.mark.parametrize("trick", [*SHOWN, *HIDDEN], ids=lambda trick: trick.__name__)
def test_trick_works_unguarded(trick, stage):
    act = trick(stage)
    stage.late()
    act()
    assert stage.canary.exists()


@pytest.mark.parametrize("trick", [*SHOWN, *HIDDEN], ids=lambda trick: trick.__name__)
def test_nothing_of_it_runs_before_the_decision(trick, stage, hold):
    act = trick(stage)
    hold(False)
    with pytest.raises(ModelLoadBlockedError):
        act()
    assert not stage.canary.exists()


@pytest.mark.parametrize("trick", SHOWN, ids=lambda trick: trick.__name__)
def test_what_is_approved_was_shown(trick, stage, hold):
    act = trick(stage)
    running = hold(True)
    act()
    shown = [file.content for record, _ in running.guard.approver.asked for file in record.artifact.files]
    assert any(stage.evil.encode() in content for content in shown)
    assert stage.canary.exists()


@pytest.mark.parametrize("trick", HIDDEN, ids=lambda trick: trick.__name__)
def test_what_was_not_shown_does_not_run_after_an_approval(trick, stage, hold):
    act = trick(stage)
    running = hold(True)
    ask = running.guard.approver.ask

    def ask_slowly(record, view, changed):
        stage.late()
        return ask(record, view, changed)

    running.guard.approver.ask = ask_slowly
    with contextlib.suppress(ModelLoadBlockedError):
        act()
    assert not stage.canary.exists()
    assert running.guard.approver.asked


def test_call_that_was_bound_before_the_guard_asks_once_and_runs_what_it_showed(stage, hold):
    early = transformers.AutoConfig.from_pretrained
    stage.hub.commit(NAME, stage.files)
    running = hold(True)
    assert early(NAME, trust_remote_code=True).width == 5
    assert len(running.guard.approver.asked) == 1


def test_file_that_changes_after_the_question_of_a_call_that_was_bound_before_is_asked_about_again(stage, hold, monkeypatch):
    early = transformers.AutoConfig.from_pretrained
    stage.hub.commit(NAME, stage.files)
    running = hold(True)
    library = sys.modules["transformers.dynamic_module_utils"]
    run = library.get_class_in_module

    def run_later(*args, **options):
        for copy in stage.modules.rglob("sizes.py"):
            copy.write_text(stage.evil + FILES["sizes.py"])
        running.guard.approver.says = False
        return run(*args, **options)

    monkeypatch.setattr(library, "get_class_in_module", run_later)
    with pytest.raises(ModelLoadBlockedError):
        early(NAME, trust_remote_code=True)
    assert not stage.canary.exists()
    assert [file.path for file in running.guard.approver.asked[-1][0].artifact.files] == ["sizes.py"]


def test_file_that_pinned_code_takes_from_the_branch_is_not_said_to_be_of_the_commit(stage, hold):
    again = f"        import transformers\n        transformers.AutoTokenizer.from_pretrained({NAME!r}, trust_remote_code=True)\n"
    inner = FILES["configuration_acme.py"].replace("        self.width", f"{again}        self.width")
    pinned = stage.hub.commit(NAME, {**stage.files, "configuration_acme.py": inner})
    moved = {
        "tokenization_acme.py": stage.evil + FILES["tokenization_acme.py"],
        "configuration_acme.py": FILES["configuration_acme.py"],
    }
    stage.hub.commit(NAME, moved)
    running = hold(True)
    load(NAME, revision=pinned)
    assert stage.canary.exists()
    files = {file.digest: file for record, _ in running.guard.approver.asked for file in record.artifact.files}
    (late,) = (file for file in files.values() if stage.evil.encode() in file.content)
    assert (late.path, late.origin) == (f"{NAME}/tokenization_acme.py", f"hf:{NAME}")
    said = [one.title for one in running.guard.approver.asked[-1][0].report.findings if one.rule == "remote-code-elsewhere"]
    assert any(
        title.endswith(f"another version of {NAME}, as its default branch is at the moment: no commit is named") for title in said
    )
