"""What a person may allow, and the words for it: this call, this file, this repository at this commit.

"Once" comes first and is the one that is chosen beforehand. What cannot be chosen is shown with the reason, but for a file that runs a
command: there nothing else is even named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_modelguard.approval.view import ScopeChoice
from jupyter_modelguard.types import RiskLevel, Scope

if TYPE_CHECKING:
    from jupyter_modelguard.policy.trust import Offer, Standing
    from jupyter_modelguard.types import Artifact, SaferWay

__all__ = ["allowed_words", "scope_choices"]

_ONCE = "once"
_NAME_IT = "Name the commit: revision=…"


def scope_choices(
    artifact: Artifact, level: RiskLevel, act: str, standing: Standing, safer: tuple[SaferWay, ...] = ()
) -> tuple[ScopeChoice, ...]:
    """List the answers to "What do you allow?".

    Parameters
    ----------
    artifact, level
        What is asked about.
    act
        What the button for "once" says: "Run 2 unknown functions once".
    standing
        What trust says of the load.
    safer
        The other ways that its card offers: one that names the commit leads to the choice that a branch does not have.
    """
    if level is RiskLevel.FORBIDDEN:
        return ()
    hint = "The only choice for a file that runs a command." if level is RiskLevel.DANGEROUS else ""
    doing = act.removesuffix(" once")
    return (
        ScopeChoice(_ONCE, "Just this call, once", act, hint),
        *(
            ScopeChoice(
                offer.scope.value,
                _label(offer.scope, artifact),
                f"{doing} and {_remembers(offer.scope, artifact)}",
                _refused(offer, safer) or _hint(offer, standing),
                enabled=not offer.refused,
            )
            for offer in standing.offers
        ),
    )


def allowed_words(scope: Scope) -> str:
    """Say for the line that stays how long an answer counts."""
    return {Scope.ONCE: "allowed once", Scope.DIGEST: "allowed and remembered", Scope.COMMIT: "allowed for this commit"}[scope]


def _hint(offer: Offer, standing: Standing) -> str:
    if offer.scope is Scope.DIGEST:
        counts = "Runs without a question while every byte and function is as now."
    elif any(other.scope is Scope.DIGEST and other.refused for other in standing.offers):
        counts = "The files shown here, at this commit alone."  # see `policy.covering.against_files`
    else:
        counts = "The files shown here, at this commit and at any other that changes no byte of them."
    return f"{counts} modelguard forget takes it back."


def _refused(offer: Offer, safer: tuple[SaferWay, ...]) -> str:
    pinning = next((way.label for way in safer if way.label.startswith("Pin to ")), "")
    if offer.scope is not Scope.COMMIT or not pinning or _NAME_IT not in offer.refused:
        return offer.refused
    return offer.refused.replace(_NAME_IT, f'"{pinning}" above names the commit: there this can be chosen.')


def _label(scope: Scope, artifact: Artifact) -> str:
    if scope is Scope.COMMIT:
        return "This repository at this commit"
    return "Exactly these files, from now on" if len(artifact.files) > 1 else "This exact file, from now on"


def _remembers(scope: Scope, artifact: Artifact) -> str:
    if scope is Scope.COMMIT:
        return "remember this commit"
    return "remember these files" if len(artifact.files) > 1 else "remember this file"
