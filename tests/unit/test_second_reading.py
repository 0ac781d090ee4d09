"""A flagged pickle is read a second time, by another reader: findings say where, and a difference is one."""

import os
import pickle

import pytest

from jupyter_modelguard.artifacts.source import StreamSource
from jupyter_modelguard.engines import second_reading
from jupyter_modelguard.engines.formats.pickles import resolved
from jupyter_modelguard.engines.scanner import scan_file
from jupyter_modelguard.engines.trace import trace_stream


class Bad:
    def __reduce__(self):
        return os.system, ("true",)


def findings(stream):
    return resolved(trace_stream(StreamSource(data=stream), "pickle")).findings


@pytest.mark.parametrize("protocol", range(6))
def test_finding_says_where_the_function_is_named(protocol):
    stream = pickle.dumps(["first", Bad()], protocol)
    (found,) = findings(stream)
    place = int(found.location.removeprefix("byte "))
    naming = stream[place : place + 1]
    assert (found.code, naming) == ("posix.system", b"\x93" if protocol >= 4 else b"c")


def test_old_style_instance_is_placed():
    (found,) = findings(b"]q\x00((S'true'\nios\nsystem\nh\x000.")
    assert found.location == "byte 13"


def test_member_of_an_archive_is_named(tmp_path):
    torch = pytest.importorskip("torch")
    path = tmp_path / "armed.pt"
    torch.save({"w": torch.zeros(2), "x": Bad()}, path)
    (found,) = scan_file(str(path)).findings
    assert found.location.startswith("data.pkl, byte ")


def test_difference_between_the_readers_is_a_finding(monkeypatch):
    """No stream is known on which the two differ; one is made up."""
    monkeypatch.setattr(second_reading, "_names", lambda _: {"os.getcwd": 3})
    rules = [one.rule for one in findings(pickle.dumps(Bad()))]
    assert rules == ["pickle-dangerous-global", "pickle-reader-divergence"]


def test_what_the_second_reader_cannot_follow_is_a_finding(monkeypatch):
    def stumble(_):
        raise ValueError("an opcode")

    monkeypatch.setattr(second_reading, "_names", stumble)
    assert findings(pickle.dumps(Bad()))[-1].rule == "pickle-reader-divergence"


def test_long_streams_and_odd_names_are_left_without_a_place(monkeypatch):
    (found,) = findings(b"\x80\x04\x8c\x02os\x8c\x07sys\\tem\x93)R.")
    assert found.location == ""
    monkeypatch.setattr(second_reading, "_MOST_OPCODES", 2)
    (found,) = findings(pickle.dumps(Bad()))
    assert found.location == ""
