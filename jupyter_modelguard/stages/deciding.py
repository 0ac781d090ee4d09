"""From an assessment to a decision: what every check ends with.

What a policy forbids ends here. What was proved goes on at once, unless a rule asks. Everything else is asked about, unless it was decided
earlier (`earlier` has the order); a "no" is the one public error.
"""

from __future__ import annotations

import collections
import dataclasses
import time
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.approval.transport import STALE
from jupyter_modelguard.errors import ModelLoadBlockedError, StaleArtifactError
from jupyter_modelguard.stages.born_here import BORN
from jupyter_modelguard.stages.earlier import (
    BOUND,
    POLICY,
    AnswerStep,
    BornStep,
    LockStep,
    Look,
    RuleStep,
    Step,
    TrustStep,
    first_decision,
)
from jupyter_modelguard.stages.proposing import Proposal, propose, report_blocked, with_content
from jupyter_modelguard.stages.surprises import Surprises
from jupyter_modelguard.stages.unchanged_code import UnchangedStep
from jupyter_modelguard.types import Decision, Explanation, Outcome, RiskLevel, Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jupyter_modelguard.approval.order import Approver
    from jupyter_modelguard.approval.view import CardView
    from jupyter_modelguard.history.journal import Journal
    from jupyter_modelguard.policy.rulebook import Rulebook
    from jupyter_modelguard.policy.rules import Rule
    from jupyter_modelguard.policy.trust import Standing, Trust
    from jupyter_modelguard.stages.born_here import BornHere
    from jupyter_modelguard.stages.own_kernel import OwnKernel
    from jupyter_modelguard.stages.safer_ways import Sought
    from jupyter_modelguard.types import Artifact, Assessment, HistoryRecord, LoadRequest, ScanReport

__all__ = ["PROOF", "Deciding", "evaluate"]

PROOF: Final = Decision(allow=True, by="proof", transport="proof")
"""The decision that nobody had to take."""

