"""The folder of the traces: whatever is done to it, no trace counts that was not kept here, and nothing else is touched."""

import os
import pickle
import sys
import threading

import pytest

from jupyter_modelguard.engines import kept_traces
from jupyter_modelguard.engines.kept_traces import KeptTraces

from kept import HONEST, kept  # isort: skip


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
