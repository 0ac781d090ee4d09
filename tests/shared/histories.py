"""Records, and histories as another process or a later one sees them."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import textwrap

import pytest

from jupyter_modelguard.history.store import Store
from jupyter_modelguard.types import (
    Artifact,
    CallSite,
    CodeFile,
    Coverage,
    Decision,
    Finding,
    GlobalUse,
    HistoryRecord,
    Judgement,
    LoadRequest,
    Outcome,
    QualifiedName,
    RiskLevel,
    ScanReport,
    Scope,
    Severity,
)

__all__ = ["OPEN", "SITE", "VIEW", "Place", "both", "full_record", "in_child", "read"]

both = pytest.mark.parametrize("history", ["sqlite", "postgresql"], indirect=True)
"""Run a test against either database; it must ask for `history`, or for `store`."""


SITE = CallSite("a.ipynb", "cell-1", 7, 3)


VIEW = {"id": "x", "title": "Stopped"}


class Place:
    """A history that can be opened several times, in this process and in others."""

    def __init__(self, home, url=None):
        self.home = home
        self.url = url
        self.arguments = (home, url or "")  # of programs that begin with OPEN
        self._opened = []

    def open(self):
        made = Store(self.home, self.url)
        self._opened.append(made)
        return made

    def read(self):
        """All lines as a later process finds them."""
        store = Store(self.home, self.url)
        try:
            return store.history(100_000)
        finally:
            store.close()

    def close(self):
        for store in self._opened:
            store.close()


OPEN = """
import sys, pathlib, time
from jupyter_modelguard.history.store import Store
from jupyter_modelguard.types import *
store = Store(pathlib.Path(sys.argv[1]), sys.argv[2] or None)
"""
"""How a program of another process begins that opens the history of `Place.arguments`."""


def full_record(store, **changed):
    record = HistoryRecord(
        id=store.next_id(),
        at=1_700_000_000.25,
        request=LoadRequest("torch.load", "torch.load(weights_only=False)", "/data/ж \udce4.pt", SITE),
        outcome=Outcome.BLOCKED,
        level=RiskLevel.DANGEROUS,
        artifact=Artifact("yolo.pt", "/data/yolo.pt", "torch-zip", "ab" * 32, 84_000_000, (CodeFile("m.py", "cd", b"\x00\xff"),)),
        report=ScanReport(
            "yolo.pt",
            "torch-zip",
            "ab" * 32,
            84_000_000,
            (Finding("r", Severity.HIGH, "t", "data.pkl, byte 41", 502, code="os.system"),),
            (GlobalUse(QualifiedName("posix", "system"), 2, Judgement.DANGEROUS, "runs a command", "Python"),),
            Coverage(2, 1, ("part two: \ud800",)),
            0.5,
            ("pickle-trace 1",),
        ),
        decision=Decision(allow=False, by="ada", transport="card", reason="kept blocked", scope=Scope.ONCE, at=1.5),
        seconds=0.25,
        error="no",
    )
    return dataclasses.replace(record, **changed)


def read(home):
    return Place(home).read()


def in_child(program, *arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        **options,
    )
