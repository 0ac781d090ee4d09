"""The history: what goes in comes out, whatever happens to the file and to the processes."""

from __future__ import annotations

import dataclasses
import os
import stat
import threading

import pytest

from jupyter_modelguard.errors import HistoryError
from jupyter_modelguard.history.store import Store
from jupyter_modelguard.types import (
    Decision,
    Outcome,
    RiskLevel,
)

from histories import SITE, full_record, in_child, read  # isort: skip


def test_building_a_store_touches_no_file_and_imports_no_sqlalchemy(tmp_path):
    program = (
        "import sys, pathlib; from jupyter_modelguard.history.store import Store; Store(pathlib.Path(sys.argv[1])); "
        "print('sqlalchemy' in sys.modules)"
    )
    output, _ = in_child(program, tmp_path).communicate(timeout=60)
    assert output.strip() == "False"
    assert not list(tmp_path.iterdir())


def test_a_record_comes_back_as_it_was(store):
    record = full_record(store)
    store.record(record)
    found = store.find(record.id[:6])
    # a path that is no text is kept readable in the column that is searched, and exact in the report
    assert found == dataclasses.replace(record, request=dataclasses.replace(record.request, source="/data/ж \\udce4.pt"))


def test_a_later_record_with_the_same_id_replaces_the_earlier(store):
    record = full_record(store, outcome=Outcome.WAITING, decision=None)
    store.record(record)
    store.flush()
    store.record(dataclasses.replace(record, outcome=Outcome.ALLOWED))
    assert [found.outcome for found in store.history()] == [Outcome.ALLOWED]


def test_notes_and_tallies_are_lines_too(store):
    store.note("pickle.load", "/data/ж.pkl", 12, 5.0, SITE, 0.001)
    tally = store.tally("pickle.loads", SITE)
    for _ in range(1_000):
        tally.bump()
    counted, noted = store.history()
    assert (noted.request.source, noted.artifact.size, noted.request.site, noted.level) == (
        "/data/ж.pkl",
        12,
        SITE,
        RiskLevel.DATA_ONLY,
    )
    assert (counted.count, counted.request.loader) == (1_000, "pickle.loads")


def test_a_tally_counts_every_thread_and_is_one_line_a_cell(store):
    tally = store.tally("pickle.loads", SITE)
    assert store.tally("pickle.loads", dataclasses.replace(SITE, line=9)) is tally

    def load():
        for _ in range(10_000):
            tally.bump()

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        store.flush()
    store.flush()
    (line,) = store.history()
    assert line.count == 40_000


def test_lines_are_written_without_being_asked_for(store):
    store.note("pickle.load", "/data/x.pkl", 12, 5.0, SITE, 0.001)
    for _ in range(200):
        if read(store.path.parent):
            return
        threading.Event().wait(0.05)
    pytest.fail("the writer did not write")


def test_the_file_is_closed_to_others(store):
    store.note("pickle.load", "x", 1, 1.0, SITE, 0.0)
    store.flush()
    for file in store.path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_several_processes_write_at_once(tmp_path):
    program = """
    import sys, pathlib
    from jupyter_modelguard.history.store import Store
    from jupyter_modelguard.types import CallSite
    store = Store(pathlib.Path(sys.argv[1]))
    for number in range(500):
        store.note("pickle.load", f"{sys.argv[2]}-{number}", 1, 1.0, CallSite(), 0.0)
        if number % 50 == 0:
            assert store.flush()
    store.close()
    """
    children = [in_child(program, tmp_path, number) for number in range(4)]
    for child in children:
        child.communicate(timeout=120)
    assert [child.returncode for child in children] == [0] * 4
    assert len({record.request.source for record in read(tmp_path)}) == 2_000


@pytest.mark.parametrize("wrong", ["", "xyz", "7f3a%", "' or 1=1 --", "123456789"])
def test_what_is_no_id_is_refused(store, wrong):
    store.record(full_record(store))
    with pytest.raises(HistoryError, match="up to eight digits"):
        store.find(wrong)
    with pytest.raises(HistoryError, match="up to eight digits"):
        store.decide(wrong, Decision(allow=True, by="x", transport="database"))


def test_an_ambiguous_id_is_refused(store):
    store.record(full_record(store, id="abc00001"))
    store.record(full_record(store, id="abc00002"))
    with pytest.raises(HistoryError, match="2 loads begin with #abc"):
        store.find("abc")
    assert store.find("#ABC00002").id == "abc00002"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_writes_its_own_lines_over_its_own_connection(tmp_path):
    store = Store(tmp_path)
    store.note("pickle.load", "/data/flushed", 1, 1.0, SITE, 0.0)
    store.flush()
    store.note("pickle.load", "/data/parent", 1, 1.0, SITE, 0.0)
    session = store.session
    child = os.fork()
    if child == 0:
        done = 1
        try:
            store.note("pickle.load", "/data/child", 1, 1.0, SITE, 0.0)
            done = 0 if store.flush() and store.session != session else 2
        finally:
            os._exit(done)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    store.flush()
    assert sorted(record.request.source for record in store.history()) == ["/data/child", "/data/flushed", "/data/parent"]
    store.close()


def test_ids_of_a_session_do_not_repeat(store):
    assert len({store.next_id() for _ in range(100_000)}) == 100_000


def test_what_is_buffered_at_exit_is_written(tmp_path):
    program = """
    import sys, pathlib
    from jupyter_modelguard.history.store import Store
    from jupyter_modelguard.types import CallSite
    store = Store(pathlib.Path(sys.argv[1]))
    store.note("pickle.load", "/data/last", 1, 1.0, CallSite(), 0.0)
    """
    in_child(program, tmp_path).communicate(timeout=60)
    store = Store(tmp_path)
    assert [record.request.source for record in store.history()] == ["/data/last"]
    store.close()
