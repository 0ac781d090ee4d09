"""Looking through the history, the same in a file and in PostgreSQL."""

from __future__ import annotations

import dataclasses

import pytest

from jupyter_modelguard.history.glance import NOTHING, difference, glance
from jupyter_modelguard.history.known_load import known_load
from jupyter_modelguard.history.search import Search, counts, records, row_of, rows, total
from jupyter_modelguard.types import CallSite, LoadRequest, Outcome, RiskLevel

from histories import VIEW, both, full_record  # isort: skip


pytestmark = both


@pytest.fixture
def filled(store):
    sources = ["/data/Forest_100%.joblib", "/data/forest-1000.joblib", "/data/Жук.pt"]
    for at, source in enumerate(sources):
        store.note("joblib.load", source, 9, 10.0 + at, CallSite("b.ipynb", "c", 1, 1), 0.1)
    store.record(full_record(store, at=20.0))
    store.record(full_record(store, at=21.0, outcome=Outcome.ALLOWED, level=RiskLevel.RUNS_CODE))
    store.record(full_record(store, at=22.0, outcome=Outcome.UNGUARDED, level=None, decision=None, artifact=None))
    assert store.flush()
    return store


def found(store, **sought):
    with store.reading() as connection:
        search = Search(**sought)
        listed = rows(connection, search, 100)
        assert len(listed) == total(connection, search) == counts(connection, search).total
        whole = records(connection, search, 100)
        assert whole == store.history(100, search)
        assert whole == tuple(one for one in records(connection, Search(), 100) if search.matches(one))
        assert [one.id for one in listed] == [one.id for one in whole]
        return [row.at for row in listed]


def test_everything_newest_first(filled):
    assert found(filled) == [22.0, 21.0, 20.0, 12.0, 11.0, 10.0]


def test_text_whatever_its_case_and_its_wildcards_mean_themselves(filled):
    assert found(filled, text="FOREST") == [11.0, 10.0]
    assert found(filled, text="_100%") == [10.0]
    assert found(filled, text="forest%joblib") == found(filled, text="fores_") == []
    assert found(filled, text="\\") == [22.0, 21.0, 20.0]  # in an escape of their source
    assert found(filled, text="жук") == found(filled, text="ЖУК") == [12.0]
    assert found(filled, text="Yolo.PT") == [21.0, 20.0]  # the name alone has it
    assert found(filled, text="B.IPYNB") == [12.0, 11.0, 10.0]


def test_filters_together(filled):
    assert found(filled, levels=(RiskLevel.DANGEROUS, RiskLevel.RUNS_CODE)) == [21.0, 20.0]
    assert found(filled, outcome=Outcome.UNGUARDED) == [22.0]
    assert found(filled, notebook="a.ipynb", since=20.5) == [22.0, 21.0]
    assert found(filled, notebook="A.ipynb") == []


def test_counts_by_level_as_if_none_were_chosen(filled):
    with filled.reading() as connection:
        counted = counts(connection, Search(levels=(RiskLevel.DANGEROUS,)))
    assert (counted.total, counted.all, counted.stopped) == (1, 6, 1)
    assert counted.levels == {"data_only": 3, "dangerous": 1, "runs_code": 1}
    assert [(one.notebook, one.count, one.latest) for one in counted.notebooks] == [("a.ipynb", 1, 20.0)]


def test_a_line_looks_the_same_in_the_list_and_by_itself(filled):
    with filled.reading() as connection:
        for row in rows(connection, Search(), 100):
            assert row_of(known_load(connection, row.session, row.id).record, row.session) == row
        assert known_load(connection, "00", "00000000") is None


def test_a_glance_tells_what_is_new_changed_and_gone(store):
    record = full_record(store, outcome=Outcome.WAITING, decision=None)
    assert store.ask(record, VIEW)
    with store.reading() as connection:
        first = glance(connection)
        asked = difference(NOTHING, first)
    assert [(one.id, one.outcome) for one in asked.recorded] == [(record.id, "waiting")]
    assert [(one.id, one.state, one.waiting) for one in asked.questions] == [(record.id, "pending", True)]
    store.abandon(store.session)
    store.record(dataclasses.replace(full_record(store), request=LoadRequest("pickle.load", "pickle.load(f)", "/b.pkl")))
    store.flush()
    with store.reading() as connection:
        second = glance(connection, first)
    changed = difference(first, second)
    assert [one.outcome for one in changed.recorded] == ["abandoned", "blocked"]
    assert [one.state for one in changed.questions] == ["abandoned"]
    assert store.delete([(store.session, changed.recorded[1].id)]) == 1
    with store.reading() as connection:
        gone = difference(second, glance(connection, second))
    assert [one.id for one in gone.deleted] == [changed.recorded[1].id]
    assert (gone.recorded, gone.more, gone.questions) == ((), 0, ())


def test_many_new_lines_are_counted_beyond_a_glance(store):
    with store.reading() as connection:
        first = glance(connection)
    for at in range(500):
        store.note("joblib.load", "/a.joblib", 9, float(at), CallSite(), 0.1)
    store.flush()
    with store.reading() as connection:
        changed = difference(first, glance(connection, first))
    assert len(changed.recorded) + changed.more == 500
