"""Loads that a test has asked about: `ask()`, in a kernel or in a program at a terminal."""

from __future__ import annotations

__all__ = ["IN_A_KERNEL", "IN_A_TERMINAL", "prepare"]

IN_A_KERNEL = """
import dataclasses, os, pathlib, threading, time
from jupyter_modelguard.approval import widget
widget._STATIC = pathlib.Path({static!r})
from jupyter_modelguard.approval.order import Approver
from jupyter_modelguard.approval.present import build_view
from jupyter_modelguard.config import ModelGuardConfig, home
from jupyter_modelguard.history.store import Store
from jupyter_modelguard.types import *
store = Store(home())
approver = Approver(store, ModelGuardConfig(ready_within={ready}))
use = GlobalUse(QualifiedName("posix", "system"), 1, Judgement.{judgement})
report = ScanReport("/tmp/bad.pkl", "pickle", "ab" * 32, 12, globals=(use,))
def ask():
    record = HistoryRecord(store.next_id(), time.time(), LoadRequest("pickle.load", "pickle.load(f)", "/tmp/bad.pkl"), Outcome.WAITING,
                           RiskLevel.{level}, Artifact("bad.pkl", "/tmp/bad.pkl", "pickle", "ab" * 32, 12), report)
    made = approver.prior(record)
    if made is None:
        made = approver.ask(record, build_view(record, Assessment(RiskLevel.{level}, report)))
        store.record(dataclasses.replace(record, outcome=Outcome.ALLOWED if made.allow else Outcome.BLOCKED, decision=made))
    return made
"""
IN_A_TERMINAL = """
import time, sys
from jupyter_modelguard.approval.order import Approver
from jupyter_modelguard.approval.present import build_view
from jupyter_modelguard.config import home
from jupyter_modelguard.history.store import Store
from jupyter_modelguard.types import *
store = Store(home())
approver = Approver(store)
use = GlobalUse(QualifiedName("evil", "run"), 1, Judgement.UNKNOWN, "not found", "not found here")
report = ScanReport("/tmp/bad.pkl", "pickle", "ab" * 32, 12, globals=(use,))
request = LoadRequest("pickle.load", "pickle.load(f)", "/tmp/bad.pkl")
artifact = Artifact("bad.pkl", "/tmp/bad.pkl", "pickle", "ab" * 32, 12)
def ask():
    record = HistoryRecord(store.next_id(), time.time(), request, Outcome.WAITING, RiskLevel.RUNS_CODE, artifact, report)
    return approver.ask(record, build_view(record, Assessment(RiskLevel.RUNS_CODE, report, sought=True)))
"""


def prepare(front_end, static, ready=60.0, level="RUNS_CODE", judgement="UNKNOWN"):
    code = IN_A_KERNEL.format(static=str(static), ready=ready, level=level, judgement=judgement)
    reply = front_end.reply(front_end.run(code))
    assert reply["status"] == "ok", front_end.text()
