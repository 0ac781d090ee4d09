"""Traces that are kept on the disk: silence may come from them, so each attack tries to have an armed load found among them."""

import fractions
import io
import os
import pickle
import shutil
import sys
import threading
import zlib
import zoneinfo

import pytest

from jupyter_modelguard.artifacts.parts_read import MOST_COMPARED
from jupyter_modelguard.artifacts.reach import Reached
from jupyter_modelguard.artifacts.unpacked import FIRST_PART, Unpacked
from jupyter_modelguard.engines import kept_traces, trace_cache
from jupyter_modelguard.engines.inspection import inspect_open
from jupyter_modelguard.engines.kept_traces import KeptTraces
from jupyter_modelguard.engines.trace import trace_stream
from jupyter_modelguard.engines.trace_cache import TraceCache
from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.stages.deciding import evaluate


class Counting:
    """Traces in this process and remembers how often."""

    def __init__(self):
        self.asked = 0

    def trace(self, source, dialect):
        self.asked += 1
        return trace_stream(source, dialect)


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """The folder of the traces, and that of the key."""
    monkeypatch.setattr(trace_cache, "_LONG", -1.0)
    tmp_path.chmod(0o700)
    return tmp_path / "traces", tmp_path / "own"


@pytest.fixture
def kernel(places):
    """Start a kernel: what it traces, and how often."""

    def start():
        worker = Counting()
        cache = TraceCache(worker, KeptTraces(lambda: places[0], lambda: places[1]))

        def trace(data, dialect="pickle"):
            with Reached.of_bytes(data) as reached:
                return cache.trace(reached, dialect)

        return trace, worker

    return start


def kept(places):
    return sorted(places[0].iterdir()) if places[0].is_dir() else []


HONEST = pickle.dumps([1, 2])
"""A stream that kernels may know already."""


# -- what a trace went by besides the bytes -----------------------------------------------------------------------------------------


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


# -- the folder ---------------------------------------------------------------------------------------------------------------------


def fifo(path):
    os.mkfifo(path)


def folder(path):
    path.mkdir()


def endless(path):
    path.symlink_to("/dev/zero")


@pytest.mark.skipif(sys.platform == "win32", reason="files of POSIX")
@pytest.mark.parametrize("junk", [fifo, folder, endless])
@pytest.mark.parametrize("which", ["trace", "key"])
def test_what_is_no_file_in_the_place_of_one_is_no_trace(junk, which, kernel, places):
    kernel()[0](HONEST)
    path = kept(places)[0] if which == "trace" else places[1] / "installation.key"
    path.unlink()
    junk(path)
    trace, worker = kernel()
    trace(HONEST)
    assert worker.asked == 1


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
@pytest.mark.parametrize("which", ["traces", "key"])
@pytest.mark.parametrize("attack", ["open", "linked"])
def test_folder_whose_way_others_can_change_counts_for_nothing(attack, which, kernel, places, tmp_path):
    """Whoever may rename what is in a folder above puts another folder in the place of ours."""
    kernel()[0](HONEST)
    place = places[0] if which == "traces" else places[1]
    if attack == "open":
        tmp_path.chmod(0o777)
    else:
        place.rename(tmp_path / "elsewhere")
        place.symlink_to(tmp_path / "elsewhere")
    trace, worker = kernel()
    trace(HONEST)
    assert worker.asked == 1
    tmp_path.chmod(0o700)


def test_files_of_other_names_are_left_alone(kernel, places, monkeypatch):
    """The folder of the history can be named by the user, and may have a folder `traces` of theirs."""
    monkeypatch.setattr(kept_traces, "_MOST", 2)
    places[0].mkdir(mode=0o700)
    theirs = [places[0] / name for name in ("2026-run.json", "100", "5-abc", "notes.txt")]
    for path in theirs:
        path.write_text("measured for a week")
        os.utime(path, (0, 0))
    (places[0] / "more").mkdir()
    for number in range(4):
        kernel()[0](pickle.dumps([number]))
    assert all(path.exists() for path in theirs)
    assert len(kept(places)) == len(theirs) + 1 + 2


def test_traces_of_a_size_can_be_counted_while_another_thread_keeps_one(places):
    kept_here = KeptTraces(lambda: places[0], lambda: places[1])

    class Meanwhile(str):
        __slots__ = ()

        def startswith(self, *_):
            kept_here._names.add("7-another")
            return False

    kept_here._names = {Meanwhile("1-a"), Meanwhile("2-b")}
    assert not kept_here.has_of_size(3)


