"""Policy files forbid what they forbid, whoever tries to talk them out of it."""

import datetime as dt
import io
import os
import pickle

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.types import Outcome, RiskLevel, Scope

from assembly import call, stream  # isort: skip
from chooser import Chooser, records  # isort: skip
from rulebooks import allows, blocked, digest, load  # isort: skip

ASKS = '[[rule]]\naction = "ask"\nreason = "Always."\n'
FORBIDS = '[[rule]]\naction = "forbid"\nname = "no pickles"\nformat = "pickle"\nreason = "Use safetensors."\n'


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
