"""Code of a repository that was allowed before: what a card says of it, and what passes without one."""

import contextlib
import hashlib
import sqlite3

import pytest

from jupyter_modelguard.approval.faces.html import card_html
from jupyter_modelguard.approval.faces.plain import card_text, details_text
from jupyter_modelguard.approval.present import plain_view
from jupyter_modelguard.approval.refusal import refusal
from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.policy.trust import Trust
from jupyter_modelguard.types import CodeFile, Decision, LoadRequest, Scope

from chooser import Chooser, guard_that_trusts, records  # isort: skip

FIRST = f"hf:acme/yolo@{'4f2c9e1' + '0' * 33}"
LATER = f"hf:acme/yolo@{'a' * 40}"
LAST = f"hf:acme/yolo@{'b' * 40}"


@pytest.fixture
def person():
    return Chooser(Scope.ONCE)


@pytest.fixture
def trust(tmp_path):
    return Trust(lambda: tmp_path / "trust")


@pytest.fixture
def guarded(person, trust, worker, tmp_path):
    with guard_that_trusts(person, trust, worker, tmp_path) as made:
        yield made


def code(path, text="x = 1\n"):
    content = text if isinstance(text, bytes) else text.encode()
    return CodeFile(path, hashlib.sha256(content).hexdigest(), content)


def check(guarded, origin, *files, loader="AutoModel.from_pretrained"):
    permit = guarded.check_code(LoadRequest(loader, f"{loader}()", "hf:acme/yolo"), origin, files)
    guarded.settle(permit, None)
    return permit


def deny(guarded, person, origin, *files):
    before, person.scope = person.scope, None
    with pytest.raises(ModelLoadBlockedError):
        check(guarded, origin, *files)
    person.scope = before


# -- what the card says ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["evil/yolo", "Acme/Yolo", "acme/yolo2", "acme/yol", "acme/yo_o", "acme/yolo%", "acme"])
def test_another_repository_is_not_said_to_have_been_allowed(guarded, person, name):
    """Other letters, another case, and what a database takes for a pattern."""
    check(guarded, FIRST, code("modeling.py"))
    check(guarded, f"hf:{name}@{'a' * 40}", code("modeling.py"))
    assert len(person.asked) == 2
    assert person.fact("Approved before") == person.fact("Changed") == ""


# -- what passes without one ----------------------------------------------------------------------------------------------------------


def test_trusted_files_pass_at_another_commit_and_the_history_says_why(guarded, person):
    person.scope = Scope.COMMIT
    check(guarded, FIRST, code("modeling.py"), code("layers.py", "y = 2\n"))
    permit = check(guarded, LATER, code("modeling.py"), code("layers.py", "y = 2\n"))
    assert len(person.asked) == 1
    assert set(permit.files.values()) == {b"x = 1\n", b"y = 2\n"}
    decision = records(guarded)[0].decision
    assert decision.transport == "trust"
    assert decision.reason == "I read the code · the same files as at 4f2c9e1"


def test_files_that_were_allowed_once_never_pass_at_another_commit(guarded, person):
    check(guarded, FIRST, code("modeling.py"))
    deny(guarded, person, LATER, code("modeling.py"))


@pytest.mark.parametrize("origin", [f"hf:Acme/Yolo@{'a' * 40}", f"hf:evil/yolo@{'a' * 40}", f"ms:acme/yolo@{'a' * 40}"])
def test_the_same_files_elsewhere_ask(guarded, person, origin):
    person.scope = Scope.COMMIT
    check(guarded, FIRST, code("modeling.py"))
    deny(guarded, person, origin, code("modeling.py"))


def test_files_of_two_commits_do_not_make_a_third(guarded, person):
    """Each file was trusted, and nobody looked at the two beside each other."""
    person.scope = Scope.COMMIT
    check(guarded, FIRST, code("modeling.py"), code("layers.py", "y = 2\n"))
    check(guarded, LATER, code("modeling.py", "x = 3\n"), code("layers.py", "y = 4\n"))
    deny(guarded, person, LAST, code("modeling.py"), code("layers.py", "y = 4\n"))


