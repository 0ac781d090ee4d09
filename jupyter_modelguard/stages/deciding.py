"""From an assessment to a decision: what every check ends with.

What was proved goes on at once. Everything else is asked about, unless it was decided before or is trusted; a "no" is the one public error.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.config import headless_mode
from jupyter_modelguard.errors import ConfigurationError, ModelLoadBlockedError
from jupyter_modelguard.types import Assessment, Decision, Outcome, Scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.approval.order import Approver
    from jupyter_modelguard.engines.explanation import Explanation
    from jupyter_modelguard.history.journal import Journal
    from jupyter_modelguard.policy.trust import Standing, Trust
    from jupyter_modelguard.stages.safer_ways import Sought
    from jupyter_modelguard.types import Artifact, HistoryRecord, LoadRequest, ScanReport

__all__ = ["PROOF", "TRUST", "Deciding", "evaluate", "on_its_card"]

PROOF: Final = Decision(allow=True, by="proof", transport="proof")
"""The decision that nobody had to take."""

_log = logging.getLogger(__name__)
_LARGEST_HELD: Final = 1 << 30  # bytes that are copied before a card is shown
_MOST_SURPRISES: Final = 32  # of one file
_MOST_FILES: Final = 256

TRUST: Final = "trust"
"""Transport of a decision that was taken for an earlier load."""


def evaluate(report: ScanReport) -> Assessment:
    """Say what policy makes of a report."""
    from jupyter_modelguard.policy.evaluate import evaluate as judge  # imported with the first look

    return judge(report)


class Deciding:
    """Records what was assessed and has it decided.

    Parameters
    ----------
    approver
        Asks a person.
    journal
        Keeps the record until the load has ended.
    trust
        What this person trusts; where there is none, every answer counts once.
    """

    def __init__(self, approver: Approver, journal: Journal, trust: Trust | None = None) -> None:
        self.approver = approver
        self.journal = journal
        self.trust = trust
        self._surprises: dict[tuple[str, str], tuple[str, ...]] = {}  # by loader and code-bearing digest

    def decide(
        self,
        request: LoadRequest,
        artifact: Artifact,
        assessment: Assessment,
        started: float,
        explain: Callable[[], Explanation] | None = None,
        hold: Callable[[], str] = str,
        seek: Callable[[], Sought] | None = None,
    ) -> tuple[HistoryRecord, Decision]:
        """Let a load go on, on proof or because somebody says so.

        Parameters
        ----------
        request, artifact, assessment
            What was asked for, what it is, and what policy makes of it.
        started
            A reading of `time.perf_counter` when the load began.
        explain
            Writes down what the artifact does, for a card; called only if one is shown.
        hold
            Keeps the bytes of the load as they are until it has ended, and gives their sha256; without it, "" says that this cannot be had.
        seek
            Looks for safer ways, for a card; called only if one is shown.

        Returns
        -------
        tuple
            The record that the load's end will fill, and the decision.

        Raises
        ------
        ModelLoadBlockedError
            If it was neither proved nor allowed.
        """
        from jupyter_modelguard.approval.present import build_view

        record = self.journal.record(request, Outcome.WAITING, assessment.level, artifact, assessment.report)
        decision = PROOF
        if assessment.level.asks:
            standing = self._standing(record, hold)
            if standing.decision is None:
                record = _held_still(record, hold)
                standing = self._with_surprises(record, standing)
            decided = standing.decision or self.approver.prior(record)
            if decided is None:
                assessment = _with_safer_ways(assessment, seek)
                view = build_view(record, assessment, explain() if explain is not None else ((), ()), standing)
                waited = time.perf_counter()
                decided = self.approver.ask(record, view)
                started += time.perf_counter() - waited  # the time a person took is not the load's
            decision = self._kept(record, decided, standing, hold)
        if not decision.allow:
            record = self.journal.deny(record, decision, started)
            raise ModelLoadBlockedError(_kept_blocked(record, assessment, decision), assessment, record.id)
        self.journal.begin(record, decision, started)
        return record, decision

    def _standing(self, record: HistoryRecord, hold: Callable[[], str]) -> Standing:
        from jupyter_modelguard.policy.trust import ONLY_ONCE

        if self.trust is None or _goes_by_no_person():
            return ONLY_ONCE
        return self.trust.look(record, hold)

    def stopped(self, record: HistoryRecord, why: str) -> bool:
        """Remember what a load that was agreed to reached for beyond its card, for its next card; False where its bytes are not known."""
        if record.artifact is None or not record.artifact.digest:
            return False
        mark = record.request.loader, record.artifact.digest
        known = self._surprises.pop(mark, ())
        self._surprises[mark] = (*(item for item in known if item != why), why)[-_MOST_SURPRISES:]
        while len(self._surprises) > _MOST_FILES:
            del self._surprises[next(iter(self._surprises))]
        return True

    def surprises(self, loader: str, digest: str) -> tuple[str, ...]:
        """Give what loads of a file were stopped at, beyond what their cards had shown."""
        return self._surprises.get((loader, digest), ())

    def _with_surprises(self, record: HistoryRecord, standing: Standing) -> Standing:
        known = self.surprises(record.request.loader, record.artifact.digest if record.artifact is not None else "")
        notes = tuple(("Stopped before", f"it reached for {why}, beyond its card; allowed now, it may") for why in known)
        return dataclasses.replace(standing, notes=(*standing.notes, *notes)) if notes else standing

    def _kept(self, record: HistoryRecord, decision: Decision, standing: Standing, hold: Callable[[], str]) -> Decision:
        """Trust what was allowed for longer than once; what was not offered, or cannot be kept, counts once."""
        if not decision.allow or decision.scope is Scope.ONCE or decision is standing.decision:
            return decision
        if self.trust is not None and standing.offered(decision.scope) and self.trust.keep(record, decision, hold):
            return decision
        return dataclasses.replace(decision, scope=Scope.ONCE)


def _held_still(record: HistoryRecord, hold: Callable[[], str]) -> HistoryRecord:
    """Keep the bytes as they are while somebody decides about them: what is loaded then is what was there when they were shown."""
    artifact = record.artifact
    if artifact is None or not artifact.alone or artifact.files or artifact.size > _LARGEST_HELD:
        return record
    try:
        content = hold()
    except OSError:
        _log.warning("The bytes of %s could not be kept still while it is decided about.", record.id, exc_info=True)
        return record
    return dataclasses.replace(record, artifact=dataclasses.replace(artifact, content=content))


def _goes_by_no_person() -> bool:
    """Whether the environment says to go by no person's answers, not even earlier ones; a wrong word in it says so too."""
    try:
        return headless_mode() is not None
    except ConfigurationError:
        return True


def _with_safer_ways(assessment: Assessment, seek: Callable[[], Sought] | None) -> Assessment:
    if seek is None:
        return assessment
    sought = seek()
    return dataclasses.replace(assessment, safer=sought.ways, sought=sought.tried)


def on_its_card(record: HistoryRecord) -> str:
    """Say what a person agreed to, beside what a load then reached for."""
    from jupyter_modelguard.approval.present import build_view
    from jupyter_modelguard.approval.refusal import shown_calls

    if record.report is None or record.level is None:
        return "Nothing of the kind was on its card."
    return f"On its card: {shown_calls(build_view(record, Assessment(record.level, record.report))) or 'nothing that it calls'}."


def _kept_blocked(record: HistoryRecord, assessment: Assessment, decision: Decision) -> str:
    from jupyter_modelguard.approval.present import build_view
    from jupyter_modelguard.approval.refusal import refusal

    return refusal(build_view(record, assessment), decision)
