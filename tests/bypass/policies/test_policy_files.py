"""A policy file counts where it lies, as it was written, and by whoever may write there."""

import pickle

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.types import Scope

from assembly import call, stream  # isort: skip
from chooser import Chooser, records  # isort: skip
from rulebooks import allows, blocked, digest, load  # isort: skip

ASKS = '[[rule]]\naction = "ask"\nreason = "Always."\n'
FORBIDS = '[[rule]]\naction = "forbid"\nname = "no pickles"\nformat = "pickle"\nreason = "Use safetensors."\n'


# -- what is broken --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[rule]\n", ":1: "),
        ('\n\n[[rule]]\nactoin = "forbid"\n', ":3: a rule has no 'actoin'"),
        ('[[rules]]\naction = "forbid"\n', ":1: 'rules' is not known"),
        (b"\n\xff\n", ":2: this is no UTF-8"),
        ('[[rule]]\naction = "forbid"\nsigner = "ada"\n', ":1: a signer is a public key"),
        ('[[rule]]\naction = "forbid"\nformat = "pikle"\n', ":1: there is no format 'pikle'"),
        ('[[rule]]\naction = "forbid"\nsource = "models/*"\n', ":1: no load comes from 'models/*'"),
    ],
)
def test_broken_policy_is_no_missing_one(desk, unknown, proved, caplog, text, said):
    desk.user.write_text(allows(digest=digest(unknown)))
    desk.system.write_bytes(text if isinstance(text, bytes) else text.encode())
    person = Chooser(Scope.ONCE)
    with desk.guarding(person):
        load(proved)
        load(unknown)
    assert len(person.asked) == 2
    assert person.fact("Policy").startswith(f"asks each time · the policy cannot be read ({desk.system}:")
    assert f"{desk.system}{said}" in caplog.text
    with desk.guarding():
        blocked(proved)
        blocked(unknown)


def test_link_or_folder_in_place_of_a_policy_asks(desk, proved, tmp_path):
    real = tmp_path / "real.toml"
    real.write_text("")
    desk.system.symlink_to(real)
    with desk.guarding():
        blocked(proved)
    desk.system.unlink()
    with desk.guarding():
        load(proved)
    desk.system.mkdir()
    with desk.guarding():
        blocked(proved)


def test_broken_file_of_other_tools_is_none_of_ours(desk, proved):
    (desk.project / "pyproject.toml").write_text("[tool.ruff\n")
    with desk.guarding():
        load(proved)
    (desk.project / "pyproject.toml").write_text('[[tool.modelguard.rule]]\naction = "forbid"\n[tool.ruff\n')
    with desk.guarding():
        blocked(proved)


# -- locked ----------------------------------------------------------------------------------------------------------------------


def test_locked_policy_ends_allowing_by_others_and_keeps_the_guard(desk, unknown, canary):
    from jupyter_modelguard.errors import UnloadRefusedError

    desk.user.write_text(allows(digest=digest(unknown)))
    desk.system.write_text("locked = true\n")
    with desk.guarding() as made:
        blocked(unknown)
        with pytest.raises(UnloadRefusedError, match="locked"):
            made.close()
        blocked(unknown)
        assert not canary.exists()
        desk.elsewhere = "Others may write to it."
        load(unknown)
    assert canary.exists()


def test_nobody_but_an_administrator_locks(desk, unknown, canary):
    desk.user.write_text(f"locked = true\n{allows(digest=digest(unknown))}")
    desk.policy.write_text("locked = true\n")
    with desk.guarding() as made:
        load(unknown)
        assert not made.locked
    assert canary.exists()


# -- the environment -------------------------------------------------------------------------------------------------------------


def test_no_variable_moves_a_policy_or_brings_one_that_allows(desk, unknown, canary, tmp_path, monkeypatch):
    forged = tmp_path / "forged"
    for path in (forged, forged / "modelguard", forged / "jupyter-modelguard", forged / "etc" / "modelguard"):
        path.mkdir(parents=True, exist_ok=True)
        (path / "policy.toml").write_text(allows(digest=digest(unknown)))
    for name in (
        "HOME",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "MODELGUARD_HOME",
        "MODELGUARD_POLICY",
        "VIRTUAL_ENV",
        "CONDA_PREFIX",
    ):
        monkeypatch.setenv(name, str(forged))
    monkeypatch.chdir(forged)
    with desk.guarding():
        blocked(unknown)
        desk.user.write_text(FORBIDS)
        assert "no pickles" in blocked(unknown)
    assert not canary.exists()