def test_the_same_content_under_another_name_asks(guarded, person):
    person.scope = Scope.COMMIT
    check(guarded, FIRST, code("modeling.py"))
    deny(guarded, person, LATER, code("__init__.py"))


def test_a_repository_that_goes_back_after_it_was_kept_blocked_asks(guarded, person):
    person.scope = Scope.COMMIT
    check(guarded, FIRST, code("modeling.py"))
    deny(guarded, person, LATER, code("modeling.py", "import os\n"))
    deny(guarded, person, LAST, code("modeling.py"))
    assert person.fact("Trusted").endswith(", 4f2c9e1 → bbbbbbb · the same files, byte for byte")
    assert person.fact("Asked again") == "something of this repository was kept blocked since it was trusted"
    assert person.fact("Changed") == person.asked[-1].consequence == ""
    check(guarded, LAST, code("modeling.py"))  # trusted anew, which counts again
    asked = len(person.asked)
    check(guarded, f"hf:acme/yolo@{'c' * 40}", code("modeling.py"))
    assert len(person.asked) == asked


def test_many_loads_in_between_do_not_hide_what_was_kept_blocked(guarded, person):
    person.scope = Scope.COMMIT
    check(guarded, FIRST, code("modeling.py"))
    deny(guarded, person, LATER, code("modeling.py", "import os\n"))
    for _ in range(45):
        check(guarded, FIRST, code("modeling.py"))
    deny(guarded, person, LAST, code("modeling.py"))


def test_what_went_beyond_its_card_at_another_commit_is_trusted_no_more(guarded, person, trust):
    person.scope = Scope.COMMIT
    check(guarded, FIRST, code("modeling.py"))
    check(guarded, LATER, code("modeling.py"))
    assert trust.forget_load(records(guarded)[0])
    deny(guarded, person, LAST, code("modeling.py"))


@pytest.mark.parametrize("mode", ["deny", "lock"])
def test_where_no_persons_word_counts_neither_does_this(guarded, person, monkeypatch, mode):
    person.scope = Scope.COMMIT
    check(guarded, FIRST, code("modeling.py"))
    monkeypatch.setenv("MODELGUARD_HEADLESS", mode)
    deny(guarded, person, LATER, code("modeling.py"))


def test_a_history_that_began_anew_asks(person, trust, worker, tmp_path):
    """It cannot tell of what was kept blocked, so that nothing passes by what it does not tell."""
    person.scope = Scope.COMMIT
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    with guard_that_trusts(person, trust, worker, tmp_path / "one") as guarded:
        check(guarded, FIRST, code("modeling.py"))
    with guard_that_trusts(person, trust, worker, tmp_path / "two") as guarded:
        deny(guarded, person, LATER, code("modeling.py"))


@pytest.mark.filterwarnings("ignore")
def test_a_history_that_cannot_be_used_asks_as_ever(guarded, person):
    person.scope = Scope.COMMIT
    check(guarded, FIRST, code("modeling.py"))
    guarded.store.flush()
    guarded.store._database.close()
    for file in guarded.store.path.parent.glob("history.sqlite*"):
        file.write_bytes(b"no database at all" * 100)
    deny(guarded, person, LATER, code("modeling.py"))
    assert person.fact("Asked again").startswith("the history cannot tell")
    check(guarded, FIRST, code("modeling.py"))  # and what is trusted by its commit passes as ever
    assert len(person.asked) == 2


