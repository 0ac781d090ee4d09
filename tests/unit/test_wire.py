"""The wire types, their schema and the front end's types are one; events fit their schemas, or harm nothing."""

from __future__ import annotations

import logging
import shutil
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("jupyter_events")

from jupyter_events import EventLogger

from jupyter_modelguard.history.glance import NOTHING, Glance, SeenLoad, SeenQuestion, difference
from jupyter_modelguard.server import audit, wire
from jupyter_modelguard.server.refusal import RefusedError, problem_of
from jupyter_modelguard.server.schema import PATH, schema, schema_text

FRONT_END = Path(__file__).parents[2] / "labextension"
LOAD = SeenLoad("7f3a91c2", "00ff", 1.0, "torch.load", "/a/b.pt", "b.pt", "n.ipynb", "dangerous", "blocked", 1, "ada", "card")
QUESTION = SeenQuestion("7f3a91c2", "00ff", 1.0, True, "pending", None, "n.ipynb", "dangerous")


@pytest.fixture
def events():
    made = EventLogger(handlers=[logging.NullHandler()])
    audit.register(made)
    return made


@pytest.fixture
def heard(events, monkeypatch):
    told = []
    monkeypatch.setattr(events._logger, "info", told.append)
    return told


def test_the_schema_that_is_checked_in_is_the_one_of_the_types():
    assert PATH.read_text("utf-8") == schema_text(), "python -m jupyter_modelguard.server.schema"


def test_the_front_ends_types_are_made_from_the_schema(tmp_path):
    json2ts = FRONT_END / "node_modules" / ".bin" / "json2ts"
    if not (json2ts.exists() and shutil.which("node")):
        pytest.skip("no Node, or the front end's tools are not installed")
    done = tmp_path / "jupyter_modelguard" / "schemas"
    done.mkdir(parents=True)
    shutil.copy(PATH, done)
    folder = tmp_path / "labextension"
    (folder / "src" / "panel").mkdir(parents=True)
    shutil.copy(FRONT_END / "package.json", folder)
    (folder / "node_modules").symlink_to(FRONT_END / "node_modules")
    subprocess.run(["npm", "run", "--silent", "wire"], cwd=folder, check=True, capture_output=True)
    checked_in = (FRONT_END / "src" / "panel" / "wire.ts").read_text("utf-8")
    assert (folder / "src" / "panel" / "wire.ts").read_text("utf-8") == checked_in, "npm run wire"


def test_every_wire_type_is_in_the_front_end():
    types = FRONT_END / "src" / "panel" / "wire.ts"
    if not types.exists():
        pytest.skip("no front end beside these tests")
    text = types.read_text("utf-8")
    assert [name for name in schema()["$defs"] if f" {name} " not in text] == []
    assert {name for name in wire.__all__ if name != "encode"} <= set(schema()["$defs"])


def test_half_a_character_can_be_sent():
    assert wire.encode(wire.Problem("\ud800", "é")) == '{"message":"\\\\ud800","next":"é"}'.encode()


def test_every_event_fits_its_schema(events, heard):
    asked = Glance({1: LOAD}, {1: QUESTION})
    for earlier, now in ((NOTHING, asked), (asked, NOTHING), (asked, asked)):
        audit.emit(events, audit.events_of(difference(earlier, now)))
    actions = [(event["__schema__"].split("/")[-2], event.get("action")) for event in heard]
    assert actions == [("approval", "asked"), ("load", "recorded"), ("load", "deleted"), ("loads", None)]


def test_an_event_that_does_not_fit_is_logged_and_the_others_are_told(events, heard, caplog):
    wrong = audit.Event(audit.LOADS, {"count": "many"})
    audit.emit(events, [wrong, audit.Event(audit.LOADS, {"count": 1})])
    assert [event["count"] for event in heard] == [1]
    assert "could not be emitted" in caplog.text


def test_what_names_somebody_is_marked(events):
    marked = set()
    for identity in (audit.LOAD, audit.APPROVAL):
        plain = events.schemas.get(identity)._schema
        assert plain["personal-data"] is True
        marked |= {name for name, about in plain["properties"].items() if about.get("personal-data")}
    assert marked == {"notebook", "name", "source", "by"}


def test_many_lines_are_one_event():
    many = Glance(dict.fromkeys(range(1, 22), LOAD), {}, 21)
    assert audit.events_of(difference(NOTHING, many)) == [audit.Event(audit.LOADS, {"count": 21})]
    few = Glance(dict.fromkeys(range(1, 21), LOAD), {}, 20)
    assert len(audit.events_of(difference(NOTHING, few))) == 20


def test_a_fault_of_ours_tells_nothing_of_itself():
    status, problem = problem_of(ZeroDivisionError("secret"), 500)
    assert (status, "secret" in problem.message + problem.next) == (500, False)
    assert problem_of(RefusedError(413, "Too much.", "Less."), 500) == (413, wire.Problem("Too much.", "Less."))
