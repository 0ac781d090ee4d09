"""How often was asked, about what, and how long it took: counted in the history."""

import dataclasses
import time

import pytest

from jupyter_modelguard.cli import main
from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.history.statistics import Asked, Statistics
from jupyter_modelguard.history.store import Store
from jupyter_modelguard.ipython.stats import since, stats_table
from jupyter_modelguard.types import CallSite, Decision, Outcome, RiskLevel

from histories import VIEW, full_record  # isort: skip


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path)
    yield made
    made.close()


def asked_and_answered(store, *, allow, seconds, now):
    """Put a load up and have it decided so many seconds later."""
    record = full_record(store, at=now, outcome=Outcome.WAITING, decision=None)
    assert store.ask(record, VIEW)
    decision = Decision(allow, "ada", "card", "why", at=time.time() + seconds)
    store.settle(record.id, decision)
    store.record(dataclasses.replace(record, decision=decision, outcome=Outcome.ALLOWED if allow else Outcome.BLOCKED))


def test_counts_loads_cards_answers_and_time(store):
    now = time.time()
    for _ in range(95):
        store.note("pickle.load", "/a.pkl", 10, now, CallSite(), 0.1)
    tally = store.tally("pickle.loads", CallSite())
    for _ in range(100):
        tally.bump()
    for allow, seconds in ((True, 2.0), (True, 4.0), (False, 30.0)):
        asked_and_answered(store, allow=allow, seconds=seconds, now=now)
    for transport in ("born", "born", "trust"):
        store.record(
            full_record(store, at=now, outcome=Outcome.ALLOWED, decision=Decision(allow=True, by="ada", transport=transport))
        )
    store.record(full_record(store, at=now, decision=Decision(allow=False, by="headless", transport="headless")))
    store.record(full_record(store, at=now, outcome=Outcome.UNGUARDED, decision=None))
    found = store.statistics()
    assert (found.loads, found.cards, found.allowed, found.denied) == (202, 3, 2, 1)
    assert (found.born, found.trusted, found.refused) == (2, 1, 1)
    assert found.seconds_to_decide == pytest.approx(4.0, abs=1.0)
    assert found.cards_per_fifty == pytest.approx(50 * 3 / 202)
    assert found.functions == (Asked("posix.system", 3, 2),)
    assert found.rules[0].allowed == 2


def test_an_answer_in_the_sidebar_is_a_persons(store):
    store.record(full_record(store, decision=Decision(allow=False, by="ada", transport="sidebar", at=1.5)))
    assert store.statistics().functions == (Asked("posix.system", 1, 0),)


def test_counts_from_a_time_on(store):
    store.record(full_record(store, at=1_700_000_000.0))
    assert store.statistics().loads == 1
    assert store.statistics(1_700_000_001.0).loads == 0


def test_ten_thousand_lines_are_counted_whole(store):
    now = time.time()
    for _ in range(9_000):
        store.note("pickle.load", "/a.pkl", 10, now, CallSite(), 0.1)
    decision = Decision(allow=True, by="ada", transport="card", at=now)
    for _ in range(1_000):
        store.record(full_record(store, at=now, outcome=Outcome.ALLOWED, level=RiskLevel.RUNS_CODE, decision=decision))
    found = store.statistics(since("1h"))
    assert found.loads == 10_000
    assert found.functions == (Asked("posix.system", 1_000, 1_000),)


@pytest.mark.parametrize(("period", "seconds"), [("24h", 86_400), ("7d", 7 * 86_400), ("2w", 14 * 86_400)])
def test_periods(period, seconds):
    assert since(period) == pytest.approx(time.time() - seconds, abs=60)


@pytest.mark.parametrize("period", ["", "7", "d", "0d", "-1d", "7 d", "999999d", "1y", "\uff17d"])
def test_what_is_no_period_is_said_to_be_none(period):
    with pytest.raises(ConfigurationError, match="A period is"):
        since(period)


def test_empty_history_says_so():
    assert "Nothing was loaded" in stats_table(Statistics()).text()


def test_sheet_says_the_figures_and_draws_names_as_text():
    found = Statistics(0.0, 100, 2, 1, 4, 2, 1, 0, 12.5, (), (Asked("<b>acme</b>.Model", 3, 2),))
    sheet = stats_table(found)
    assert "4 · 2 in 50 loads" in sheet.text()
    assert "2 allowed · 1 kept blocked · 1 not decided" in sheet.text()
    assert "12.5 s in the middle" in sheet.text()
    assert "<b>acme" not in sheet.html()
    assert "asked 3, allowed 2" in sheet.html()


def test_command_prints_them(tmp_path, monkeypatch, capsys):
    from jupyter_modelguard import config

    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("MODELGUARD_HOME", str(home))
    config.home.cache_clear()
    written = Store(home)
    written.note("pickle.load", "/a.pkl", 10, time.time(), CallSite(), 0.1)
    written.close()
    try:
        assert main(["stats", "7d"]) == 0
        assert "loads" in capsys.readouterr().out
        assert main(["stats", "often"]) == 2
    finally:
        config.home.cache_clear()
