"""Trust in the code of a repository: what was shown of it, at that commit, and nothing beyond."""

import hashlib
import json

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.policy.trust import Trust
from jupyter_modelguard.types import CodeFile, LoadRequest, Scope

from chooser import Chooser, guard_that_trusts  # isort: skip

COMMIT = "4f2c9e1" + "0" * 33
ORIGIN = f"hf:acme/yolo@{COMMIT}"
OTHER = f"hf:acme/yolo@{'a' * 40}"


@pytest.fixture
def person():
    return Chooser(Scope.COMMIT)


@pytest.fixture
def trust(tmp_path):
    return Trust(lambda: tmp_path / "trust")


@pytest.fixture
def guarded(person, trust, worker, tmp_path):
    with guard_that_trusts(person, trust, worker, tmp_path) as made:
        yield made


def code(path, text="x = 1\n"):
    content = text.encode()
    return CodeFile(path, hashlib.sha256(content).hexdigest(), content)


def check(guarded, origin, *files, loader="AutoModel.from_pretrained"):
    permit = guarded.check_code(LoadRequest(loader, f"{loader}()", "hf:acme/yolo"), origin, files)
    guarded.settle(permit, None)
    return permit


def changed(person):
    return person.fact("Changed") or person.fact("Trusted")


def blocked(guarded, person, origin, *files, **options):
    asked, person.scope = len(person.asked), None
    with pytest.raises(ModelLoadBlockedError):
        check(guarded, origin, *files, **options)
    assert len(person.asked) == asked + 1
    return changed(person)


def test_files_of_a_commit_pass_again_through_any_loader(guarded, person, trust):
    check(guarded, ORIGIN, code("modeling.py"), code("layers.py", "y = 2\n"))
    check(guarded, ORIGIN, code("modeling.py"), code("layers.py", "y = 2\n"))
    permit = check(guarded, ORIGIN, code("layers.py", "y = 2\n"), loader="AutoTokenizer.from_pretrained")
    assert len(person.asked) == 1
    assert list(permit.files.values()) == [b"y = 2\n"]
    assert person.choice("commit").button == "Import 2 files and remember this commit"


def test_file_that_the_commit_did_not_have_asks(guarded, person):
    check(guarded, ORIGIN, code("modeling.py"))
    assert "1 file new: evil.py" in blocked(guarded, person, ORIGIN, code("modeling.py"), code("evil.py", "z\n"))


def test_file_that_changed_under_the_same_commit_asks(guarded, person):
    """A cache on disk can be forged, a commit id in its path too; the content cannot."""
    check(guarded, ORIGIN, code("modeling.py"))
    assert "1 file changed: modeling.py" in blocked(guarded, person, ORIGIN, code("modeling.py", "import os\n"))


def test_commit_that_changes_no_code_passes(guarded, person):
    check(guarded, ORIGIN, code("modeling.py"), code("layers.py", "y = 2\n"))
    check(guarded, OTHER, code("modeling.py"))
    check(guarded, "hf:acme/yolo", code("modeling.py"), code("layers.py", "y = 2\n"))
    assert len(person.asked) == 1


def test_commit_that_changes_code_asks_and_says_from_where_to_where(guarded, person):
    check(guarded, ORIGIN, code("modeling.py"))
    assert "since ada trusted it" in blocked(guarded, person, OTHER, code("modeling.py", "import os\n"))
    assert person.asked[-1].since.endswith(f", {COMMIT[:7]} → aaaaaaa")
    assert "1 file new: evil.py" in blocked(guarded, person, OTHER, code("modeling.py"), code("evil.py", "z\n"))


def test_files_of_two_commits_are_no_files_of_a_third(guarded, person):
    """Each was trusted, but nobody was shown the two together."""
    check(guarded, ORIGIN, code("modeling.py", "import layers\n"))
    check(guarded, OTHER, code("layers.py", "y = 2\n"))
    third = f"hf:acme/yolo@{'b' * 40}"
    blocked(guarded, person, third, code("modeling.py", "import layers\n"), code("layers.py", "y = 2\n"))


def test_files_that_come_back_after_a_newer_commit_was_kept_blocked_are_asked_about_once_more(guarded, person, trust):
    check(guarded, ORIGIN, code("modeling.py"))
    blocked(guarded, person, OTHER, code("modeling.py", "import os\n"))
    person.scope = Scope.COMMIT
    check(guarded, f"hf:acme/yolo@{'b' * 40}", code("modeling.py"))
    assert len(person.asked) == 3
    check(guarded, f"hf:acme/yolo@{'c' * 40}", code("modeling.py"))
    assert len(person.asked) == 3
    for entry in trust.entries():
        trust.forget(entry.id)
    check(guarded, f"hf:acme/yolo@{'d' * 40}", code("modeling.py"))
    assert len(person.asked) == 4


def test_another_repository_asks(guarded, person):
    check(guarded, ORIGIN, code("modeling.py"))
    assert blocked(guarded, person, f"hf:evil/yolo@{COMMIT}", code("modeling.py", "import os\n")) == ""


