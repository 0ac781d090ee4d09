"""A line or a question that somebody wrote something else into hides no other, and is never shown as clean; in both databases."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sqlite3

import pytest

from jupyter_modelguard.exports.history import export
from jupyter_modelguard.history.glance import glance
from jupyter_modelguard.history.known_load import known_load
from jupyter_modelguard.history.search import Search, counts, records, rows, total
from jupyter_modelguard.types import Decision, Outcome, RiskLevel

from histories import VIEW, both, full_record  # isort: skip

DEEP = "[" * 100_000 + "]" * 100_000
NO_JSON = ["{", "\x01"]  # of these PostgreSQL takes none
OTHERS = ["3", "[]", '"yes"', "null", "[1, 2]", DEEP[:2000] + DEEP[-2000:], '{"name": ' + "9" * 5000 + "}"]
STRANGE = ['{"name": "\\u0000", "by": "\\ud800", "transport": {}}', '{"globals": 5, "by": [], "source": 1}']


@pytest.fixture
def behind(history, request):
    """Run SQL with values past the store."""

    def run(statement, *values):
        if history.url is not None:
            import psycopg

            server = request.getfixturevalue("postgresql")
            name = history.url.rpartition("/")[2].partition("?")[0]
            with psycopg.connect(host=str(server.folder), user="modelguard", dbname=name, autocommit=True) as connection:
                try:
                    connection.execute(statement.replace("?", "%s"), values)
                except psycopg.Error:
                    pytest.skip("this database takes no such thing")
            return
        with contextlib.closing(sqlite3.connect(history.home / "history.sqlite", isolation_level=None)) as connection:
            connection.execute(statement, values)

    return run


@pytest.fixture
def lines(store):
    """One line that is left as it is, and one to write into."""
    made = full_record(store, at=1.0), full_record(store, at=2.0, outcome=Outcome.LOADED, level=RiskLevel.DATA_ONLY)
    for record in made:
        store.record(record)
    assert store.flush()
    return made


def everything(store):
    """Look at the history in every way there is."""
    with store.reading() as connection:
        assert total(connection, Search()) == 2
        assert counts(connection, Search()).total == 2
        counts(connection, Search(text="yolo"))
        assert total(connection, Search(text="yolo.pt")) >= 1
        listed = {row.id: row for row in rows(connection, Search(), 100)}
        whole = {record.id: record for record in records(connection, Search(), 100)}
        seen = {load.id for load in glance(connection).loads.values()}
        known = {one.id: known_load(connection, store.session, one.id) for one in listed.values()}
    assert listed.keys() == whole.keys() == seen == {record.id for record in store.history()}
    assert all(store.find(identity).id == identity for identity in listed)
    assert store.statistics().loads == 2
    for name in ("json", "csv", "sarif"):
        export(tuple(whole.values()), name)
    store.verify()
    return listed, whole, known


@both
@pytest.mark.parametrize("written", [*NO_JSON, *OTHERS, *STRANGE])
@pytest.mark.parametrize("column", ["report", "artifact", "decision"])
def test_a_line_that_cannot_be_read_hides_no_other_and_is_not_clean(store, lines, behind, column, written):
    sound, spoilt = lines
    behind(f"UPDATE loads SET {column} = ? WHERE id = ?", written, spoilt.id)
    listed, whole, known = everything(store)
    assert listed[sound.id].level is RiskLevel.DANGEROUS
    assert (whole[sound.id].report, whole[sound.id].decision, whole[sound.id].error) == (sound.report, sound.decision, "no")
    found = whole[spoilt.id]
    assert known[spoilt.id].record == found
    if written in STRANGE and column == "decision" and found.level is RiskLevel.DATA_ONLY:
        return  # texts in it are odd, and no more
    assert found.level is RiskLevel.UNINSPECTED
    assert f"{column} of this line cannot be read" in found.error
    if written not in STRANGE and not written.startswith('{"name": 9'):
        assert listed[spoilt.id].level is RiskLevel.UNINSPECTED
        assert "cannot be read" in listed[spoilt.id].name


@both
@pytest.mark.parametrize(
    ("column", "written"), [("level", "fine"), ("outcome", "fine"), ("at", "soon"), ("size", "large"), ("source", b"\xff\xfe")]
)
def test_other_columns_are_no_different(store, lines, behind, column, written):
    sound, spoilt = lines
    behind(
        f"UPDATE loads SET {column} = CAST(? AS {'TEXT' if isinstance(written, bytes) else 'CHAR'}) WHERE id = ?",
        written,
        spoilt.id,
    )
    listed, whole, _ = everything(store)
    assert (whole[sound.id].report, whole[sound.id].decision, whole[sound.id].error) == (sound.report, sound.decision, "no")
    if column != "source":
        assert listed[spoilt.id].level is RiskLevel.UNINSPECTED
        assert whole[spoilt.id].level is RiskLevel.UNINSPECTED


@pytest.fixture
def questions(store):
    asked = [full_record(store, outcome=Outcome.WAITING, decision=None) for _ in range(2)]
    assert all(store.ask(record, VIEW) for record in asked)
    return asked


@both
@pytest.mark.parametrize("written", [*NO_JSON, *OTHERS])
def test_a_question_that_cannot_be_read_hides_no_other(store, questions, behind, caplog, written):
    sound, spoilt = questions
    behind("UPDATE approvals SET view = ? WHERE id = ?", written, spoilt.id)
    for _ in range(3):
        if written.startswith("{") and len(written) > 1:
            break  # the digits of a number can be read where Python has no limit for them
        assert [one.id for one in store.pending()] == [sound.id]
        assert len([line for line in caplog.messages if spoilt.id in line and "cannot be read" in line]) == 1
    no = Decision(allow=False, by="ada", transport="card", at=1.0)
    assert store.decide(sound.id, no)
    assert store.answer(sound.id) == no
    assert store.settle(spoilt.id, no) == no, "where it was asked it is answered"


@both
@pytest.mark.parametrize("written", [*NO_JSON, *OTHERS])
def test_a_decision_that_cannot_be_read_is_none(store, questions, behind, written):
    sound, spoilt = questions
    behind("UPDATE approvals SET state = 'allowed', decision = ? WHERE id = ?", written, spoilt.id)
    assert store.answer(spoilt.id) is None
    with store.reading() as connection:
        glance(connection)
        assert known_load(connection, store.session, spoilt.id).question.decision is None
    store.statistics()
    no = Decision(allow=False, by="ada", transport="card", at=1.0)
    assert store.settle(spoilt.id, no) == no
    assert [one.id for one in store.pending()] == [sound.id]


@both
def test_what_is_too_long_is_not_read(store, lines, questions, behind, monkeypatch):
    monkeypatch.setattr("jupyter_modelguard.history.legible._MOST", 10_000)
    huge = json.dumps({"title": "x" * 20_000})
    behind("UPDATE approvals SET view = ? WHERE id = ?", huge, questions[1].id)
    behind("UPDATE loads SET report = ? WHERE id = ?", huge, lines[1].id)
    assert [one.id for one in store.pending()] == [questions[0].id]
    assert "report of this line cannot be read" in store.find(lines[1].id).error


@both
def test_a_name_with_half_a_character_hides_no_line(store):
    """PostgreSQL keeps such a name, and refuses to look into what holds it."""
    record = full_record(store)
    record = dataclasses.replace(record, artifact=dataclasses.replace(record.artifact, name="\udce4.pt"))
    store.record(record)
    assert store.flush()
    with store.reading() as connection:
        assert [row.id for row in rows(connection, Search(), 10)] == [record.id]
        assert [row.id for row in rows(connection, Search(text="torch"), 10)] == [record.id]
        assert len(glance(connection).loads) == 1
