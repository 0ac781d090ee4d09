"""From an assessment to a decision: what every check ends with.

What was proved goes on at once. Everything else is asked about, unless it was decided before; a "no" is the one public error.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.errors import ModelLoadBlockedError
from jupyter_modelguard.types import Decision, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.approval.order import Approver
    from jupyter_modelguard.engines.explanation import Explanation
    from jupyter_modelguard.history.journal import Journal
    from jupyter_modelguard.types import Artifact, Assessment, HistoryRecord, LoadRequest, ScanReport

__all__ = ["PROOF", "Deciding", "evaluate"]

PROOF: Final = Decision(allow=True, by="proof", transport="proof")
"""The decision that nobody had to take."""


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
    """

    def __init__(self, approver: Approver, journal: Journal) -> None:
        self.approver = approver
        self.journal = journal

    def decide(
        self,
        request: LoadRequest,
        artifact: Artifact,
        assessment: Assessment,
        started: float,
        explain: Callable[[], Explanation] | None = None,
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
            decided = self.approver.prior(record)
            if decided is None:
                view = build_view(record, assessment, explain() if explain is not None else ((), ()))
                waited = time.perf_counter()
                decided = self.approver.ask(record, view)
                started += time.perf_counter() - waited  # the time a person took is not the load's
            decision = decided
        if not decision.allow:
            record = self.journal.deny(record, decision, started)
            raise ModelLoadBlockedError(_kept_blocked(record, assessment, decision), assessment, record.id)
        self.journal.begin(record, decision, started)
        return record, decision


def _kept_blocked(record: HistoryRecord, assessment: Assessment, decision: Decision) -> str:
    from jupyter_modelguard.approval.present import build_view
    from jupyter_modelguard.approval.refusal import refusal

    return refusal(build_view(record, assessment), decision)