@pytest.mark.filterwarnings("ignore")
def test_a_history_that_takes_no_line_asks_as_ever(guarded, person):
    """What was kept blocked a moment ago is among the lines that it did not take."""
    person.scope = Scope.COMMIT
    check(guarded, FIRST, code("modeling.py"))
    guarded.store.flush()
    with contextlib.closing(sqlite3.connect(guarded.store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        deny(guarded, person, LATER, code("modeling.py", "import os\n"))
        deny(guarded, person, LAST, code("modeling.py"))


# -- what a stranger wrote ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", ["headless", "none"])
def test_where_nobody_saw_a_card_the_message_says_what_is_on_it(guarded, person, transport):
    check(guarded, FIRST, code("modeling.py", "import os\n"))
    deny(guarded, person, LATER, code("modeling.py", "import os\nos.system('<b>\u202e')\n"), code("\x1b[2J.py"))
    said = refusal(person.asked[-1], Decision(allow=False, by=transport, transport=transport, reason="no kernel to ask in"))
    assert "4f2c9e1 → aaaaaaa:" in said
    assert "+ capability os.system" in said
    assert "± file modeling.py" in said
    assert "On import (runs whatever you do next):" in said
    assert "It would run as: you (" in said
    assert not {"\x1b", "\u202e"} & set(said)
    shown = refusal(person.asked[-1], Decision(allow=False, by="ada", transport="card"))
    assert "On import" not in shown  # it was on the card a moment ago


def test_hostile_names_and_lines_stay_text(guarded, person):
    name = "<img src=x onerror=alert(1)>\x1b[2J\u202e.py"
    check(guarded, FIRST, code(name, "x = 1\n"))
    deny(guarded, person, LATER, code(name, "x = '<script>\x1b]0;\u202e</script>'\n"))
    view = person.asked[-1]
    assert view.differences
    for drawn in (card_html(view), card_text(view), details_text(view)):
        assert "\x1b" not in drawn
        assert "\u202e" not in drawn
    assert "<img" not in card_html(view)
    assert "<script>" not in card_html(view)


def test_a_change_beyond_what_is_shown_of_a_long_line_is_shown(guarded, person):
    long = "x = '" + "a" * 3_000
    check(guarded, FIRST, code("modeling.py", f"{long}b'\n"))
    deny(guarded, person, LATER, code("modeling.py", f"{long}EVIL'\n"))
    (listing,) = person.asked[-1].differences
    assert listing.heading == "+1 -1"
    assert any("EVIL" in row.text for row in listing.rows)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("".join(f"# {n}\n" for n in range(100_000)), "".join(f"# {n}!\n" for n in range(100_000))),
        ("x = '" + "a" * 10_000_000 + "'\n", "x = '" + "b" * 10_000_000 + "'\n"),
    ],
    ids=["lines", "one line"],
)
def test_a_difference_without_end_is_cut(guarded, person, before, after):
    check(guarded, FIRST, code("modeling.py", before))
    deny(guarded, person, LATER, code("modeling.py", after))
    view = person.asked[-1]
    assert [(row.change, row.name) for row in view.changes] == [("±", "modeling.py")]
    assert len(str(plain_view(view)["differences"])) < 200_000


def test_ten_thousand_files_are_counted_and_not_all_listed(guarded, person):
    def files(text):
        return [code(f"part_{n}.py", f"{text} = {n}\n") for n in range(10_000)]

    check(guarded, FIRST, *files("x"))
    deny(guarded, person, LATER, *files("y"))
    view = person.asked[-1]
    assert "and 9,997 more" in person.fact("Changed")
    assert len(view.changes) < 50
    assert len(view.differences) < 50
    assert len(view.calls) <= 101
    assert len(str(plain_view(view))) < 2_000_000


def test_a_line_that_python_does_not_count_moves_no_remark(guarded, person):
    """A form feed and a Unicode separator end a line for `str.splitlines`, and none for Python."""
    deny(guarded, person, FIRST, code("modeling.py", "# \x0c \u2028 \x1c\nimport os\nos.system('id')\n"))
    (listing,) = person.asked[-1].listings
    assert [(row.number, row.text) for row in listing.rows if row.flagged] == [(3, "os.system('id')")]