def test_kernels_that_keep_and_drop_at_once_disturb_nobody(kernel, places, monkeypatch):
    monkeypatch.setattr(kept_traces, "_MOST", 2)
    wrong = []

    def work(first):
        trace, _ = kernel()
        try:
            for number in range(first, first + 12):
                data = pickle.dumps([number % 5])
                if trace(data).report.globals or kernel()[0](data).report.size != len(data):
                    wrong.append(number)
        except Exception as error:  # noqa: BLE001 nothing may come out of there
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(first,)) for first in (0, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_forked_child_keeps_what_its_parent_finds(kernel, places):
    trace, _ = kernel()
    trace(HONEST)
    child = os.fork()
    if not child:
        trace(pickle.dumps(["of the child"]))
        os._exit(0)
    os.waitpid(child, 0)
    assert len(kept(places)) == 2
    again, worker = kernel()
    again(pickle.dumps(["of the child"]))
    assert worker.asked == 0


def test_trace_that_cannot_be_written_down_disturbs_nobody(kernel, places, monkeypatch):
    def broken(*_, **__):
        raise RecursionError

    monkeypatch.setattr(kept_traces._pickle, "dumps", broken)
    assert kernel()[0](HONEST).report.size == len(HONEST)
    assert kept(places) == []


# -- what is loaded -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def guarded(hold, places):
    """A guard that finds what earlier kernels traced."""

    def start():
        made = hold()
        made.traces._kept = KeptTraces(lambda: places[0], lambda: places[1])
        made.traces.clear()
        return made

    return start


def honest_array(length):
    return pickle.dumps([bytearray(length), {"of": "an earlier kernel"}], 5)


@pytest.mark.parametrize("length", [10, 3 * MOST_COMPARED], ids=["small", "large"])
def test_file_that_is_swapped_as_its_trace_is_found_is_read_as_it_was(
    length, guarded, kernel, tmp_path, armed, canary, monkeypatch
):
    honest = pickle.dumps([fractions.Fraction(1, 2), [str(number) for number in range(length // 8)]], 5)
    path = tmp_path / "weights.pkl"
    path.write_bytes(pickle.dumps(armed))
    pickle.loads(path.read_bytes())
    assert canary.exists(), "the attack does not work"
    canary.unlink()

    kernel()[0](honest)
    path.write_bytes(honest)
    guarded()
    find, found = KeptTraces.find, []

    def find_then_swap(*arguments):
        found.append(find(*arguments))
        path.write_bytes(pickle.dumps(armed).ljust(len(honest), b"\0"))
        return found[-1]

    monkeypatch.setattr(KeptTraces, "find", find_then_swap)
    with path.open("rb") as file:
        loaded = pickle.load(file)
    assert found[0] is not None
    assert len(loaded[1]) == length // 8
    assert not canary.exists()


def test_trace_found_for_one_file_says_nothing_of_its_neighbour_of_the_same_size(guarded, kernel, armed, canary):
    body = pickle.dumps(armed)
    honest = pickle.dumps(["x" * (len(body) - len(pickle.dumps([""])))])
    assert len(honest) == len(body)
    kernel()[0](honest)
    guarded()
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(body)
    assert not canary.exists()


def test_trace_of_a_large_file_whose_payloads_were_passed_over_is_not_kept_by_its_place(kernel, places, tmp_path):
    """Such a trace is bound to bytes that were compared, and the next kernel has nothing to compare with."""
    path = tmp_path / "large.pkl"
    path.write_bytes(honest_array(3 * MOST_COMPARED))
    worker = Counting()
    cache = TraceCache(worker, KeptTraces(lambda: places[0], lambda: places[1]))
    with Reached.at_path(str(path)) as reached:
        assert cache.trace(reached, "pickle").parts is not None
    assert kept(places) == []


# -- no end of bytes ----------------------------------------------------------------------------------------------------------------


def test_no_more_is_unpacked_to_know_a_file_by_its_content(tmp_path):
    """Behind the end of a stream there may be any number of bytes, which no loader unpacks."""
    stream, path = pickle.dumps([f"name {number}" for number in range(250_000)]), tmp_path / "small.joblib"
    assert len(stream) > MOST_COMPARED
    packing = zlib.compressobj(1)
    with path.open("wb") as file:
        for piece in [stream, *[bytes(1 << 20)] * 80]:
            file.write(packing.compress(piece))
        file.write(packing.flush())
    cache = TraceCache(Counting())
    for _ in range(2):
        with Unpacked.of(Reached.at_path(str(path))) as reached:
            assert reached.size == FIRST_PART
            assert cache.trace(reached, "joblib").copy is not None
            assert reached.size == FIRST_PART
