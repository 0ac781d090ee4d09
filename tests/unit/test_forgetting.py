"""Taking trust back, by `%modelguard forget` and `modelguard forget`."""

from __future__ import annotations

import dataclasses

import pytest

from jupyter_modelguard import cli, config
from jupyter_modelguard.errors import HistoryError
from jupyter_modelguard.history.store import Store
from jupyter_modelguard.ipython.trusting import forget, said_of_trust
from jupyter_modelguard.policy.trust import Trust
from jupyter_modelguard.types import (
    Artifact,
    Decision,
    GlobalUse,
    HistoryRecord,
    Judgement,
    LoadRequest,
    Outcome,
    QualifiedName,
    RiskLevel,
    ScanReport,
    Scope,
)

NAME = "<b>yolo</b>\x1b[2J.pkl"


def record(identity, digest="ab" * 32):
    report = ScanReport("yolo.pkl", "pickle", digest, globals=(GlobalUse(QualifiedName("acme", "run"), 1, Judgement.UNKNOWN),))
    artifact = Artifact(NAME, "/models/yolo.pkl", "pickle", digest, 12, alone=True)
    request = LoadRequest("pickle.load", "pickle.load()", "/models/yolo.pkl")
    return HistoryRecord(identity, 1.0, request, Outcome.ALLOWED, RiskLevel.RUNS_CODE, artifact, report)


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path)
    yield made
    made.close()


@pytest.fixture
def trust(tmp_path):
    made = Trust(lambda: tmp_path / "trust")
    decision = Decision(allow=True, by="ada", transport="card", reason="I made this file", scope=Scope.DIGEST, at=1_700_000_000.0)
    for identity, digest in (("7f3a91c2", "ab" * 32), ("7f000000", "cd" * 32)):
        assert made.keep(record(identity, digest), decision, lambda: "ef" * 32)
    return made


def test_by_the_id_of_the_decision(trust, store):
    said = forget(trust, store, "#7F3A")
    assert said.startswith("Not trusted any more, the next load asks: ")
    assert "\x1b" not in said
    assert [entry.id for entry in trust.entries()] == ["7f000000"]


def test_by_the_id_of_a_load_that_passed(trust, store):
    passed = record("00000001", "cd" * 32)
    store.record(passed)
    forget(trust, store, "00000001")
    assert [entry.id for entry in trust.entries()] == ["7f3a91c2"]


def test_of_something_that_is_not_trusted(trust, store):
    store.record(dataclasses.replace(record("00000001"), artifact=None))
    assert forget(trust, store, "00000001") == "#00000001 is not trusted for longer than one load; nothing changes."
    assert len(trust.entries()) == 2


@pytest.mark.parametrize("wrong", ["7f", "99", "", "*", "%"])
def test_what_names_no_single_decision_takes_nothing_back(trust, store, wrong):
    with pytest.raises(HistoryError):
        forget(trust, store, wrong)
    assert len(trust.entries()) == 2


def test_on_the_command_line(trust, tmp_path, monkeypatch, capsys):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("MODELGUARD_HOME", str(home))
    monkeypatch.setattr(config, "default_home", lambda: tmp_path / "trust")
    config.home.cache_clear()
    assert cli.main(["forget"]) == 0
    listed = capsys.readouterr().out
    assert "#7f3a91c2" in listed
    assert "\x1b[2J" not in listed
    assert cli.main(["forget", "7f3a"]) == 0
    assert "Not trusted any more" in capsys.readouterr().out
    assert cli.main(["forget", "7f3a"]) == 2
    config.home.cache_clear()
    assert [entry.id for entry in trust.entries()] == ["7f000000"]


def test_how_much_is_trusted_is_said(trust, tmp_path):
    assert said_of_trust(trust) == "2 decisions, see %modelguard forget"
    assert said_of_trust(Trust(lambda: tmp_path / "nothing")) == "nothing"
    assert said_of_trust(None) == "nothing"
    (tmp_path / "trust").chmod(0o777)
    assert "Others may write to" in said_of_trust(trust)
