"""Which process wrote a line, and whether it is still there."""

from __future__ import annotations

import signal
import sys
import types

import pytest

from jupyter_modelguard.history import sessions
from jupyter_modelguard.history.store import Store
from jupyter_modelguard.types import Outcome

from histories import OPEN, SITE, VIEW, both, full_record, in_child  # isort: skip


@both
def test_a_session_is_written_with_its_first_line(store):
    assert store.sessions() == ()
    store.note("pickle.load", "/x", 1, 1.0, SITE, 0.0)
    store.flush()
    (session,) = store.sessions()
    assert (session.session, session.notebook, session.kernel, session.alive, session.ended) == (
        store.session,
        "a.ipynb",
        None,
        True,
        None,
    )


@both
def test_a_session_is_written_with_its_first_question(store):
    store.ask(full_record(store, outcome=Outcome.WAITING), VIEW)
    assert [session.session for session in store.sessions()] == [store.session]


@both
def test_a_session_that_ends_in_good_order_says_when(history):
    first, second = history.open(), history.open()
    first.record(full_record(first))
    first.close()
    (session,) = second.sessions()
    assert session.ended >= session.started
    assert session.alive is False


WRITES = (
    OPEN
    + """
store.note("pickle.load", "/x", 1, 1.0, CallSite(), 0.0)
store.flush()
print("written", flush=True)
sys.stdin.read()
"""
)


@both
def test_a_process_that_was_killed_is_not_alive(store, history):
    import subprocess

    child = in_child(WRITES, *history.arguments, stdin=subprocess.PIPE)
    assert child.stdout.readline() == "written\n"
    assert [session.alive for session in store.sessions()] == [True]
    child.send_signal(signal.SIGKILL)
    child.communicate(timeout=60)
    assert [(session.alive, session.ended) for session in store.sessions()] == [(False, None)]


@pytest.mark.parametrize(
    ("name", "kernel"), [("kernel-0a1b-22.json", "0a1b-22"), ("connection.json", None), ("kernel-../../x.json", None)]
)
def test_a_kernel_is_known_by_its_connection_file(monkeypatch, name, kernel):
    application = types.SimpleNamespace(
        initialized=lambda: True, instance=lambda: types.SimpleNamespace(connection_file=f"/run/{name}")
    )
    monkeypatch.setitem(sys.modules, "ipykernel.kernelapp", types.SimpleNamespace(IPKernelApp=application))
    assert sessions.kernel_id() == kernel


def test_the_place_is_that_of_the_file(tmp_path):
    assert Store(tmp_path).place == Store(tmp_path).place != Store(tmp_path / "other").place
    assert len(Store(tmp_path).place) == 16


def test_a_password_is_no_part_of_the_place(tmp_path):
    places = {
        Store(tmp_path, f"postgresql+psycopg://ada{secret}@h/d{query}").place
        for secret in ("", ":one", ":two")
        for query in ("", "?password=three")
    }
    assert len(places) == 1
    assert Store(tmp_path, "postgresql+psycopg://ada@h/e").place not in places


@both
def test_a_watch_tells_of_what_others_write(store, history):
    other = history.open()
    watch = store.watch()
    assert watch.changed(), "the first look has seen nothing yet"
    assert not watch.changed()
    other.record(full_record(other))
    other.flush()
    assert watch.changed()
    assert not watch.changed()
    watch.close()


@both
def test_what_waits_says_where_it_stands(store):
    store.ask(full_record(store, outcome=Outcome.WAITING), VIEW)
    (waiting,) = store.pending()
    assert (waiting.notebook, waiting.cell_id, waiting.execution_count, waiting.line, waiting.level) == (
        "a.ipynb",
        "cell-1",
        7,
        3,
        "dangerous",
    )


@both
def test_single_lines_are_deleted_and_what_waits_stays(store):
    one, other = full_record(store), full_record(store)
    waiting = full_record(store, outcome=Outcome.WAITING, decision=None)
    store.record(one)
    store.record(other)
    store.ask(waiting, VIEW)
    assert store.delete([(store.session, one.id), (store.session, waiting.id), ("other", other.id)]) == 1
    assert {record.id for record in store.history()} == {other.id, waiting.id}