@pytest.mark.parametrize("scope", [Scope.DIGEST, Scope.COMMIT])
@pytest.mark.parametrize("other", ["hf:evil/yolo", "hf:Acme/yolo", "ms:acme/yolo", "hf:acme/yol", "/models/acme/yolo"])
def test_same_files_of_another_repository_are_asked_about(guarded, person, scope, other):
    """What code does, the configuration beside it decides too: the name was part of what was trusted."""
    person.scope = scope
    check(guarded, ORIGIN, code("modeling.py"))
    for commit in ("", f"@{COMMIT}"):
        blocked(guarded, person, f"{other}{commit}", code("modeling.py"))
    assert f"from another place: {ORIGIN}" in person.fact("Trusted")


@pytest.mark.parametrize(
    "origin",
    ["hf:acme/yolo", "hf:acme/yolo@main", "hf:acme/yolo@4f2c9e1", f"hf:acme/yolo@{COMMIT.upper()}", "hf:acme/yolo@refs/pr/1"],
)
def test_what_can_move_is_greyed_with_the_reason(guarded, person, trust, origin):
    check(guarded, origin, code("modeling.py"))
    choice = person.choice("commit")
    assert not choice.enabled
    assert choice.hint.startswith("It was asked for without a full commit id")
    assert trust.entries() == ()


def test_code_of_a_folder_has_no_commit(guarded, person, tmp_path):
    check(guarded, str(tmp_path / "acme"), code("hubconf.py"))
    assert person.choice("commit").hint == "Only for the code of a repository on a hub."
    assert person.choice("digest").enabled


def test_exactly_these_files_are_trusted_for_their_loader_alone(guarded, person):
    person.scope = Scope.DIGEST
    check(guarded, "/models/acme", code("modeling.py"))
    check(guarded, "/models/acme", code("modeling.py"))
    assert len(person.asked) == 1
    said = blocked(guarded, person, "/models/acme", code("modeling.py"), loader="torch.hub.load")
    assert "for AutoModel.from_pretrained, this is torch.hub.load" in said
    assert "1 file new" in blocked(guarded, person, "/models/acme", code("modeling.py"), code("more.py", "m\n"))


def test_forgetting_one_decision_about_a_commit_forgets_the_commit(guarded, person, trust):
    check(guarded, ORIGIN, code("modeling.py"))
    check(guarded, ORIGIN, code("modeling.py"), code("tokens.py", "t\n"))
    first, _ = trust.entries()
    assert len(trust.forget(first.id)) == 2
    blocked(guarded, person, ORIGIN, code("modeling.py"))


def test_names_of_strangers_stay_text(guarded, person):
    """HTML, escape sequences and characters that turn text around, in the name of a file and of a repository."""
    from jupyter_modelguard.approval.faces.html import card_html
    from jupyter_modelguard.approval.faces.plain import card_text

    name = "<img src=x onerror=alert(1)>\x1b[2J\u202e.py"
    check(guarded, ORIGIN, code("modeling.py"))
    blocked(guarded, person, ORIGIN, code(name, "n\n"))
    view = person.asked[-1]
    assert name in changed(person)
    assert "<img" not in card_html(view)
    assert "\x1b" not in card_text(view)
    assert "\u202e" not in card_text(view)


def test_origin_names_the_commit_only_where_it_was_asked_for_by_its_full_id():
    from jupyter_modelguard.hooks.hub_repositories import hub_origin

    assert hub_origin("acme/yolo", COMMIT) == ORIGIN
    for revision in (None, "main", COMMIT[:7], COMMIT.upper(), f"{COMMIT}\n", 7):
        assert hub_origin("acme/yolo", revision) == "hf:acme/yolo"


def test_what_is_kept_of_a_commit_holds_no_code(guarded, tmp_path):
    check(guarded, ORIGIN, code("modeling.py", "secret = 'x'\n"))
    kept = json.loads((tmp_path / "trust" / "trust.json").read_text())
    assert "secret" not in json.dumps(kept)


# -- code that runs what other files hold ---------------------------------------------------------------------------------------------

EVALUATES = "class Acme:\n    def forward(self, x):\n        return eval(self.config.activation)(x)\n"


def test_code_that_runs_what_other_files_hold_is_trusted_at_its_commit_alone(guarded, person):
    """The next commit may change the file that it runs, and none of its own."""
    person.scope = Scope.COMMIT
    check(guarded, ORIGIN, code("modeling.py", EVALUATES))
    check(guarded, ORIGIN, code("modeling.py", EVALUATES))
    assert len(person.asked) == 1
    blocked(guarded, person, OTHER, code("modeling.py", EVALUATES))
    assert person.fact("Asked again") == "Its code can run what other files hold (modeling.py:3), and those may change."


@pytest.mark.parametrize("origin", ["hf:acme/yolo", "/models/acme"])
def test_code_that_runs_what_other_files_hold_is_not_trusted_by_its_own_files(guarded, person, origin):
    person.scope = Scope.ONCE
    check(guarded, origin, code("modeling.py", EVALUATES))
    assert "can run what other files hold (modeling.py:3)" in person.choice("digest").hint
    check(guarded, origin, code("modeling.py", "def forward(x):\n    return x\n"))
    assert not person.choice("digest").hint.startswith("Its code can run")
