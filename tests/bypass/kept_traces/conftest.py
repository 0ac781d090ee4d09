"""Kernels that keep traces of whatever they trace, however quick that was."""

import pytest

from jupyter_modelguard.artifacts.reach import Reached
from jupyter_modelguard.engines import trace_cache
from jupyter_modelguard.engines.kept_traces import KeptTraces
from jupyter_modelguard.engines.trace_cache import TraceCache

from kept import Counting  # isort: skip


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
