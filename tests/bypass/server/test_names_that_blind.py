"""Names that a stranger chose, in whatever lists, searches, watches and exports the history: none hides the other lines."""

import csv
import dataclasses
import io
import json
import os
import pickle
import re
import time

import pytest

from jupyter_modelguard import cli
from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.exports.bom import bill_of_materials
from jupyter_modelguard.exports.records import records_csv
from jupyter_modelguard.exports.sarif import sarif
from jupyter_modelguard.history.glance import glance
from jupyter_modelguard.history.search import Search, rows
from jupyter_modelguard.types import Artifact, CodeFile, HistoryRecord, LoadRequest, Outcome, ScanReport

from histories import both, full_record  # isort: skip

BYTES = os.fsdecode(b"yolo\xff.pt")  # a name that Linux allows, and no encoding
NAMES = {"bytes": BYTES, "half a pair": "yolo\ud800.pt", "nul": "yolo\0.pt", "whole pair": "yolo\\😀.pt"}
named = pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())


def bearing(store, name):
    record = full_record(store)
    artifact = dataclasses.replace(record.artifact, name=name, files=(CodeFile(name, "cd", b"x"),))
    return dataclasses.replace(record, artifact=artifact)


@both
@named
def test_no_name_hides_the_list_from_the_panel(store, name):
    store.record(full_record(store, at=1.0))
    store.record(bearing(store, name))
    store.flush()
    spelled = name.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
    with store.reading() as connection:
        assert [row.name for row in rows(connection, Search(), 10)] == [spelled, "yolo.pt"]
        assert [row.name for row in rows(connection, Search(text="YOLO\\"), 10)] == [spelled]
        assert sorted(load.name for load in glance(connection).loads.values()) == sorted([spelled, "yolo.pt"])
    assert store.verify().whole


def test_a_file_of_such_a_name_is_stopped_and_listed(hold, armed, canary, tmp_path):
    path = tmp_path / BYTES
    try:
        path.write_bytes(pickle.dumps(armed))
    except OSError:
        pytest.skip("this file system has no such names")
    with path.open("rb") as file:
        pickle.load(file)
    assert canary.exists(), "the attack does not work"
    canary.unlink()
    guard = hold()
    with path.open("rb") as file, pytest.raises(ModelLoadBlockedError):
        pickle.load(file)
    assert not canary.exists()
    guard.store.flush()
    with guard.store.reading() as connection:
        assert [row.name for row in rows(connection, Search(), 10)] == ["yolo\\udcff.pt"]


@pytest.mark.parametrize("target", [*NAMES.values(), *(f"/models/{name}" for name in NAMES.values())])
def test_every_name_has_an_address_in_sarif(target):
    finding = full_record_report().findings
    (run,) = json.loads(sarif([ScanReport(target, "pickle", findings=finding)]))["runs"]
    uri = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert re.fullmatch(r"[A-Za-z0-9%/:._~-]+", uri)


def full_record_report():
    class Ids:
        next_id = staticmethod(lambda: "00000000")

    return full_record(Ids()).report


@pytest.mark.parametrize(
    "name", [*NAMES.values(), "a\x1b]52;c;ZXZpbA==\x07.pt", "\x9b2Jx", "x\r\n26-01-01,fine", "\u202etp.exe", "\u2028"]
)
def test_a_table_moves_no_cursor_and_has_a_line_for_each_load(name):
    record = HistoryRecord("7f3a91c2", 1.0, LoadRequest("pickle.load", "", f"/m/{name}"), Outcome.FAILED)
    text = records_csv([dataclasses.replace(record, artifact=Artifact(name, f"/m/{name}", "pickle"))])
    assert text.encode("utf-8")
    assert len(text.splitlines()) == 2
    assert not re.search("[\0-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e\u2028]", text)
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert row["id"] == "7f3a91c2"


def test_what_was_scanned_before_is_exported_by_the_command_all_the_same(tmp_path, capsysbinary):
    path = tmp_path / os.fsdecode(b"\xff.pkl")
    try:
        path.write_bytes(b"cos\nsystem\n(Vtrue\ntR.")
    except OSError:
        pytest.skip("this file system has no such names")
    assert cli.main(["scan", "--format", "sarif", str(path)]) == 1
    assert b"%FF.pkl" in capsysbinary.readouterr().out


def test_a_bill_of_materials_takes_time_in_proportion():
    """Counted, not timed: each component was looked for among all that came before it."""
    pytest.importorskip("cyclonedx", reason="the library is not installed")
    from cyclonedx.model.dependency import Dependency

    made = []
    original = Dependency.__init__

    def counted(self, *arguments, **named):
        made.append(self)
        original(self, *arguments, **named)

    loaded = [
        HistoryRecord(
            f"{n:08x}", time.time(), LoadRequest("p", "p", f"/{n}"), Outcome.LOADED, artifact=Artifact(f"{n}", f"/{n}", "pickle")
        )
        for n in range(20)
    ]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Dependency, "__init__", counted)
        assert len(json.loads(bill_of_materials(loaded))["components"]) == 20
    assert made == []
