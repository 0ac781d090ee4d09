"""What decided about a load before anybody is asked: one step after the other, and the first that decides counts.

    a rule that allows → a lock file → what this person trusts, and code that did not change since (`unchanged_code`)
    → what was saved here → an answer given after this same load had failed

A step looks at a load and gives a decision or None; it never raises. Which of them are taken at all, the environment says
(`MODELGUARD_HEADLESS`): `deny` goes by rules alone, `lock` by rules and lock files. A rule that asks has all of them passed over but the
last, which is an answer to this very question.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from jupyter_modelguard.config import headless_mode
from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.stages.born_here import BORN
from jupyter_modelguard.types import Decision, Scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.approval.order import Approver
    from jupyter_modelguard.policy.rulebook import Rulebook
    from jupyter_modelguard.policy.rules import Rule
    from jupyter_modelguard.policy.trust import Standing, Trust
    from jupyter_modelguard.stages.born_here import BornHere
    from jupyter_modelguard.types import HistoryRecord

__all__ = [
    "BOUND",
    "BY_NO_PERSON",
    "POLICY",
    "AnswerStep",
    "BornStep",
    "LockStep",
    "Look",
    "RuleStep",
    "Step",
    "TrustStep",
    "first_decision",
]

POLICY = "policy"
"""Transport of a decision that a rule took."""

BOUND = frozenset({POLICY, "lock", "trust", BORN})
"""Transports of decisions that hold for the bytes in hand and nothing beside them."""

BY_NO_PERSON = BOUND - {"trust"}
"""Transports of decisions about what no person was shown as it is loaded."""


@dataclass(slots=True)
class Look:
    """One load, while it is found out whether it was decided earlier.

    Attributes
    ----------
    record
        The load.
    hold
        Keeps all its bytes as they are, and gives their sha256; "" where this cannot be had.
    rule
        The rule of a policy that counts for it.
    standing
        For the card, should it come to one: what may be chosen, and how this load differs from what was decided.
    """

    record: HistoryRecord
    hold: Callable[[], str]
    rule: Rule | None
    standing: Standing


class Step(Protocol):
    """One thing that may have decided about a load."""

    def __call__(self, look: Look) -> Decision | None:
        """Give the decision; None has the next step looked at."""


class RuleStep:
    """A rule of a policy that allows."""

    def __call__(self, look: Look) -> Decision | None:
        """Decide by the rule that counts, when that allows."""
        from jupyter_modelguard.policy.rules import Action

        rule = look.rule
        if rule is None or rule.action is not Action.ALLOW:
            return None
        return Decision(
            allow=True,
            by=f"policy {rule.title}",
            transport=POLICY,
            reason=f"{rule.reason} · {rule.place}",
            scope=Scope.DIGEST,
            at=look.record.at,
        )


class LockStep:
    """An entry of a lock file that counts."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._rulebook = rulebook

    def __call__(self, look: Look) -> Decision | None:
        """Decide by the lock file, unless the environment says to deny."""
        return self._rulebook.locks.look(look.record, look.hold) if goes_by() != "deny" else None


class TrustStep:
    """What this person trusts on this machine."""

    def __init__(self, trust: Trust) -> None:
        self._trust = trust

    def __call__(self, look: Look) -> Decision | None:
        """Decide as this person did, unless the environment says to go by no person; say what may be chosen on the card."""
        if goes_by() is not None:
            return None
        look.standing = self._trust.look(look.record, look.hold)
        return look.standing.decision


class BornStep:
    """What this user's own kernels saved."""

    def __init__(self, born: BornHere) -> None:
        self._born = born

    def __call__(self, look: Look) -> Decision | None:
        """Let pass what was saved here, unless the environment says to go by no person."""
        return self._born.look(look.record, look.hold).decision if goes_by() is None else None


class AnswerStep:
    """An answer that was given after this same load had failed, for one load."""

    def __init__(self, approver: Approver) -> None:
        self._approver = approver

    def __call__(self, look: Look) -> Decision | None:
        """Use up such an answer."""
        return self._approver.prior(look.record)


def first_decision(steps: tuple[Step, ...], look: Look) -> Decision | None:
    """Take one step after the other until one decides."""
    return next((decision for step in steps if (decision := step(look)) is not None), None)


def goes_by() -> str | None:
    """Say what the environment leaves of earlier decisions: "deny", "lock", or None for all; a wrong word in it denies too."""
    try:
        return headless_mode()
    except ConfigurationError:
        return "deny"