@pytest.mark.parametrize("word", ["deny", "lock", "allow"])
def test_no_word_of_the_environment_lifts_what_is_forbidden(desk, unknown, monkeypatch, word):
    desk.system.write_text(FORBIDS)
    monkeypatch.setenv("MODELGUARD_HEADLESS", word)
    with desk.guarding(Chooser(Scope.ONCE)):
        assert "no pickles" in blocked(unknown)


def test_changing_the_folder_changes_no_policy(desk, unknown, tmp_path, monkeypatch):
    desk.policy.write_text(FORBIDS)
    with desk.guarding(Chooser(Scope.ONCE)):
        monkeypatch.chdir(tmp_path)
        assert "no pickles" in blocked(unknown)


# -- other names of the same file ------------------------------------------------------------------------------------------------


def test_forbidden_file_is_forbidden_by_every_name_of_it(desk, unknown, tmp_path, canary):
    link = tmp_path / "link.pkl"
    link.symlink_to(unknown)
    desk.system.write_text(f'[[rule]]\naction = "forbid"\nname = "here"\nsource = "{unknown.parent}/**"\n')
    with desk.guarding(Chooser(Scope.ONCE)):
        assert "here" in blocked(link)
        assert "here" in blocked(f"{unknown.parent}/../{unknown.parent.name}/model.pkl")
    assert not canary.exists()


def test_copy_in_the_cache_of_the_hub_is_forbidden_by_its_repository(desk, unknown, tmp_path, canary):
    snapshot = tmp_path / "hub" / "models--acme--yolo" / "snapshots" / ("4f" * 20)
    snapshot.mkdir(parents=True)
    copy = snapshot / "model.pkl"
    copy.write_bytes(unknown.read_bytes())
    desk.system.write_text('[[rule]]\naction = "forbid"\nname = "acme"\nsource = "hf:Acme/*"\n')
    with desk.guarding(Chooser(Scope.ONCE)):
        assert "acme" in blocked(copy)
    assert not canary.exists()


def test_forbidden_bytes_are_forbidden_wherever_they_lie(desk, unknown, tmp_path, canary):
    desk.system.write_text(f'[[rule]]\naction = "forbid"\nname = "known bad"\ndigest = "{digest(unknown)}"\n')
    copy = tmp_path / "copy.bin"
    copy.write_bytes(unknown.read_bytes())
    with desk.guarding(Chooser(Scope.ONCE)):
        assert "known bad" in blocked(copy)
        with pytest.raises(ModelLoadBlockedError, match="known bad"):
            pickle.loads(unknown.read_bytes())
    assert not canary.exists()


def test_rule_about_a_level_is_about_graver_ones_too(desk, tmp_path, canary):
    path = tmp_path / "armed.pkl"
    path.write_bytes(stream(call("os:system", f"touch {canary}")))
    desk.system.write_text('[[rule]]\naction = "forbid"\nname = "no code"\nlevel = "runs_code"\n')
    with desk.guarding(Chooser(Scope.ONCE)):
        assert "no code" in blocked(path)
    assert not canary.exists()


def test_fault_of_ours_asks(desk, proved, monkeypatch, caplog):
    from jupyter_modelguard.policy import policy

    def broken(*_):
        raise RuntimeError("a fault")

    desk.system.write_text(FORBIDS)
    monkeypatch.setattr(policy, "matches", broken)
    with desk.guarding():
        blocked(proved)
    assert "a fault" in caplog.text


def test_answer_after_a_failed_load_is_kept_for_as_long_as_it_said(desk, unknown, monkeypatch):
    """Such an answer comes among the earlier decisions, and is a person's like one on a card."""
    from jupyter_modelguard.types import Decision

    person = Chooser(None)
    answer = Decision(allow=True, by="ada", transport="prompt", reason="I read the code", scope=Scope.DIGEST, at=1.0)
    with desk.guarding(person) as made:
        blocked(unknown)
        monkeypatch.setattr(person, "prior", lambda _record: answer)
        load(unknown)
        monkeypatch.setattr(person, "prior", lambda _record: None)
        load(unknown)
        assert records(made)[0].decision.transport == "trust"
    assert len(person.asked) == 1
