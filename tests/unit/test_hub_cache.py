"""The cache of Hugging Face is scanned as the repositories it holds, at each commit, every blob once."""

import json
import os
import pickle

import pytest

from jupyter_modelguard.cli import main
from jupyter_modelguard.engines import several
from jupyter_modelguard.engines.scan import scan_each
from jupyter_modelguard.engines.worker import Worker

FIRST, SECOND = "4f" * 20, "5a" * 20


class Reduced:
    def __reduce__(self):
        return os.system, ("true",)


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Two commits that share a file; laid out as huggingface_hub does it."""
    monkeypatch.chdir(tmp_path)
    made = tmp_path / "hub" / "models--acme--model"
    (made / "blobs").mkdir(parents=True)
    (tmp_path / "hub" / ".locks").mkdir()
    (tmp_path / "hub" / "version.txt").write_text("1")
    blobs = {
        "aa": pickle.dumps([1]),
        "bb": pickle.dumps(Reduced()),
        "cc": b'{"auto_map": {"AutoModel": "modeling.M"}}',
        "dd": b"x=1",
    }
    for name, data in blobs.items():
        (made / "blobs" / name).write_bytes(data)
    for commit, files in (
        (FIRST, {"weights.pkl": "aa"}),
        (SECOND, {"sub/weights.pkl": "aa", "armed.pkl": "bb", "config.json": "cc", "modeling.py": "dd"}),
    ):
        for name, blob in files.items():
            path = made / "snapshots" / commit / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(os.path.relpath(made / "blobs" / blob, path.parent))
    return made


def scanned(target):
    status = main(["scan", "--format", "json", "--output", "out.json", str(target)])
    with open("out.json") as file:
        return status, {one["target"]: one for one in json.load(file)["targets"]}


def test_each_repository_at_each_commit_is_a_target(repository, monkeypatch):
    read = []
    whole = Worker.scan
    monkeypatch.setattr(several, "default_jobs", lambda: 1)
    monkeypatch.setattr(Worker, "scan", lambda self, path, **named: read.append(path) or whole(self, path, **named))
    for target in (repository.parent, repository, repository.parent.parent):
        status, found = scanned(target)
        assert status == 1
        assert {name: one["risk"] for name, one in found.items()} == {
            f"hf:acme/model@{FIRST}": "data_only", f"hf:acme/model@{SECOND}": "dangerous",
        }  # fmt: skip
    second = found[f"hf:acme/model@{SECOND}"]
    below = {one["target"].partition("@")[2].partition("/")[2]: one["format"] for one in second["files"]}
    assert below.keys() == {"", "armed.pkl", "config.json", "modeling.py", "sub/weights.pkl"}
    assert below[""] == "python-code"
    assert any(finding["location"].startswith("armed.pkl") for finding in second["findings"])
    assert len(read) == 3 * 4  # each blob once


def test_link_out_of_the_cache_is_a_finding(repository, tmp_path):
    (tmp_path / "outside.pkl").write_bytes(pickle.dumps(1))
    (repository / "snapshots" / FIRST / "weights.pkl").unlink()
    (repository / "snapshots" / FIRST / "weights.pkl").symlink_to(tmp_path / "outside.pkl")
    status, found = scanned(repository)
    first = found[f"hf:acme/model@{FIRST}"]
    assert (first["risk"], [one["rule"] for one in first["findings"]]) == ("runs_code", ["cache-link"])
    assert status == 1


def test_blobs_that_no_commit_names_are_scanned_too(repository):
    (repository / "blobs" / "ee").write_bytes(pickle.dumps(Reduced()))
    (repository / "blobs" / "ff.incomplete").write_bytes(b"half a file")
    reports = {report.target: report for report in scan_each(repository)}
    assert reports["hf:acme/model/blobs/ee"].findings[0].rule == "pickle-dangerous-global"
    assert reports["hf:acme/model/blobs/ff.incomplete"].findings[0].rule == "cache-incomplete"
    (repository / "blobs" / "ee").unlink()
    assert scanned(repository)[1]["hf:acme/model"]["risk"] == "note"


def test_link_to_a_blob_that_is_gone_is_not_clean(repository):
    (repository / "blobs" / "aa").unlink()
    assert scanned(repository)[1][f"hf:acme/model@{FIRST}"]["risk"] == "uninspected"


def test_cache_shown_to_people_names_its_repositories(repository, capsys):
    assert main(["scan", str(repository)]) == 1
    shown = capsys.readouterr().out
    assert f"DANGEROUS hf:acme/model@{SECOND}/armed.pkl" in shown