# Facts of a card whose loads no new entry of a lock file would let pass: one is there already, or none counts.
_LOCK_NOTE = "Lock file"
_RULE_NOTE = "Policy"
_REMEMBERED = 1_000  # allowed loads of this process, for %modelguard lock
_HASHED = 1 << 28  # bytes of a file that is read once more when it was allowed once, so that a lock file can name all of them


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
    rulebook
        The policy and lock files that count; where there is none, nothing is forbidden or granted by one.
    born
        What this user's own kernels saved; where there is none, it is asked about.
    kernel
        Told of every load that goes on without a proof, but for those of the user's own files.

    Attributes
    ----------
    steps
        What may have decided about a load before it is asked about, in the order in which it is looked at.
    allowed
        The latest loads that were allowed here, with the sha256 of all they read where that could be had.
    surprises
        What loads that were allowed reached for beyond their cards.
    """

    def __init__(
        self,
        approver: Approver,
        journal: Journal,
        trust: Trust | None = None,
        rulebook: Rulebook | None = None,
        born: BornHere | None = None,
        kernel: OwnKernel | None = None,
    ) -> None:
        self.approver = approver
        self.journal = journal
        self.trust = trust
        self.surprises = Surprises()
        self._rulebook = rulebook
        self.born = born
        self.kernel = kernel
        self._answer = AnswerStep(approver)
        trusting: tuple[Step, ...] = () if trust is None else (TrustStep(trust), UnchangedStep(trust, journal))
        self.steps: tuple[Step, ...] = (
            RuleStep(),
            *([LockStep(rulebook)] if rulebook is not None else []),
            *trusting,
            *([BornStep(born)] if born is not None else []),
            self._answer,
        )
        self.allowed: collections.deque[HistoryRecord] = collections.deque(maxlen=_REMEMBERED)

    def decide(
        self,
        request: LoadRequest,
        artifact: Artifact,
        assessment: Assessment,
        started: float,
        explain: Callable[[], Explanation] | None = None,
        hold: Callable[[], str] = str,
        changed: Callable[[], bool] = lambda: False,
        answered: Decision | None = None,
        seek: Callable[[], Sought] | None = None,
        compare: Callable[[HistoryRecord, Standing], Standing] | None = None,
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
        changed
            Whether the file is not any more what was assessed; asked while a person looks at the card.
        answered
            What a person said already, while it was checked.
        seek
            Looks for safer ways, for a card; called only if one is shown, and for what was not proved.
        compare
            Adds to what trust says of the load what earlier answers say of it, for a card; called only if one is shown.

        Returns
        -------
        tuple
            The record that the load's end will fill, and the decision: `PROOF` for what was proved, even where a rule had it asked about.

        Raises
        ------
        ModelLoadBlockedError
            If it was neither proved nor allowed.
        StaleArtifactError
            If it changed while the card was open; nothing was decided.
        """
        record = self.journal.record(request, Outcome.WAITING, assessment.level, artifact, assessment.report)
        rule = self._rulebook.policy.rule_on(record, hold) if self._rulebook is not None else None
        if rule is not None and _forbids(rule):
            assessment = dataclasses.replace(assessment, level=RiskLevel.FORBIDDEN, rules=(rule.title, rule.place, rule.reason))
            record = dataclasses.replace(record, level=RiskLevel.FORBIDDEN)
        proved = not assessment.level.asks and answered is None
        decision, view, waited = PROOF if answered is None else answered, None, 0.0
        if answered is None and (not proved or (rule is not None and _asks(rule))):
            shown = _Shown(assessment, explain, seek, compare)
            record, decision, waited = self._decided(record, shown, rule, hold, changed)
            assessment, view = shown.assessment, shown.view
        started += waited  # the time a person took is not the load's
        if not decision.allow:
            record = self.journal.deny(record, decision, started)
            if decision.transport == STALE:
                raise StaleArtifactError(f"{artifact.name} changed while it was asked about.")
            raise ModelLoadBlockedError(self._kept_blocked(record, assessment, decision, view, hold), assessment, record.id)
        if not proved and decision.transport != BORN and self.kernel is not None:
            self.kernel.spoil(f"{request.loader} of {artifact.name} went on without a proof")
        self.journal.begin(record, decision, started)
        return record, PROOF if proved else decision

    def code_of(self, record: HistoryRecord) -> Mapping[str, bytes]:
        """Give the user's own modules that a load of a file of theirs may import, by digest."""
        return {} if self.born is None else self.born.code_of(record.id)

    def _decided(
        self,
        record: HistoryRecord,
        shown: _Shown,
        rule: Rule | None,
        hold: Callable[[], str],
        changed: Callable[[], bool],
    ) -> tuple[HistoryRecord, Decision, float]:
        """Go by what was decided earlier, or ask; say too how many seconds a person took."""
        from jupyter_modelguard.policy.trust import ONLY_ONCE

        look = Look(record, hold, rule, ONLY_ONCE)
        forbidden = shown.assessment.level is RiskLevel.FORBIDDEN
        if rule is not None and _asks(rule):
            look.standing = dataclasses.replace(ONLY_ONCE, notes=((_RULE_NOTE, f"asks each time · {' · '.join(_said(rule))}"),))
            decided = self._answer(look)
        else:
            decided = None if forbidden else first_decision(self.steps, look)
        if decided is not None:
            if decided.transport not in BOUND:  # an answer of a person, who may have said for how long
                decided = self._kept(record, decided, look.standing, hold)
            return self._noted(record, decided, hold), decided, 0.0
        standing = self.surprises.noted(record, self._with_lock(look))
        view = shown.card(record, standing)
        began = time.perf_counter()
        decided = self.approver.ask(record, view, changed)
        waited = time.perf_counter() - began
        if forbidden and decided.allow:
            decided = Decision(allow=False, by=POLICY, transport=POLICY, reason=view.title, at=time.time())
        decided = self._kept(record, decided, standing, hold)
        return self._noted(record, decided, hold), decided, waited

    def _with_lock(self, look: Look) -> Standing:
        """Say on the card that a lock file would let this pass, if somebody accepted it."""
        said = self._rulebook.locks.waiting(look.record, look.hold) if self._rulebook is not None else ""
        if not said:
            return look.standing
        return dataclasses.replace(look.standing, notes=(*look.standing.notes, (_LOCK_NOTE, said)))

    def _kept(self, record: HistoryRecord, decision: Decision, standing: Standing, hold: Callable[[], str]) -> Decision:
        """Trust what was allowed for longer than once; what was not offered, or cannot be kept, counts once."""
        if not decision.allow or decision.scope is Scope.ONCE:
            return decision
        if self.trust is not None and standing.offered(decision.scope) and self.trust.keep(record, decision, hold):
            return decision
        return dataclasses.replace(decision, scope=Scope.ONCE)

    def _noted(self, record: HistoryRecord, decision: Decision, hold: Callable[[], str]) -> HistoryRecord:
        """Keep what was allowed in mind, and what all its bytes are, for a lock file that is written from it."""
        if decision.allow:
            if decision.transport not in BOUND:
                record = with_content(record, hold, _HASHED)
            self.allowed.append(dataclasses.replace(record, decision=decision, outcome=Outcome.ALLOWED))
        return record

    def _kept_blocked(
        self,
        record: HistoryRecord,
        assessment: Assessment,
        decision: Decision,
        view: CardView | None,
        hold: Callable[[], str],
    ) -> str:
        from jupyter_modelguard.approval.present import build_view
        from jupyter_modelguard.approval.refusal import refusal

        project = self._rulebook.places.project if self._rulebook is not None else None
        noted = {fact.label for fact in view.facts} if view is not None else set()
        proposal = propose(record, decision, hold, project) if noted.isdisjoint((_LOCK_NOTE, _RULE_NOTE)) else Proposal()
        message = refusal(view or build_view(record, assessment), decision, proposal)
        report_blocked(record.id, message, proposal)
        return message


@dataclasses.dataclass(slots=True)
class _Shown:
    """What a card says of one load, found out when one is shown."""

    assessment: Assessment
    explain: Callable[[], Explanation] | None
    seek: Callable[[], Sought] | None
    compare: Callable[[HistoryRecord, Standing], Standing] | None
    view: CardView | None = None

    def card(self, record: HistoryRecord, standing: Standing) -> CardView:
        """Describe the load, with the safer ways where somebody can still choose one."""
        from jupyter_modelguard.approval.present import build_view

        if self.seek is not None and self.assessment.level.asks and self.assessment.level is not RiskLevel.FORBIDDEN:
            sought = self.seek()
            self.assessment = dataclasses.replace(self.assessment, safer=sought.ways, sought=sought.tried)
        if self.compare is not None and self.assessment.level is not RiskLevel.FORBIDDEN:
            standing = self.compare(record, standing)
        explanation = self.explain() if self.explain is not None else Explanation()
        self.view = build_view(record, self.assessment, explanation, standing)
        return self.view


def _forbids(rule: Rule) -> bool:
    return rule.action.value == "forbid"


def _asks(rule: Rule) -> bool:
    return rule.action.value == "ask"


def _said(rule: Rule) -> tuple[str, ...]:
    return tuple(filter(None, (f"{rule.title} ({rule.place})", rule.reason)))
