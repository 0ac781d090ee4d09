"""Exports that name no file, notebook or person, and still tell which lines belong together."""

from __future__ import annotations

import json

import pytest

from jupyter_modelguard import cli, config
from jupyter_modelguard.exports.history import FORMATS, export
from jupyter_modelguard.exports.pseudonyms import without_names
from jupyter_modelguard.history.store import Store
from jupyter_modelguard.types import (
    Artifact,
    CallSite,
    CodeFile,
    Coverage,
    Decision,
    Finding,
    HistoryRecord,
    LoadRequest,
    Outcome,
    RiskLevel,
    ScanReport,
    Severity,
)

SECRETS = ("merger", "lovelace", "grace", "acquisition", "layoffs", "/srv/")


def line(identity, source, *, notebook="work/merger-plan.ipynb", by="lovelace", transport="card"):
    name = source.rpartition("/")[2]
    return HistoryRecord(
        identity,
        1_700_000_000.0,
        LoadRequest("torch.load", f"torch.load({source!r})", source, CallSite(notebook, "c1", 3, 2)),
        Outcome.FAILED,
        RiskLevel.RUNS_CODE,
        Artifact(name, source, "torch-zip", "ab" * 32, 12, (CodeFile("layoffs/modeling.py", "cd", b"secret = 1"),)),
        ScanReport(
            source,
            "torch-zip",
            findings=(Finding("r", Severity.HIGH, f"{name} opens '/srv/merger/notes.txt'", f"{source}: data.pkl"),),
            coverage=Coverage(2, 1, (f"{name}: cannot be read",)),
        ),
        Decision(allow=True, by=by, transport=transport, reason="I know the publisher"),
        error=f"[Errno 13] Permission denied: '{source}' (by {by}), '{'/'.join(source.split('/')[-2:])}'",
    )


LINES = (
    line("00000001", "/srv/acquisition/merger.pt"),
    line("00000002", "/srv/acquisition/merger.pt", by="grace"),
    line("00000003", "hf:merger/lovelace@main", notebook=None, by="headless", transport="headless"),
)


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_names_anything(name):
    if name == "cyclonedx":
        pytest.importorskip("cyclonedx", reason="cyclonedx-python-lib is not installed")
    text = export(without_names(LINES), name)
    assert [secret for secret in SECRETS if secret in text.lower()] == []
    assert "merger" in export(LINES, name) or name == "cyclonedx"


def test_the_same_name_becomes_the_same_throughout():
    one, two, three = without_names(LINES)
    assert one.request.source == two.request.source == one.artifact.name == one.report.target == "file-1.pt"
    assert three.request.source not in {one.request.source, "hf:merger/lovelace@main"}
    assert (one.decision.by, two.decision.by) == ("person-1", "person-2")
    assert one.request.site.notebook == two.request.site.notebook == "notebook-1.ipynb"
    assert three.request.site.notebook is None
    assert one.error == "[Errno 13] Permission denied: 'file-1.pt' (by person-1), 'file-1.pt'"


def test_what_is_no_name_stays():
    *_, three = without_names(LINES)
    assert (three.decision.by, three.artifact.digest, three.report.findings[0].rule) == ("headless", "ab" * 32, "r")
    bytes_in_memory = HistoryRecord("00000004", 1.0, LoadRequest("pickle.loads", "pickle.loads", "<bytes>"), Outcome.LOADED)
    assert without_names([bytes_in_memory]) == (bytes_in_memory,)


def test_the_command_hides_names_only_when_it_is_told_to(tmp_path, monkeypatch, capsys):
    tmp_path.chmod(0o700)
    monkeypatch.setenv("MODELGUARD_HOME", str(tmp_path))
    config.home.cache_clear()
    store = Store(tmp_path)
    for one in LINES:
        store.record(one)
    store.close()
    assert cli.main(["history", "--format", "json"]) == 0
    assert "merger" in capsys.readouterr().out
    assert cli.main(["history", "--format", "json", "--hide-names"]) == 0
    said = capsys.readouterr().out
    assert [secret for secret in SECRETS if secret in said.lower()] == []
    assert len(json.loads(said)["records"]) == 3
    config.home.cache_clear()
