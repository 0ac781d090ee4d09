"""Objects whose class travels in the pickle itself, as cloudpickle and dill write those of a script or notebook.

The classes are code, so a person is asked; what was agreed to is all of the stream, not only what stands before the first such object.
"""

import importlib
import io
import pickle
import subprocess
import sys

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

SOURCE = """
import collections, {library} as library, sys
class Point:
    def __init__(self, x):
        self.x = x
    def norm(self):
        return abs(self.x)
sys.stdout.buffer.write(library.dumps([Point(-3), collections.Counter("ab")]))
"""


@pytest.fixture(params=["cloudpickle", "dill"])
def library(request):
    return pytest.importorskip(request.param, reason="writes such pickles")


@pytest.fixture
def stream(library):
    command = [sys.executable, "-W", "ignore", "-c", SOURCE.format(library=library.__name__)]
    return subprocess.run(command, capture_output=True, check=True).stdout


def test_classes_in_a_stream_are_asked_about(library, stream, hold):
    hold()
    with pytest.raises(ModelLoadBlockedError):
        library.loads(stream)


def test_stream_with_classes_loads_whole_when_a_person_allows_it(library, stream, hold):
    running = hold(says=True)
    point, counted = library.loads(stream)
    assert point.norm() == 3
    assert counted == {"a": 1, "b": 1}
    ((record, _view),) = running.guard.approver.asked
    assert not record.report.coverage.missed


class Own:
    def __init__(self, x):
        self.x = x


@pytest.mark.parametrize("how", ["loads", "load"])
def test_object_of_the_sessions_own_class_loads_silently_through_dill(how, hold, monkeypatch):
    """dill sets the class of each such object again once it is read."""
    dill = pytest.importorskip("dill")
    monkeypatch.setattr(Own, "__module__", "__main__")
    monkeypatch.setattr(importlib.import_module("__main__"), "Own", Own, raising=False)
    data = pickle.dumps(Own(3))
    running = hold()
    loaded = dill.loads(data) if how == "loads" else dill.load(io.BytesIO(data))
    assert type(loaded) is Own
    assert loaded.x == 3
    assert running.outcomes() == [("dill.load", "loaded")]
