"""Other scanners are asked in the worker where they are installed; what they say raises nothing beyond a note."""

import os
import pickle
import sys
import textwrap

import pytest

from jupyter_modelguard import assess, scan
from jupyter_modelguard.cli import main
from jupyter_modelguard.engines import second_opinions
from jupyter_modelguard.engines.worker import Worker
from jupyter_modelguard.types import RiskLevel

pytest.importorskip("picklescan", reason="one of those that are asked")
pytest.importorskip("modelaudit_picklescan", reason="the other one")


class Reduced:
    def __init__(self, *made_by):
        self.made_by = made_by

    def __reduce__(self):
        return self.made_by


@pytest.fixture
def saved(tmp_path):
    def save(thing):
        path = tmp_path / "a.pkl"
        path.write_bytes(pickle.dumps(thing))
        return path

    return save


def opinions(report):
    return [finding.title for finding in report.findings if finding.rule == "second-opinion"]


def test_both_are_heard_about_an_armed_file(saved, capfd):
    report = scan(saved(Reduced(os.system, ("true",))), second_opinion=True)
    first, second = opinions(report)
    assert first.startswith("picklescan ")
    assert "calls it dangerous: posix.system" in first
    assert second.startswith("modelaudit-picklescan ")
    assert "calls it malicious" in second
    assert assess(report).level is RiskLevel.DANGEROUS
    assert capfd.readouterr() == ("", "")


def test_they_are_not_asked_unless_somebody_wants_it(saved):
    assert not opinions(scan(saved(Reduced(os.system, ("true",)))))


def test_honest_file_is_no_more_than_a_note_whatever_they_say(saved):
    import collections

    plain = scan(saved([1, 2]), second_opinion=True)
    assert assess(plain).level is RiskLevel.DATA_ONLY
    assert len(plain.engines) == 3
    assert assess(scan(saved(collections.Counter("ab")), second_opinion=True)).level.rank <= RiskLevel.NOTE.rank


def test_they_clear_nothing(saved):
    report = scan(saved(Reduced(textwrap.dedent, ("true",))), second_opinion=True)
    assert assess(report).level is RiskLevel.RUNS_CODE


def test_scanner_that_is_not_installed_is_named_in_one_sentence(saved, monkeypatch, capsys):
    monkeypatch.setattr(second_opinions, "version_of", lambda _: "")
    assert main(["scan", "--second-opinion", str(saved(1))]) == 0
    assert "picklescan and modelaudit-picklescan are not installed and cannot be asked: pip install" in capsys.readouterr().err


def test_scanner_in_the_working_directory_is_not_imported(saved, tmp_path, monkeypatch):
    canary = tmp_path / "canary"
    (tmp_path / "picklescan").mkdir()
    (tmp_path / "picklescan" / "__init__.py").write_text(f"open({str(canary)!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert len(opinions(scan(saved(Reduced(os.system, ("true",))), second_opinion=True))) == 2
    assert not canary.exists()


def _exits(_path):
    raise SystemExit(3)


def _raises(_path):
    raise ValueError("odd")


def _prints(_path):
    os.write(1, b"loud")
    print("loud", file=sys.stderr)
    return "calls it loud"


@pytest.mark.parametrize(("trouble", "said"), [(_exits, "cannot read it"), (_raises, "odd"), (_prints, "calls it loud")])
def test_scanner_in_trouble_takes_nothing_with_it(trouble, said, saved, monkeypatch, capfd):
    monkeypatch.setattr(second_opinions, "_SCANNERS", {"picklescan": ("picklescan.scanner", trouble)})
    report = second_opinions.with_opinions(scan(saved([1])), "a.pkl")
    assert assess(report).level is RiskLevel.NOTE
    assert said in opinions(report)[0]
    assert "loud" not in "".join(capfd.readouterr())


def test_scanner_that_ends_the_process_costs_its_own_answer(saved, monkeypatch):
    worker = Worker(seconds=20)
    whole = worker._run

    def dies(task, *arguments, seconds=None):
        return whole(os._exit if arguments[2:3] == (True,) else task, *([3] if arguments[2:3] == (True,) else arguments))

    monkeypatch.setattr(worker, "_run", dies)
    try:
        report = worker.scan(str(saved([1])), opinions=True)
    finally:
        worker.close()
    assert "gave no answer" in opinions(report)[0]
    assert assess(report).level is RiskLevel.NOTE
