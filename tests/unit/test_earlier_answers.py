"""What was decided about the code of a place before, the same in a file and in PostgreSQL."""

import hashlib

import pytest

from jupyter_modelguard.history.answers import blocked_since
from jupyter_modelguard.types import Artifact, CodeFile, Decision, Outcome, RiskLevel, Scope

from histories import both, full_record  # isort: skip

pytestmark = both

PLACE = "hf:acme/yo_lo"
CONTENT = b"x = 1\n"


def code_of(source):
    return Artifact(
        source, source, "python-code", "ab" * 32, 6, (CodeFile("m.py", hashlib.sha256(CONTENT).hexdigest(), CONTENT),)
    )


def noted(store, source, *, allow, at):
    decision = Decision(allow, "ada", "card", "I read the code", Scope.ONCE, at)
    outcome = Outcome.LOADED if allow else Outcome.BLOCKED
    line = full_record(store, at=at, level=RiskLevel.RUNS_CODE, artifact=code_of(source), decision=decision, outcome=outcome)
    store.record(line)
    assert store.flush()
    return line


def test_answers_about_a_place_are_those_of_all_its_commits_the_latest_first(store):
    first = noted(store, f"{PLACE}@{'1' * 40}", allow=True, at=10.0)
    for other in ("hf:acme/yo_lo2", "hf:acme/yoXlo", f"hf:Acme/Yo_lo@{'1' * 40}", f"/models/{PLACE}@x"):
        noted(store, other, allow=True, at=11.0)
    last = noted(store, PLACE, allow=False, at=12.0)
    found = store.answers_about(PLACE)
    assert [one.id for one in found] == [last.id, first.id]
    assert found[0].artifact.files[0].content == CONTENT


@pytest.mark.parametrize(
    ("source", "blocked"),
    [(PLACE, True), (f"{PLACE}@{'2' * 40}", True), ("hf:acme/yoXlo", False), ("hf:acme/yo_lo2", False)],
)
def test_what_was_kept_blocked_counts_for_its_own_place_and_from_its_own_time(store, source, blocked):
    noted(store, source, allow=False, at=100.0)
    noted(store, PLACE, allow=True, at=101.0)
    with store.reading() as connection:
        assert blocked_since(connection, PLACE, 99.0) is blocked
        assert blocked_since(connection, PLACE, 100.5) is False


def test_line_that_cannot_be_read_counts_as_one_of_the_place(store, behind):
    noted(store, "hf:acme/other", allow=False, at=100.0)
    with store.reading() as connection:
        assert blocked_since(connection, PLACE, 99.0) is False
    behind("UPDATE loads SET artifact = '[]'")
    with store.reading() as connection:
        assert blocked_since(connection, PLACE, 99.0) is True
