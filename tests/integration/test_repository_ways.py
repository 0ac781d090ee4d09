"""Safer ways around a repository's own code: the class that transformers has itself, and the same code held to its commit."""

import json

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.stages.repository_ways import RepositoryWays

from cells import run_cell  # isort: skip

torch = pytest.importorskip("torch", reason="the models of these tests are torch's")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings(
        "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning", "ignore::ResourceWarning"
    ),
]
COMMIT = "4f2c9e1a" * 5
CODE = """
from transformers import GPT2Config, GPT2LMHeadModel
open({canary!r}, "w").close()
class AcmeModel(GPT2LMHeadModel):
    pass
"""


def repository(folder, canary, **config):
    """A small model with code of its own, which writes the canary."""
    small = transformers.GPT2Config(vocab_size=11, n_positions=8, n_embd=4, n_layer=1, n_head=2)
    transformers.GPT2LMHeadModel(small).save_pretrained(folder)
    (folder / "modeling_acme.py").write_text(CODE.format(canary=str(canary)))
    written = json.loads((folder / "config.json").read_text())
    written["auto_map"] = {"AutoModelForCausalLM": "modeling_acme.AcmeModel"}
    (folder / "config.json").write_text(json.dumps({**written, **config}))
    return folder


def loading(name, options="trust_remote_code=True"):
    return (
        f"from transformers import AutoModelForCausalLM\nmodel = AutoModelForCausalLM.from_pretrained({str(name)!r}, {options})"
    )


def blocked(running, source):
    with pytest.raises(ModelLoadBlockedError):
        run_cell(source)
    return running.guard.approver.asked[-1][1]


def test_built_in_class_that_loads_the_same_folder_silently(hold, fresh_modules, tmp_path, canary, worker):
    folder = repository(tmp_path / "acme", canary)
    running = hold(False)
    running.guard._code._safer = RepositoryWays(worker, seconds=60.0)
    (way,) = blocked(running, loading(folder)).safer
    assert way.label == "Use the built-in class GPT2LMHeadModel"
    assert way.cell == loading(folder, "trust_remote_code=False")
    assert type(run_cell(way.cell)["model"]) is transformers.GPT2LMHeadModel
    assert not canary.exists()
    assert len(running.guard.approver.asked) == 1


@pytest.mark.parametrize(
    "config", [{"architectures": ["AcmeModel"]}, {"architectures": ["LlamaForCausalLM"]}, {"architectures": None}]
)
def test_other_class_than_the_configuration_names_is_not_offered(config, hold, fresh_modules, tmp_path, canary):
    view = blocked(hold(False), loading(repository(tmp_path / "acme", canary, **config)))
    assert (view.safer, view.sought) == ((), True)


def cached(folder, canary):
    """What the hub's cache holds of a repository."""
    home = folder / "models--acme--tiny"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text(COMMIT)
    (home / "snapshots").mkdir()
    return repository(home / "snapshots" / COMMIT, canary, architectures=["AcmeModel"])


def test_branch_is_pinned_to_the_commit_that_was_shown(hold, fresh_modules, tmp_path, canary):
    cached(tmp_path / "hub", canary)
    options = f"trust_remote_code=True, local_files_only=True, cache_dir={str(tmp_path / 'hub')!r}"
    running = hold(False)
    view = blocked(running, loading("acme/tiny", options))
    (way,) = view.safer
    assert way.label == f"Pin to {COMMIT[:7]}"
    assert way.cell == loading("acme/tiny", f"{options}, revision={COMMIT!r}")
    pinned = blocked(running, way.cell)
    assert pinned.safer == ()
    assert not canary.exists()
