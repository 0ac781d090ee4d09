"""Pickle streams, alone or inside an archive: traced, judged as a grammar, and loaded from the bytes that were looked at."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import logging
import os
import pickle
import sys
import time
from typing import TYPE_CHECKING

from jupyter_modelguard.errors import StaleArtifactError
from jupyter_modelguard.hooks.gate import Permit
from jupyter_modelguard.stages.deciding import PROOF, evaluate
from jupyter_modelguard.stages.earlier import BOUND, BY_NO_PERSON
from jupyter_modelguard.stages.safer_ways import SaferWays
from jupyter_modelguard.stages.surprises import with_surprises
from jupyter_modelguard.types import Artifact, Outcome, RiskLevel

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.approval.checking import Checking
    from jupyter_modelguard.artifacts.reach import Reached
    from jupyter_modelguard.engines.trace import StreamTrace
    from jupyter_modelguard.engines.trace_cache import TraceCache
    from jupyter_modelguard.engines.worker import Worker
    from jupyter_modelguard.stages.deciding import Deciding
    from jupyter_modelguard.types import CodeFile, LoadRequest, ScanReport

__all__ = ["StreamCheck", "is_from_the_bytes"]

_log = logging.getLogger(__name__)
_MOST_LOOKS = 20  # at a file that changes whenever somebody is asked about it
_FROM_THE_BYTES = frozenset(
    {"pickle", "joblib", "torch-zip", "torch-legacy"}
)  # formats whose load can be handed the bytes in hand
_NOTEBOOK = "this notebook"  # where a class comes from that a cell defined: what that does is the person's own doing
_ERRORS: dict[str, type[Exception]] = {
    "EOFError": EOFError,
    "UnpicklingError": pickle.UnpicklingError,
    "RuntimeError": RuntimeError,
}


class StreamCheck:
    """Looks at streams.

    Parameters
    ----------
    traces
        Traces them, and remembers.
    worker
        Explains what a stream does, for a card.
    deciding
        What follows the look.
    checking
        Makes what tells a person that a look takes long.
    """

    def __init__(
        self,
        traces: TraceCache,
        worker: Worker,
        deciding: Deciding,
        checking: Callable[[LoadRequest, int], Checking | None] | None = None,
    ) -> None:
        self._traces = traces
        self._worker = worker
        self._deciding = deciding
        self._checking = checking
        self._safer = SaferWays(worker)

    def check(self, request: LoadRequest, reached: Reached, dialect: str, code: tuple[CodeFile, ...] = ()) -> Permit:
        """Scan and assess a stream; ask if it was not proved. See `Gate.check_stream`.

        A file that changes while a person looks at the card is looked at again, as long as it keeps changing.
        """
        for _ in range(_MOST_LOOKS - 1):
            try:
                return self._look(request, reached, dialect, code)
            except StaleArtifactError:
                reached.renew()
        return self._look(request, reached, dialect, code, still=True)

    def _look(
        self, request: LoadRequest, reached: Reached, dialect: str, code: tuple[CodeFile, ...], *, still: bool = False
    ) -> Permit:
        started = time.perf_counter()
        watch = self._checking(request, reached.size) if self._checking is not None else None
        with watch or contextlib.nullcontext(), self._worker.telling(watch.beat if watch is not None else None):
            trace = self._traced(reached, dialect)
        report = dataclasses.replace(trace.report, target=request.source, size=reached.size)
        if code:
            report = _with_code(report, self._worker.scan_code(request.source, code))
        name = os.path.basename(reached.name or request.source) or request.source
        alone = reached.alone and not code and is_from_the_bytes(report.format)
        artifact = Artifact(name, request.source, report.format or dialect, report.digest, reached.size, code, alone)
        self._give_up(request, artifact, report, trace.error, started)
        surprises = self._deciding.surprises.of(request.loader, report.digest)
        report = with_surprises(report, surprises)
        assessment = evaluate(report)
        record, decision = self._deciding.decide(
            request,
            artifact,
            assessment,
            started,
            lambda: self._worker.explain(trace, dialect),
            reached.hold,
            _never if still else reached.changed,
            watch.answer if watch is not None else None,
            lambda: self._safer.seek(request, assessment, reached.source, trace.names, sys._getframe(1)),  # noqa: SLF001
        )
        if watch is not None:
            watch.passed(decision)
        files = {file.digest: file.content for file in code}
        files.update(self._deciding.code_of(record))
        permit = Permit(
            record.id, trace.names, decision is not PROOF, trace.copy, report.format, files, decision.transport in BOUND
        )
        if permit.approved:
            origins = [use.origin for use in assessment.unknown]
            of_a_cell = bool(origins) and all(origin == _NOTEBOOK for origin in origins)
            permit.bound = assessment.level is not RiskLevel.DANGEROUS and not of_a_cell
            permit.own_code = bool(code) or any(origin.startswith(("a file ", _NOTEBOOK)) for origin in origins)
            permit.expects = frozenset(surprises if decision.transport not in BY_NO_PERSON else ())
        return permit

    def _traced(self, reached: Reached, dialect: str) -> StreamTrace:
        from jupyter_modelguard.engines.inspection import inspect_open, modules_to_import

        trace = self._traces.trace(reached, dialect)
        while trace.cut_off and reached.extend():
            trace = self._traces.trace(reached, dialect)
        for module in modules_to_import(trace):
            try:
                importlib.import_module(module)  # a listed library's first import belongs outside the load's scope
            except Exception:  # noqa: BLE001 the load itself will say so; what is not imported stays uninspected
                _log.debug("could not import %s ahead of a load", module, exc_info=True)
        return inspect_open(trace)

    def _give_up(
        self, request: LoadRequest, artifact: Artifact, report: ScanReport, error: tuple[str, str] | None, started: float
    ) -> None:
        """Raise the error that any load of a broken stream ends with, when nothing before the break would be asked about.

        Nothing is loaded for it: the error was met by the trace. What is armed and broken runs before it breaks, so that is asked about.
        """
        from jupyter_modelguard.policy.evaluate import BROKEN

        if error is None:
            return
        whole = dataclasses.replace(
            report,
            findings=tuple(finding for finding in report.findings if finding.rule != BROKEN),
            coverage=dataclasses.replace(report.coverage, inspected=report.coverage.parts, missed=()),
        )
        level = evaluate(whole).level
        if level.asks or len(report.coverage.missed) != 1:
            return
        kind, message = error
        seconds = time.perf_counter() - started
        self._deciding.journal.record(
            request, Outcome.FAILED, level, artifact, report, seconds=seconds, error=f"{kind}: {message}"
        )
        raise _ERRORS[kind](message)


def _never() -> bool:
    return False


def is_from_the_bytes(kind: str) -> bool:
    """Whether files of a format are loaded from the bytes in hand."""
    return kind in _FROM_THE_BYTES


def _with_code(report: ScanReport, code: ScanReport) -> ScanReport:
    """Add what the Python files that come with a stream could do; what covers both has a digest of both."""
    from jupyter_modelguard.engines.merging import merged_reports

    return merged_reports(report.target, report.format, (report, code), report.size)
