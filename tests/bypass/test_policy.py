"""Policy files forbid what they forbid, whoever tries to talk them out of it."""

import datetime as dt
import hashlib
import io
import os
import pickle

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.types import Outcome, RiskLevel, Scope

from assembly import call, stream  # isort: skip
from chooser import Chooser, records  # isort: skip
from rulebooks import Desk, load  # isort: skip

ASKS = '[[rule]]\naction = "ask"\nreason = "Always."\n'
FORBIDS = '[[rule]]\naction = "forbid"\nname = "no pickles"\nformat = "pickle"\nreason = "Use safetensors."\n'


@pytest.fixture
def desk(tmp_path, worker, monkeypatch):
    monkeypatch.delenv("MODELGUARD_HEADLESS", raising=False)
    return Desk(tmp_path, worker, monkeypatch)


@pytest.fixture
def unknown(tmp_path, canary):
    """A file whose load opens the canary with a function that nothing vouches for."""
    path = tmp_path / "models" / "model.pkl"
    path.parent.mkdir()
    path.write_bytes(stream(call("logging.handlers:WatchedFileHandler", str(canary))))
    return path


@pytest.fixture
def proved(tmp_path):
    """A file that loads silently, once it was looked at."""
    np = pytest.importorskip("numpy", reason="the array is numpy's")
    path = tmp_path / "array.pkl"
    path.write_bytes(pickle.dumps(np.arange(3.0)))
    return path


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def allows(**fields):
    lines = [f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {value}" for name, value in fields.items()]
    return "\n".join(["[[rule]]", 'action = "allow"', 'reason = "Reviewed."', *lines]) + "\n"


def blocked(path):
    with pytest.raises(ModelLoadBlockedError) as caught:
        load(path)
    return str(caught.value)


def test_canary_is_written_where_nothing_forbids_it(desk, unknown, canary):
    with desk.guarding(Chooser(Scope.ONCE)):
        load(unknown)
    assert canary.exists()


@pytest.mark.parametrize("place", ["system", "policy", "user"])
def test_forbidden_is_forbidden_whoever_says_so_and_whatever_a_person_answers(desk, unknown, canary, place):
    getattr(desk, place).write_text(FORBIDS)
    person = Chooser(Scope.ONCE)
    with desk.guarding(person) as made:
        said = blocked(unknown)
        line = records(made)[0]
    assert f"Blocked by policy: no pickles ({getattr(desk, place)}:1): Use safetensors." in said
    assert (line.level, line.outcome, line.decision.transport) == (RiskLevel.FORBIDDEN, Outcome.BLOCKED, "policy")
    assert not canary.exists()
    assert not person.asked[0].scopes


def test_project_policy_in_pyproject_and_in_a_folder_above(desk, unknown, canary):
    (desk.project / "pyproject.toml").write_text(
        '[project]\nname = "x"\n\n[[tool.modelguard.rule]]\naction = "forbid"\nlevel = "runs_code"\n'
    )
    desk.project = desk.project / "notebooks"
    desk.project.mkdir()
    with desk.guarding(Chooser(Scope.ONCE)):
        assert "pyproject.toml:4" in blocked(unknown)
    assert not canary.exists()


def test_proved_load_is_forbidden_too(desk, proved):
    desk.system.write_text(FORBIDS)
    with desk.guarding():
        assert "no pickles" in blocked(proved)


def test_most_restrictive_rule_wins_wherever_it_stands(desk, unknown, canary):
    desk.system.write_text(allows(digest=digest(unknown)))
    desk.user.write_text(FORBIDS)
    with desk.guarding():
        assert "no pickles" in blocked(unknown)
    desk.user.write_text(ASKS)
    with desk.guarding():
        said = blocked(unknown)
    assert "Nobody could be asked" in said
    assert f"Policy: asks each time · every load ({desk.user}:1)" in said
    assert "[[entry]]" not in said  # no lock file goes before a rule that asks
    desk.user.unlink()
    with desk.guarding():
        load(unknown)
    assert canary.exists()


def test_rule_that_asks_asks_about_what_is_proved_and_what_is_trusted(desk, unknown, proved):
    person = Chooser(Scope.DIGEST)
    with desk.guarding(person):
        load(unknown)
        load(unknown)
        assert len(person.asked) == 1
        desk.system.write_text(ASKS)
        load(unknown)
        load(unknown)
        assert len(person.asked) == 3
        assert person.offered() == ["once"]
        assert person.fact("Policy") == f"asks each time · every load ({desk.system}:1) · Always."
        load(proved)
        assert len(person.asked) == 4


def test_changed_file_is_read_again(desk, unknown):
    with desk.guarding(Chooser(Scope.ONCE)):
        load(unknown)
        desk.system.write_text(FORBIDS)
        blocked(unknown)
        state = desk.system.stat()
        desk.system.write_text(FORBIDS.replace("no pickles", "NO PICKLES"))
        os.utime(desk.system, ns=(state.st_atime_ns, state.st_mtime_ns))  # same size, same time
        assert "NO PICKLES" in blocked(unknown)


# -- what allows -----------------------------------------------------------------------------------------------------------------


def test_allowed_digest_loads_where_nobody_can_be_asked_and_says_by_which_rule(desk, unknown, canary):
    desk.system.write_text(allows(digest=digest(unknown), name="our model"))
    with desk.guarding() as made:
        load(unknown)
        line = records(made)[0]
    assert canary.exists()
    assert (line.decision.transport, line.decision.by) == ("policy", "policy our model")
    assert line.decision.reason == f"Reviewed. · {desk.system}:1"


def test_changed_file_under_an_allowed_digest_is_stopped(desk, unknown, canary, tmp_path):
    desk.system.write_text(allows(digest=digest(unknown)))
    unknown.write_bytes(unknown.read_bytes() + b"beyond the end")
    with desk.guarding():
        assert "Nobody could be asked" in blocked(unknown)
    assert not canary.exists()


def test_changed_file_under_an_allowed_path_is_stopped_where_others_can_write(desk, unknown, canary):
    desk.system.write_text(allows(source=f"{unknown.parent}/*"))
    with desk.guarding():
        load(unknown)  # in the hands of an administrator, as far as this test's guard knows
    assert canary.exists()
    canary.unlink()
    with desk.guarding() as made:
        made.rulebook.policy._administrator = lambda path: "Others may write to it." if path == unknown else ""
        assert "Nobody could be asked" in blocked(unknown)
    assert not canary.exists()


def test_file_object_that_claims_an_allowed_path_is_stopped(desk, unknown, canary, tmp_path):
    honest = tmp_path / "allowed" / "honest.pkl"
    honest.parent.mkdir()
    honest.write_bytes(pickle.dumps(1))
    desk.system.write_text(allows(source=f"{honest.parent}/*"))

    class Lying(io.BytesIO):
        name = str(honest)

    with desk.guarding(), pytest.raises(ModelLoadBlockedError):
        pickle.load(Lying(unknown.read_bytes()))
    assert not canary.exists()


def test_link_under_an_allowed_path_is_stopped(desk, unknown, canary, tmp_path):
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    (allowed / "model.pkl").symlink_to(unknown)
    desk.system.write_text(allows(source=f"{allowed}/*"))
    with desk.guarding():
        blocked(allowed / "model.pkl")
    assert not canary.exists()


def test_no_rule_allows_what_runs_a_command(desk, tmp_path, canary):
    path = tmp_path / "armed.pkl"
    path.write_bytes(stream(call("os:system", f"touch {canary}")))
    desk.system.write_text(allows(digest=digest(path)) + allows(source=f"{tmp_path}/**"))
    with desk.guarding():
        blocked(path)
    assert not canary.exists()


def test_what_a_rule_allows_may_read_nothing_beside_its_bytes(desk, tmp_path):
    side = tmp_path / "side.txt"
    side.write_text("first")
    path = tmp_path / "model.pkl"
    path.write_bytes(stream(call("tokenize:open", str(side))))
    desk.system.write_text(allows(digest=digest(path)))
    with desk.guarding():
        assert "reached for the file" in blocked(path)


@pytest.mark.parametrize("place", ["policy", "pyproject"])
def test_project_that_allows_itself_is_stopped_until_it_is_accepted(desk, unknown, canary, place):
    text = allows(digest=digest(unknown))
    if place == "pyproject":
        desk.policy = desk.project / "pyproject.toml"
        text = text.replace("[[rule]]", "[[tool.modelguard.rule]]")
    desk.policy.write_text(text)
    with desk.guarding():
        blocked(unknown)
    assert not canary.exists()
    desk.accept(desk.policy)
    with desk.guarding():
        load(unknown)
    assert canary.exists()
    canary.unlink()
    desk.policy.write_text(f"{text}# one more line\n")
    with desk.guarding():
        blocked(unknown)
    assert not canary.exists()


def test_accepted_file_counts_at_its_own_path_alone(desk, unknown, canary, tmp_path):
    other = tmp_path / "other.toml"
    other.write_text(allows(digest=digest(unknown)))
    desk.accept(other)
    desk.policy.write_text(other.read_text())
    with desk.guarding():
        blocked(unknown)
    desk.policy.unlink()
    desk.policy.symlink_to(other)
    with desk.guarding():
        blocked(unknown)
    assert not canary.exists()


@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
@pytest.mark.parametrize("place", ["user", "prefix"])
def test_file_that_others_may_write_allows_nothing_and_forbids_all_the_same(desk, unknown, canary, place):
    path = desk.user if place == "user" else desk.prefix / "etc" / "modelguard" / "policy.toml"
    desk.elsewhere = "It belongs to somebody who is no administrator."
    path.write_text(allows(digest=digest(unknown)))
    path.parent.chmod(0o777)
    with desk.guarding():
        blocked(unknown)
    path.parent.chmod(0o700)
    path.chmod(0o666)
    with desk.guarding():
        blocked(unknown)
    assert not canary.exists()
    path.write_text(FORBIDS)
    with desk.guarding(Chooser(Scope.ONCE)):
        assert "no pickles" in blocked(unknown)
    path.write_text(allows(digest=digest(unknown)))
    path.chmod(0o600)
    with desk.guarding():
        load(unknown)
    assert canary.exists()


def test_environment_of_an_administrator_allows(desk, unknown, canary):
    path = desk.prefix / "etc" / "modelguard" / "policy.toml"
    path.write_text(allows(digest=digest(unknown)))
    path.chmod(0o666)  # this test's guard takes it for an administrator's all the same
    with desk.guarding():
        load(unknown)
    assert canary.exists()


def test_machine_file_that_others_may_write_allows_nothing(desk, unknown, canary):
    desk.system.write_text(allows(digest=digest(unknown)))
    desk.elsewhere = "Others may write to it."
    with desk.guarding():
        blocked(unknown)
    assert not canary.exists()


def test_expired_rule_allows_nothing_and_one_that_ends_today_does(desk, unknown, canary):
    today = dt.datetime.now().astimezone().date()
    desk.system.write_text(allows(digest=digest(unknown), expires=today - dt.timedelta(1)))
    with desk.guarding():
        blocked(unknown)
    assert not canary.exists()
    desk.system.write_text(allows(digest=digest(unknown), expires=today))
    with desk.guarding():
        load(unknown)
    assert canary.exists()


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
