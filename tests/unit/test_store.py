"""The history: what goes in comes out, whatever happens to the file and to the processes."""

from __future__ import annotations

import dataclasses
import logging
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
import threading

import pytest

from jupyter_modelguard.errors import HistoryError
from jupyter_modelguard.history.store import Store
from jupyter_modelguard.types import (
    Artifact,
    CallSite,
    CodeFile,
    Coverage,
    Decision,
    Finding,
    GlobalUse,
    HistoryRecord,
    Judgement,
    LoadRequest,
    Outcome,
    QualifiedName,
    RiskLevel,
    ScanReport,
    Scope,
    Severity,
)

SITE = CallSite("a.ipynb", "cell-1", 7, 3)
VIEW = {"id": "x", "title": "Stopped"}


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path)
    yield made
    made.close()


def full_record(store, **changed):
    record = HistoryRecord(
        id=store.next_id(),
        at=1_700_000_000.25,
        request=LoadRequest("torch.load", "torch.load(weights_only=False)", "/data/ж \udce4.pt", SITE),
        outcome=Outcome.BLOCKED,
        level=RiskLevel.DANGEROUS,
        artifact=Artifact("yolo.pt", "/data/yolo.pt", "torch-zip", "ab" * 32, 84_000_000, (CodeFile("m.py", "cd", b"\x00\xff"),)),
        report=ScanReport(
            "yolo.pt",
            "torch-zip",
            "ab" * 32,
            84_000_000,
            (Finding("r", Severity.HIGH, "t", "data.pkl, byte 41", 502, code="os.system"),),
            (GlobalUse(QualifiedName("posix", "system"), 2, Judgement.DANGEROUS, "runs a command", "Python"),),
            Coverage(2, 1, ("part two: \ud800",)),
            0.5,
            ("pickle-trace 1",),
        ),
        decision=Decision(allow=False, by="ada", transport="card", reason="kept blocked", scope=Scope.ONCE, at=1.5),
        seconds=0.25,
        error="no",
    )
    return dataclasses.replace(record, **changed)


def read(home):
    store = Store(home)
    try:
        return store.history(10_000)
    finally:
        store.close()


def in_child(program, *arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        **options,
    )


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


def test_the_first_decision_counts_and_only_that(store):
    record = full_record(store, outcome=Outcome.WAITING, decision=None)
    assert store.ask(record, VIEW)
    assert store.answer(record.id) is None
    (waiting,) = store.pending()
    assert (waiting.id, waiting.view) == (record.id, VIEW)
    bob = Decision(allow=True, by="bob", transport="database", reason="I read the code", at=2.0)
    other = Store(store.path.parent)
    assert other.decide(f"#{record.id[:5]}", bob)
    assert not other.decide(record.id, Decision(allow=False, by="eve", transport="database"))
    assert store.answer(record.id) == bob
    assert store.settle(record.id, Decision(allow=False, by="ada", transport="card")) == bob
    assert store.pending() == ()
    other.close()


def test_a_decision_brought_by_the_waiting_kernel_closes_the_row(store):
    record = full_record(store, outcome=Outcome.WAITING)
    store.ask(record, VIEW)
    ada = Decision(allow=True, by="ada", transport="card", at=2.0)
    assert store.settle(record.id, ada) == ada
    assert not store.decide(record.id, Decision(allow=False, by="eve", transport="database"))
    assert store.claim(record) is None, "it was used by the load that waited"


def test_an_approval_after_the_load_failed_passes_the_same_artifact_once(store):
    record = full_record(store)
    store.ask(record, VIEW)
    store.stop_waiting(record.id)
    store.decide(record.id, Decision(allow=True, by="bob", transport="database"))
    again = dataclasses.replace(record, id=store.next_id())
    other_digest = dataclasses.replace(again, artifact=dataclasses.replace(record.artifact, digest="ef" * 32))
    more = dataclasses.replace(record.report.globals[0], name=QualifiedName("os", "remove"))
    other_globals = dataclasses.replace(again, report=dataclasses.replace(record.report, globals=(*record.report.globals, more)))
    assert store.claim(other_digest) is None
    assert store.claim(other_globals) is None
    assert store.claim(again).by == "bob"
    assert store.claim(again) is None


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


WAITER = """
import sys, pathlib, time
from jupyter_modelguard.history.store import Store
from jupyter_modelguard.types import *
store = Store(pathlib.Path(sys.argv[1]))
record = HistoryRecord(store.next_id(), time.time(), LoadRequest("pickle.load", "pickle.load(f)", "/x"), Outcome.WAITING)
assert store.ask(record, {"id": record.id})
print(record.id, flush=True)
while store.answer(record.id) is None:
    time.sleep(0.02)
print(store.answer(record.id), flush=True)
"""


