"""Code that was allowed once is asked about again, and the card says what is the same and what is not."""

import hashlib

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.policy.trust import Trust
from jupyter_modelguard.types import CodeFile, LoadRequest, Scope

from chooser import Chooser, guard_that_trusts  # isort: skip

FIRST, SECOND = (f"hf:acme/chat@{digit * 40}" for digit in "ab")
BEFORE = "import torch\nCACHE = None\n"
AFTER = "import torch\nimport urllib.request\nCACHE = urllib.request.urlopen('http://198.51.100.1')\n"


@pytest.fixture
def person():
    return Chooser(Scope.ONCE)


@pytest.fixture
def guarded(person, worker, tmp_path):
    with guard_that_trusts(person, Trust(lambda: tmp_path / "trust"), worker, tmp_path) as made:
        yield made


def code(text, path="modeling.py"):
    content = text.encode() if isinstance(text, str) else text
    return CodeFile(path, hashlib.sha256(content).hexdigest(), content)


def check(guarded, origin, *files):
    permit = guarded.check_code(LoadRequest("AutoModel.from_pretrained", "…", "acme/chat"), origin, files)
    guarded.settle(permit, None)


def kept_blocked(guarded, person, origin, *files):
    person.scope = None
    with pytest.raises(ModelLoadBlockedError):
        check(guarded, origin, *files)
    person.scope = Scope.ONCE


def rows(person):
    return [(row.change, row.what, row.name) for row in person.asked[-1].changes]


def test_same_files_are_asked_about_again_and_said_to_be_the_same(guarded, person):
    check(guarded, FIRST, code(BEFORE))
    assert person.fact("Approved before") == ""
    check(guarded, SECOND, code(BEFORE))
    assert len(person.asked) == 2
    said = person.fact("Approved before")
    assert said.startswith("the same files, byte for byte · allowed once by ada on 20")
    assert 'aaaaaaa → bbbbbbb · "I read the code"' in said
    assert person.asked[-1].consequence == ""
    assert rows(person) == []


def test_what_changed_since_is_shown_by_capability_file_and_line(guarded, person):
    check(guarded, FIRST, code(BEFORE), code("y = 1\n", "norm.py"))
    check(guarded, SECOND, code(AFTER), code("y = 1\n", "norm.py"), code("z = 1\n", "more.py"))
    view = person.asked[-1]
    assert view.consequence == "changed since it was allowed"
    assert view.since.startswith("New since ada allowed it on 20")
    assert view.since.endswith("aaaaaaa → bbbbbbb")
    assert [row for row in rows(person) if ", says " not in row[2]] == [  # nor what else reads code, where that is installed
        ("+", "capability", "urllib.request.urlopen"),
        ("±", "file", "modeling.py"),
        ("+", "file", "more.py"),
    ]
    assert "modeling.py:3" in view.changes[0].note
    assert person.fact("Changed") == "modeling.py, more.py · 1 other file is the same, byte for byte"
    (listing,) = view.differences
    assert next((row.change, row.text) for row in listing.rows if row.change) == ("-", "CACHE = None")


def test_capability_that_was_there_before_is_not_new_and_one_more_of_it_is(guarded, person):
    check(guarded, FIRST, code(AFTER))
    check(guarded, SECOND, code(f"# a word\n{AFTER}"))
    assert rows(person) == [("±", "file", "modeling.py")]
    check(guarded, SECOND, code(AFTER + "MORE = urllib.request.urlopen('http://198.51.100.2')\n"))
    assert rows(person)[0] == ("+", "capability", "urllib.request.urlopen")


def test_trusted_code_that_changed_shows_its_new_capabilities_too(guarded, person):
    person.scope = Scope.COMMIT
    check(guarded, FIRST, code(BEFORE))
    check(guarded, SECOND, code(AFTER))
    assert person.asked[-1].consequence == "changed since it was trusted"
    assert rows(person)[0] == ("+", "capability", "urllib.request.urlopen")


def test_what_was_kept_blocked_is_said_when_an_earlier_version_comes_back(guarded, person):
    check(guarded, FIRST, code(BEFORE))
    kept_blocked(guarded, person, SECOND, code(AFTER))
    check(guarded, FIRST, code(BEFORE))
    assert len(person.asked) == 3
    assert person.fact("Approved before").startswith("the same files")
    assert person.fact("Kept blocked before").endswith("other files than these")
    kept_blocked(guarded, person, SECOND, code(AFTER))
    check(guarded, SECOND, code(AFTER))
    assert person.fact("Kept blocked before").endswith("these same files")


@pytest.mark.parametrize("other", [f"hf:evil/chat@{'a' * 40}", "hf:Acme/chat", "hf:acme/chat2", "hf:acme/cha_", "/models/chat"])
def test_answer_about_one_place_is_none_about_another(guarded, person, other):
    check(guarded, FIRST, code(BEFORE))
    check(guarded, other, code(BEFORE))
    assert person.fact("Approved before") == ""


def test_folder_is_known_by_its_path(guarded, person, tmp_path):
    check(guarded, str(tmp_path / "chat"), code(BEFORE))
    check(guarded, str(tmp_path / "chat"), code(AFTER))
    assert person.asked[-1].since.startswith("New since ada allowed it on 20")
    check(guarded, str(tmp_path / "chat2"), code(AFTER))
    assert person.asked[-1].since == ""


def test_refused_write_of_the_history_costs_the_comparison_nothing(guarded, person, tmp_path):
    check(guarded, FIRST, code(BEFORE))
    guarded.store.flush()
    for path in (tmp_path / "modelguard-home").iterdir():
        path.chmod(0o400)
    check(guarded, SECOND, code(BEFORE))
    assert person.fact("Approved before").startswith("the same files")


def test_history_that_somebody_wrote_into_compares_with_nothing(guarded, person, tmp_path):
    import sqlite3

    check(guarded, FIRST, code(BEFORE))
    guarded.store.flush()
    with sqlite3.connect(tmp_path / "modelguard-home" / "history.sqlite") as database:
        text = database.execute("select artifact from loads where artifact is not null").fetchone()[0]
        assert "modeling.py" in text
        database.execute("update loads set artifact = replace(artifact, 'aW1wb3J0', 'AAAAAAAA')")
    check(guarded, SECOND, code(AFTER))
    assert person.fact("Approved before") == ""
    assert rows(person) == []


def test_thousands_of_changed_files_and_lines_without_end_stay_a_card(guarded, person):
    long = b"# " + b"x" * 3_000_000 + b"\n"
    many = [code(f"a = {number}\n", f"part{number}.py") for number in range(200)]
    check(guarded, FIRST, *many, code(long, "long.py"))
    check(
        guarded,
        SECOND,
        *(code(f"b = {number}\n" * 15, f"part{number}.py") for number in range(200)),
        code(long + b"y\n", "long.py"),
    )
    view = person.asked[-1]
    assert len(view.changes) <= 41
    assert sum(len(listing.rows) for listing in view.differences) <= 2_400
    assert max(len(row.text) for listing in view.differences for row in listing.rows) < 500
