"""Whoever can write to the history's tables cannot let a load go on with that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_modelguard import config
from jupyter_modelguard.errors import AnotherCardError, HistoryError
from jupyter_modelguard.history.sealed import Question
from jupyter_modelguard.types import Decision, Outcome

from histories import VIEW, both, full_record  # isort: skip

pytestmark = both
YES = Decision(allow=True, by="ada", transport="database", reason="I read the code", at=2.0)
NO = Decision(allow=False, by="ada", transport="database", at=2.0)


@pytest.fixture(autouse=True)
def own(tmp_path, monkeypatch):
    folder = tmp_path / "own"
    monkeypatch.setattr(config, "default_home", lambda: folder)
    return folder


def forge(decision, state="allowed", more=""):
    plain = json.dumps({"allow": decision.allow, "by": decision.by, "transport": decision.transport, "reason": "", "at": 2.0})
    return f"UPDATE approvals SET state = '{state}', decision = '{plain}'{more}"


def put_up(store, *, waiting=True, view=VIEW):
    record = full_record(store, outcome=Outcome.WAITING, decision=None)
    assert store.ask(record, view, waiting=waiting)
    return record


def test_a_forged_approval_lets_nothing_go_on(store, behind, caplog):
    record = put_up(store)
    behind(forge(YES))
    assert store.answer(record.id) is None
    assert "does not count" in caplog.text
    assert [waiting.id for waiting in store.pending()] == [record.id], "the question is open again"
    assert store.settle(record.id, NO) == NO


def test_without_the_seal_it_would(store, behind, monkeypatch):
    monkeypatch.setattr(Question, "sound", lambda *_: True)
    record = put_up(store)
    behind(forge(YES))
    assert store.answer(record.id).allow


def test_a_forged_approval_does_not_outrun_a_denial(store, behind):
    record = put_up(store)
    behind(forge(YES))
    assert store.settle(record.id, NO) == NO
    assert behind("SELECT state FROM approvals") == [("denied",)]


def test_a_forged_denial_keeps_it_blocked(store, behind):
    record = put_up(store)
    behind(forge(NO, "denied"))
    assert store.answer(record.id).allow is False


def test_a_forged_approval_is_no_good_for_the_next_run(store, behind):
    record = put_up(store)
    store.stop_waiting(record.id)
    behind(forge(YES))
    assert store.claim(full_record(store)) is None


def test_an_approval_is_used_once_whatever_the_row_says(store, history, behind):
    record = put_up(store)
    store.stop_waiting(record.id)
    assert history.open().decide(record.id, YES)
    assert store.claim(full_record(store)) == YES
    behind("UPDATE approvals SET used = NOT used")
    assert store.claim(full_record(store)) is None


def test_the_seal_of_one_load_does_not_fit_another(store, history, behind):
    first, second = put_up(store), put_up(store)
    assert history.open().decide(first.id, YES)
    ((seal, plain),) = behind(f"SELECT seal, CAST(decision AS TEXT) FROM approvals WHERE id = '{first.id}'")
    behind(f"UPDATE approvals SET state = 'allowed', seal = '{seal}', decision = '{plain}' WHERE id = '{second.id}'")
    assert store.answer(second.id) is None
    assert store.answer(first.id) == YES


def test_a_denial_cannot_be_turned_into_an_approval(store, history, behind):
    record = put_up(store)
    assert history.open().decide(record.id, NO)
    behind(forge(YES))
    assert store.answer(record.id) is None


def test_an_approval_of_another_card_than_was_put_up_does_not_count(store, history, behind):
    """The person was shown a harmless load in place of this one."""
    record = put_up(store, view={"id": "x", "title": "Runs os.system"})
    behind('UPDATE approvals SET view = \'{"id": "x", "title": "Holds numbers"}\'')
    assert history.open().decide(record.id, YES)
    assert store.answer(record.id) is None


def test_a_decision_that_was_widened_does_not_count(store, history, behind):
    record = put_up(store)
    assert history.open().decide(record.id, YES)
    ((plain,),) = behind("SELECT CAST(decision AS TEXT) FROM approvals")
    behind(f"UPDATE approvals SET decision = '{plain.replace('once', 'file')}'")
    assert "file" in behind("SELECT CAST(decision AS TEXT) FROM approvals")[0][0]
    assert store.answer(record.id) is None


@pytest.mark.parametrize(
    "plain", ["[]", "3", '"yes"', '{"allow": true}', '{"allow": "yes", "by": 1, "transport": []}', '{"scope": "x"}']
)
def test_nonsense_in_place_of_a_decision_lets_nothing_go_on(store, behind, plain):
    record = put_up(store)
    behind(f"UPDATE approvals SET state = 'allowed', decision = '{plain}'")
    assert store.answer(record.id) is None
    assert store.settle(record.id, NO) == NO


def test_an_approval_that_cannot_be_sealed_is_not_given(store, history, own, monkeypatch):
    record = put_up(store)
    own.write_text("no folder")
    with pytest.raises(HistoryError, match="cannot be sealed"):
        history.open().decide(record.id, YES)
    assert history.open().decide(record.id, NO), "a denial needs no seal"


def test_the_key_of_another_user_seals_nothing_here(store, history, monkeypatch, tmp_path):
    record = put_up(store)
    other = history.open()
    monkeypatch.setattr(config, "default_home", lambda: Path(tmp_path / "theirs"))
    assert other.decide(record.id, YES)
    monkeypatch.setattr(config, "default_home", lambda: tmp_path / "own")
    assert store.answer(record.id) is None


ARMED = {"id": "x", "title": "Runs os.system"}


def shown_for_a_moment(store, history, behind):
    """Put another card in the place of the one that waits, let somebody look, and put the first one back."""
    record = put_up(store, view=ARMED)
    behind('UPDATE approvals SET view = \'{"id": "x", "title": "Holds numbers"}\'')
    other = history.open()
    (looked_at,) = other.pending()
    assert looked_at.view["title"] == "Holds numbers"
    behind(f"UPDATE approvals SET view = '{json.dumps(ARMED)}'")
    return record, other, looked_at


def test_an_approval_of_a_card_that_was_only_shown_is_not_given(store, history, behind):
    record, other, looked_at = shown_for_a_moment(store, history, behind)
    with pytest.raises(AnotherCardError):
        other.decide(record.id, YES, seen=looked_at.seen)
    assert store.answer(record.id) is None
    assert [row.id for row in store.pending()] == [record.id], "it still waits"
    assert other.decide(record.id, YES, seen=other.pending()[0].seen)
    assert store.answer(record.id) == YES


def test_without_the_digest_of_what_was_seen_it_would_be(store, history, behind):
    record, other, _ = shown_for_a_moment(store, history, behind)
    assert other.decide(record.id, YES)
    assert store.answer(record.id) == YES


def test_keeping_it_blocked_needs_no_card(store, history, behind):
    record, other, looked_at = shown_for_a_moment(store, history, behind)
    assert other.decide(record.id, NO, seen=looked_at.seen)
    assert store.answer(record.id) == NO
