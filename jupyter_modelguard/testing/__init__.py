"""For tests, ours and those of people who write rows for the table or engines: a gate that asks nobody, and an engine of its own format."""

from __future__ import annotations

from jupyter_modelguard.testing.fake_engine import FakeEngine, scanned_by
from jupyter_modelguard.testing.fake_gate import FakeGate

__all__ = ["FakeEngine", "FakeGate", "scanned_by"]
