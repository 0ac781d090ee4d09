"""What a trace went by besides the bytes, and what is read back of one: neither may make an armed load silent."""

import io
import os
import pickle
import shutil
import sys
import zoneinfo

import pytest

from jupyter_modelguard.engines import kept_traces
from jupyter_modelguard.engines.inspection import inspect_open
from jupyter_modelguard.engines.kept_traces import KeptTraces
from jupyter_modelguard.stages.deciding import evaluate

from kept import HONEST, kept  # isort: skip


ZONE = b"\x80\x04cbuiltins\ngetattr\n\x8c\x08zoneinfo\x8c\x08ZoneInfo\x93\x8c\x09_unpickle\x86R\x8c\x0cEurope/Paris\x88\x86R."


@pytest.fixture
def zones(tmp_path):
    """Folders of time zones of our own."""
    before = zoneinfo.TZPATH
    folder = tmp_path / "zones"
    (folder / "Europe").mkdir(parents=True)
    (folder / "Europe" / "Paris").write_bytes(b"TZif")
    zoneinfo.reset_tzpath([str(folder)])
    yield folder
    zoneinfo.reset_tzpath(before)
    zoneinfo.ZoneInfo.clear_cache()


def test_time_zones_of_another_day_do_not_count(kernel, zones, tmp_path, monkeypatch, canary):
    """Where the system has not the zone any more, Python imports a package under a name that the stream gave."""
    planted = tmp_path / "notebook"
    assert not evaluate(inspect_open(kernel()[0](ZONE)).report).level.asks

    shutil.rmtree(zones)
    package = planted / "tzdata" / "zoneinfo" / "Europe"
    package.mkdir(parents=True)
    for folder in (planted / "tzdata", package.parent, package):
        (folder / "__init__.py").write_text(f"open({str(canary)!r}, 'w').close()\n")
    monkeypatch.syspath_prepend(str(planted))
    for name in [name for name in sys.modules if name.partition(".")[0] == "tzdata"]:
        monkeypatch.delitem(sys.modules, name)
    zoneinfo.ZoneInfo.clear_cache()
    with pytest.raises(zoneinfo.ZoneInfoNotFoundError):
        pickle.loads(ZONE)
    assert canary.exists(), "the attack does not work"
    for name in [name for name in sys.modules if name.partition(".")[0] == "tzdata"]:
        del sys.modules[name]

    trace, worker = kernel()
    assert evaluate(inspect_open(trace(ZONE)).report).level.asks
    assert worker.asked == 1


def test_module_that_was_planted_for_a_day_is_not_held_against_a_file_for_ever(kernel, tmp_path, monkeypatch):
    old = b"\x80\x02c__builtin__\nset\n]q\x00(K\x01e\x85R."
    (tmp_path / "notebook").mkdir()
    (tmp_path / "notebook" / "__builtin__.py").touch()
    with monkeypatch.context() as planted:
        planted.syspath_prepend(str(tmp_path / "notebook"))
        assert evaluate(inspect_open(kernel()[0](old)).report).level.asks
    trace, worker = kernel()
    assert not evaluate(inspect_open(trace(old)).report).level.asks
    assert worker.asked == 1


def test_guard_whose_files_changed_traces_for_itself_whatever_their_times_say(tmp_path, monkeypatch, kernel):
    """An installation that sets all times to the same, and a list that was corrected without a change of its length."""
    package = tmp_path / "jupyter_modelguard"
    (package / "policy").mkdir(parents=True)
    rows = package / "policy" / "rows.toml"
    monkeypatch.setattr(kept_traces, "_PACKAGE", package)
    states = []
    for text in ("harmless = true ", "harmless = false"):
        rows.write_text(text)
        os.utime(rows, (0, 0))
        states.append(kept_traces._made_by())
    assert states[0] != states[1]


# -- what is read back --------------------------------------------------------------------------------------------------------------


def call(module, name, *arguments):
    """A stream that calls something of a module, which may lie deep in it."""
    texts = b"".join(b"\x8c" + bytes([len(text)]) + text.encode() for text in arguments)
    return (
        b"\x80\x04"
        + b"".join(b"\x8c" + bytes([len(text)]) + text.encode() for text in (module, name))
        + b"\x93("
        + texts
        + b"tR."
    )


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("jupyter_modelguard.config", "os.system"),
        ("jupyter_modelguard.policy.own_file", "os.system"),
        ("jupyter_modelguard._alias.modelguard", "sys.modules.get"),
        ("builtins", "set.__subclasses__"),
    ],
)
def test_sealed_trace_reaches_nothing_through_the_modules_of_the_guard(module, name, kernel, places, canary, monkeypatch):
    """Even one with a seal: whoever can make seals gains no second way into the kernel by them."""
    armed = call(module, name, *([f"touch '{canary}'"] if name == "os.system" else []))
    if name == "os.system":
        pickle.loads(armed)
        assert canary.exists(), "the attack does not work"
        canary.unlink()
    with pytest.raises(ValueError, match="it holds"):
        kept_traces._Reader(io.BytesIO(armed)).load()
    kernel()[0](HONEST)
    monkeypatch.setattr(KeptTraces, "_sealed", lambda *_: b"0" * 64)
    (path,) = kept(places)
    path.write_bytes(b"0" * 64 + armed)
    trace, worker = kernel()
    trace(HONEST)
    assert worker.asked == 1
    assert not canary.exists()


def test_trace_of_each_kind_of_value_comes_back(kernel):
    """Else nobody would see that what was refused is needed."""
    streams = [HONEST, b"\x80\x04cos\nsystem\nX\x01\x00\x00\x00x\x85R.", b"\x80\x04cmine\nMine\n)\x81}X\x01\x00\x00\x00xK\x01sb."]
    streams += [b"\x80\x04cmine\nMine\nX\x01\x00\x00\x00x\x85R.", pickle.dumps([b"x" * (1 << 17)], 5)]
    for data in streams:
        first = kernel()[0](data)
        trace, worker = kernel()
        found = trace(data).report
        assert (found.globals, found.findings, found.coverage) == (
            first.report.globals,
            first.report.findings,
            first.report.coverage,
        )
        assert worker.asked == 0
