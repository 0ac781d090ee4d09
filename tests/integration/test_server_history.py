"""What the server shows of a history, and what it tells while one is written."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sqlite3
import time

import pytest

pytest.importorskip("jupyter_server")
pytest.importorskip("websocket", reason="websocket-client is not installed")

from jupyter_modelguard import config
from jupyter_modelguard.approval.present import build_view, plain_view
from jupyter_modelguard.history.store import Store
from jupyter_modelguard.types import (
    Artifact,
    Assessment,
    CallSite,
    Decision,
    GlobalUse,
    HistoryRecord,
    Judgement,
    LoadRequest,
    Outcome,
    QualifiedName,
    RiskLevel,
    ScanReport,
)

from histories import full_record, in_child  # isort: skip
from jupyter_servers import started_server  # isort: skip

LOAD = "https://schema.jupyter.org/jupyter_modelguard/load/v1"
LOADS = "https://schema.jupyter.org/jupyter_modelguard/loads/v1"
APPROVAL = "https://schema.jupyter.org/jupyter_modelguard/approval/v1"
HELD = {"jupyter_modelguard.hooks", "jupyter_modelguard.engines", "jupyter_modelguard.guard", "jupyter_modelguard.stages"}
HEAVY = {"torch", "fickling", "IPython.core.interactiveshell", "ipywidgets", "anywidget", "transformers", "loky"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    made = tmp_path_factory.mktemp("home")
    made.chmod(0o700)
    return made


@pytest.fixture(scope="module")
def server(folder, home):
    with started_server(folder, home) as started:
        yield started


@pytest.fixture
def store(folder, home, monkeypatch):
    """The history as a kernel of the same person writes it."""
    monkeypatch.setattr(config, "default_home", lambda: folder / "trust")
    made = Store(home)
    yield made
    made.close()


def asked(store, *, judgement=Judgement.UNKNOWN, level=RiskLevel.RUNS_CODE, notebook="a.ipynb", name="bad.pkl"):
    use = GlobalUse(QualifiedName("evil", "run"), 1, judgement)
    report = ScanReport(f"/data/{name}", "pickle", "ab" * 32, 12, globals=(use,))
    request = LoadRequest("pickle.load", "pickle.load(f)", f"/data/{name}", CallSite(notebook, "cell-1", 7, 3))
    artifact = Artifact(name, f"/data/{name}", "pickle", "ab" * 32, 12)
    record = HistoryRecord(store.next_id(), time.time(), request, Outcome.WAITING, level, artifact, report)
    view = build_view(record, Assessment(level, report))
    assert store.ask(record, plain_view(view))
    return record, view


def test_a_server_before_any_load_answers_and_creates_nothing(tmp_path):
    home = tmp_path / "none" / "yet"
    with started_server(tmp_path / "server", home) as server:
        assert server.ask("GET", "/scans") == (200, {"total": 0, "rows": []})
        counted = {"total": 0, "all": 0, "stopped": 0, "levels": {}, "notebooks": []}
        assert server.ask("GET", "/notebooks") == (200, counted)
        assert server.ask("GET", "/approvals") == (200, {"approvals": []})
        assert server.ask("GET", "/sessions") == (200, {"sessions": []})
        assert server.ask("GET", "/trust") == (200, {"trusted": []})
        assert server.ask("GET", "/scans/00/7f3a91c2")[0] == 404
        assert server.send("GET", "/export?format=csv")[0] == 200
        status, said = server.ask("GET", "/status")
        assert (status, said["problem"], said["place"]) == (200, None, Store(home).place)
        assert not home.parent.exists()
        assert not (tmp_path / "server" / "trust").exists()
        home.mkdir(parents=True, mode=0o700)
        store = Store(home)
        with server.events() as until, contextlib.closing(store):
            store.record(full_record(store))
            store.flush()
            assert until(lambda event: event["schema_id"] == LOAD)["action"] == "recorded"
        assert server.ask("GET", "/scans")[1]["total"] == 1


def test_a_server_process_has_nothing_that_holds_loads(server, store):
    record, _ = asked(store)
    server.ask("GET", "/approvals")
    server.ask("POST", f"/approvals/{store.session}/{record.id}", {"decision": "deny"})
    for name in ("json", "csv", "sarif", "cyclonedx"):
        server.send("GET", f"/export?format={name}")
    modules = set(server.inside()["modules"])
    assert "jupyter_modelguard.approval.answer" in modules
    assert [name for name in modules if any(name == held or name.startswith(f"{held}.") for held in HELD)] == []
    assert modules & HEAVY == set()


def test_lists_counts_and_details(server, store):
    record = full_record(store, at=time.time())
    store.record(record)
    store.note("joblib.load", "/data/forest_100%.joblib", 9, time.time() - 5, CallSite("b.ipynb", "c", 1, 1), 0.1)
    store.flush()
    status, page = server.ask("GET", "/scans?text=YOLO.PT&level=dangerous&level=runs_code&notebook=a.ipynb&outcome=blocked")
    assert (status, page["total"]) == (200, 1)
    (row,) = page["rows"]
    assert (row["id"], row["session"], row["name"], row["by"], row["level"]) == (
        record.id,
        store.session,
        "yolo.pt",
        "ada",
        "dangerous",
    )
    assert [row["name"] for row in server.ask("GET", "/scans?text=t_100%25")[1]["rows"]] == ["forest_100%.joblib"]
    assert server.ask("GET", "/scans?text=t%25100")[1]["rows"] == []
    counted = server.ask("GET", "/notebooks?level=dangerous")[1]
    assert {one["notebook"] for one in counted["notebooks"]} == {"a.ipynb"}
    assert counted["levels"]["data_only"] >= 1
    status, detail = server.ask("GET", f"/scans/{store.session}/{record.id}")
    assert (status, detail["row"]["id"], detail["findings"][0]["cwe"]) == (200, record.id, 502)
    assert "content" not in detail["record"]["artifact"]["files"][0]
    assert {fact["label"] for fact in detail["facts"]} >= {"Call", "Cell", "From", "File", "Checked", "Error"}
    assert [(step["what"], step["by"]) for step in detail["trail"]] == [("Kept blocked", "ada")]
    assert server.ask("DELETE", f"/scans/{store.session}/{record.id}") == (200, {"deleted": 1})
    assert server.ask("GET", f"/scans/{store.session}/{record.id}")[0] == 404
    assert server.ask("DELETE", f"/scans/{store.session}/{record.id}")[0] == 404


def test_pages_are_newest_first(server, store):
    for at in range(5):
        store.record(full_record(store, at=1000.0 + at, outcome=Outcome.FAILED))
    store.flush()
    pages = [server.ask("GET", f"/scans?outcome=failed&limit=2&offset={offset}")[1] for offset in (0, 2, 4)]
    assert [row["at"] for page in pages for row in page["rows"]] == [1004.0, 1003.0, 1002.0, 1001.0, 1000.0]
    assert {page["total"] for page in pages} == {5}


def test_text_that_cannot_be_sent_is_spelled_out(server, store):
    record = full_record(store)
    store.record(record)
    store.flush()
    status, detail = server.ask("GET", f"/scans/{store.session}/{record.id}")
    assert status == 200
    assert detail["record"]["report"]["coverage"]["missed"] == ["part two: \\ud800"]


def test_exports_are_files(server, store):
    store.record(full_record(store))
    store.flush()
    for name, ending in (("json", "json"), ("csv", "csv"), ("sarif", "sarif")):
        status, headers, text = server.send("GET", f"/export?format={name}&notebook=a.ipynb")
        assert (status, headers["X-Content-Type-Options"]) == (200, "nosniff")
        assert headers["Content-Disposition"] == f"attachment; filename=modelguard-history.{ending}"
        assert b"yolo.pt" in text
        assert b"yolo.pt" not in server.send("GET", f"/export?format={name}&names=hide")[2]


def test_a_setting_hides_names_whatever_is_asked(tmp_path, home, store):
    store.record(full_record(store))
    store.flush()
    with started_server(tmp_path / "server", home, config="c.ModelGuardConfig.export_names = False") as server:
        assert b"yolo.pt" not in server.send("GET", "/export?format=json&names=show")[2]


@pytest.mark.parametrize(
    "answer",
    [
        {"decision": "allow"},
        {"decision": "allow", "reason": "because", "scope": "once"},
        {"decision": "allow", "reason": "I read the code", "scope": "digest"},
        {"decision": "allow", "reason": "I read the code", "scope": "commit"},
        {"decision": "allow", "reason": "I read the code", "scope": "once", "finding": "something else"},
        {"decision": "allow", "reason": "I read the code", "scope": "once"},
    ],
)
def test_an_answer_that_the_card_does_not_offer_is_refused(server, store, answer):
    record, view = asked(store, judgement=Judgement.DANGEROUS, level=RiskLevel.DANGEROUS)
    address = f"/approvals/{store.session}/{record.id}"
    status, said = server.ask("POST", address, answer)
    assert (status, said["message"]) == (400, "This is no answer to what is asked.")
    assert store.answer(record.id) is None
    fits = {"decision": "allow", "reason": "I read the code", "scope": "once", "finding": view.confirm[0]}
    assert server.ask("POST", address, fits)[0] == 400, "it does not say which card it is an answer to"
    assert server.ask("POST", address, {**fits, "seen": seen(server, record)})[0] == 200
    decision = store.answer(record.id)
    assert (decision.allow, decision.by, decision.transport) == (True, config.user_name(), "sidebar")


def seen(server, record):
    """Look at what waits, as the panel does, and give what names the card."""
    return next(one["seen"] for one in server.ask("GET", "/approvals")[1]["approvals"] if one["id"] == record.id)


def test_a_card_that_was_shown_for_a_moment_is_not_what_is_allowed(server, store):
    """Somebody who can write to the file shows another card, and puts the first one back before the answer comes."""
    record, view = asked(store)
    address = f"/approvals/{store.session}/{record.id}"
    fits = {"decision": "allow", "reason": "I read the code", "scope": "once"}

    def show(shown):
        with contextlib.closing(sqlite3.connect(store.path, isolation_level=None)) as connection:
            connection.execute("UPDATE approvals SET view = ? WHERE id = ?", (json.dumps(shown), record.id))

    show({**plain_view(view), "title": "Holds numbers", "calls": []})
    looked_at = seen(server, record)
    show(plain_view(view))
    status, said = server.ask("POST", address, {**fits, "seen": looked_at})
    assert (status, said["next"]) == (409, "Look at it again, then decide.")
    assert store.answer(record.id) is None
    assert server.ask("POST", address, {**fits, "seen": seen(server, record)})[0] == 200
    assert store.answer(record.id).allow


def test_the_first_decision_counts(server, store):
    record, _ = asked(store)
    address = f"/approvals/{store.session}/{record.id}"
    listed = [one for one in server.ask("GET", "/approvals")[1]["approvals"] if one["id"] == record.id]
    assert [(one["notebook"], one["cell_id"], one["execution_count"], one["line"], one["waiting"]) for one in listed] == [
        ("a.ipynb", "cell-1", 7, 3, True)
    ]
    assert listed[0]["view"]["title"] == "Stopped before loading"
    assert server.ask("DELETE", f"/scans/{store.session}/{record.id}")[0] == 409  # it waits
    store.settle(record.id, Decision(allow=False, by="ada", transport="card", at=1.0))
    status, said = server.ask("POST", address, {"decision": "allow", "reason": "I read the code", "scope": "once"})
    assert (status, said["message"]) == (409, "Somebody was first, or the kernel that asked has gone.")
    assert server.ask("POST", f"/approvals/{store.session}/00000000", {"decision": "deny"})[0] == 404
    assert server.ask("POST", f"/approvals/00/{record.id}", {"decision": "deny"})[0] == 404


def test_nobody_decides_for_a_kernel_that_is_gone(server, store, home):
    asking = """
        import os, sys
        sys.path[:0] = sys.argv[2:]
        from pathlib import Path
        from test_server_history import Store, asked
        store = Store(Path(sys.argv[1]))
        record, _ = asked(store, name="gone.pkl")
        print(store.session, record.id, flush=True)
        os._exit(0)
    """
    from pathlib import Path

    here = Path(__file__).parent
    with in_child(asking, home, here, here.parent / "shared") as child:
        session, identity = child.stdout.read().split()
    assert server.ask("POST", f"/approvals/{session}/{identity}", {"decision": "deny"})[0] == 409
    assert identity not in [one["id"] for one in server.ask("GET", "/approvals")[1]["approvals"]]
    assert server.ask("GET", f"/scans/{session}/{identity}")[1]["trail"][-1]["what"] == "Not decided: the kernel went away"
    (known,) = [one for one in server.ask("GET", "/sessions")[1]["sessions"] if one["session"] == session]
    assert known["alive"] is False


def test_every_step_of_a_question_is_told(server, store):
    with server.events() as until:
        record, _ = asked(store, name="told.pkl")
        first = until(lambda event: event["schema_id"] == APPROVAL and event["id"] == record.id)
        assert (first["action"], first["waiting"], first["allow"], first["notebook"]) == ("asked", True, None, "a.ipynb")
        server.ask("POST", f"/approvals/{store.session}/{record.id}", {"decision": "deny"})
        decided = until(
            lambda event: event["schema_id"] == APPROVAL and event["id"] == record.id and event["action"] == "decided"
        )
        assert (decided["allow"], decided["by"]) == (False, config.user_name())
        store.record(dataclasses.replace(record, outcome=Outcome.BLOCKED, decision=store.answer(record.id)))
        store.flush()
        load = until(lambda event: event["schema_id"] == LOAD and event["id"] == record.id and event["outcome"] == "blocked")
        assert (load["action"], load["level"], load["transport"], load["name"]) == (
            "recorded",
            "runs_code",
            "sidebar",
            "told.pkl",
        )
        assert server.ask("DELETE", f"/scans/{store.session}/{record.id}")[0] == 200
        until(lambda event: event["schema_id"] == LOAD and event["id"] == record.id and event["action"] == "deleted")
        heard = json.dumps(until.heard)
    assert "evil" not in heard  # nothing of what the file would call


def test_many_lines_at_once_are_told_as_one(server, store):
    with server.events() as until:
        asked(store)  # whoever listens hears this
        until(lambda event: event["schema_id"] == APPROVAL)
        for _ in range(300):
            store.record(full_record(store))
        store.flush()
        assert until(lambda event: event["schema_id"] == LOADS and event["count"] >= 100)["count"] <= 300


def test_a_locked_history_is_said_and_harms_nothing(tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    store = Store(home)
    store.record(full_record(store))
    store.close()
    with started_server(tmp_path / "server", home) as server:
        assert server.ask("GET", "/scans")[1]["total"] == 1
        with contextlib.closing(sqlite3.connect(store.path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            status, said = server.ask("GET", "/approvals")
            assert (status, set(said)) == (503, {"message", "next"})
            assert server.ask("GET", "/status")[0] == 200
            assert server.ask("GET", "/api/status", prefix="")[0] == 200
            other.execute("ROLLBACK")


def test_a_damaged_history_is_put_aside_and_harms_nothing(tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "history.sqlite").write_bytes(b"no database at all" * 1000)
    with started_server(tmp_path / "server", home) as server:
        assert server.ask("GET", "/scans")[0] in {200, 503}
        assert server.ask("GET", "/scans") == (200, {"total": 0, "rows": []})
        assert list(home.glob("*damaged*"))


def test_a_folder_that_others_can_write_to_is_refused(tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    store = Store(home)
    store.record(full_record(store))
    store.close()
    home.chmod(0o777)
    with started_server(tmp_path / "server", home) as server:
        status, said = server.ask("GET", "/scans")
        assert (status, "is open to others" in said["message"]) == (503, True)
        assert "is open to others" in server.ask("GET", "/status")[1]["problem"]