def test_a_waiting_process_killed_outright_leaves_a_sound_history(tmp_path):
    child = in_child(WAITER, tmp_path)
    identity = child.stdout.readline().strip()
    store = Store(tmp_path)
    assert [waiting.id for waiting in store.pending()] == [identity]
    child.send_signal(signal.SIGKILL)
    child.wait(timeout=60)
    child.stdout.close()
    assert not store.decide(identity, Decision(allow=True, by="bob", transport="database"))
    assert store.pending() == ()
    assert store.find(identity).outcome is Outcome.ABANDONED
    with sqlite3.connect(store.path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    store.close()


def test_closing_the_session_abandons_what_waits(tmp_path):
    first, second = Store(tmp_path), Store(tmp_path)
    record = full_record(first, outcome=Outcome.WAITING)
    first.ask(record, VIEW)
    first.close()
    assert second.pending() == ()
    assert second.find(record.id).outcome is Outcome.ABANDONED
    second.close()


def test_a_damaged_file_is_kept_aside_and_a_fresh_one_begun(tmp_path, caplog):
    (tmp_path / "history.sqlite").write_bytes(b"this is no database, whatever it says" * 100)
    store = Store(tmp_path)
    record = full_record(store)
    with caplog.at_level(logging.WARNING):
        store.record(record)
        assert store.find(record.id).id == record.id
    assert [message for message in caplog.messages if "damaged" in message]
    (aside,) = tmp_path.glob("history.damaged-*.sqlite")
    assert aside.read_bytes().startswith(b"this is no database")
    store.close()


def test_a_file_damaged_while_in_use_is_replaced(tmp_path, caplog):
    store = Store(tmp_path)
    for number in range(2_000):
        store.note("pickle.load", f"/data/{number}.pkl", 1, 1.0, SITE, 0.0)
    store.flush()
    store._database.close()
    content = bytearray(store.path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    store.path.write_bytes(content)
    record = full_record(store)
    store.record(record)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            store.flush()
    assert store.find(record.id).id == record.id
    assert list(tmp_path.glob("history.damaged-*.sqlite"))
    store.close()


def test_a_locked_database_delays_nothing_for_long_and_loses_nothing(tmp_path, caplog):
    store = Store(tmp_path)
    store.note("pickle.load", "/data/first.pkl", 1, 1.0, SITE, 0.0)
    assert store.flush()
    lock = sqlite3.connect(store.path, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    record = full_record(store)
    with caplog.at_level(logging.WARNING):
        assert not store.ask(record, VIEW), "nobody can answer in a database that cannot be written"
        assert not store.usable
        store.record(record)
        assert not store.flush()
    assert len([message for message in caplog.messages if "stay in memory" in message]) == 1
    assert [found.id for found in store.history() if found.id == record.id] == [record.id]
    assert store.find(record.id) == record
    lock.execute("ROLLBACK")
    lock.close()
    store._database._rests_until = 0.0
    assert store.flush()
    assert {found.request.loader for found in read(tmp_path)} == {"pickle.load", "torch.load"}
    store.close()


def test_a_folder_that_cannot_be_written_keeps_the_history_in_memory(tmp_path):
    store = Store(tmp_path / "missing")
    record = full_record(store)
    store.record(record)
    assert not store.ask(record, VIEW)
    assert store.history() == (record,)
    assert store.settle(record.id, record.decision) == record.decision
    assert store.answer(record.id) is None
    store.close()


def test_a_full_disk_keeps_the_history_in_memory(tmp_path):
    from sqlalchemy import event

    store = Store(tmp_path)
    store.flush()
    engine = store._database._open()
    engine.dispose()

    @event.listens_for(engine, "connect")
    def limit(connection, _record):
        connection.execute("PRAGMA max_page_count=12")

    for number in range(5_000):
        store.note("pickle.load", f"/data/{number}", 1, 1.0, SITE, 0.0)
    assert not store.flush()
    assert len(store.history(10_000)) == 5_000
    store.close()


def test_a_history_of_a_later_version_is_left_alone(tmp_path):
    connection = sqlite3.connect(tmp_path / "history.sqlite")
    connection.execute("PRAGMA user_version=99")
    connection.close()
    store = Store(tmp_path)
    record = full_record(store)
    store.record(record)
    assert not store.flush()
    assert store.find(record.id) == record
    store.close()
    assert not list(tmp_path.glob("*.damaged*"))


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
