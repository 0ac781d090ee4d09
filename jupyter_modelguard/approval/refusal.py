"""The message of a blocked load: what was stopped, why, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_modelguard.approval.faces.plain import changes_text, phases_text, ways_text
from jupyter_modelguard.approval.text import as_plain
from jupyter_modelguard.types import RiskLevel

if TYPE_CHECKING:
    from jupyter_modelguard.approval.view import CardView
    from jupyter_modelguard.types import Decision

__all__ = ["refusal", "shown_calls"]

_MOST_CALLS = 4
_DECIDING = ("Policy", "Lock file")  # facts that say what to change so that it passes
_MOST_FOUND = 40  # lines of what was found
_FACT = 400  # characters of one
_MOST_LINES = 100  # of an entry in a message


def refusal(view: CardView, decision: Decision, proposal: tuple[str, str] = ("", "")) -> str:
    """Compose the text of `ModelLoadBlockedError`; strangers' names in it are escaped.

    Parameters
    ----------
    view
        What was asked about.
    decision
        The answer that kept it blocked.
    proposal
        Where nobody could be asked: the entry of a lock file that would let it pass, or why there can be none.
    """
    name = as_plain(view.object)
    where = f" ({view.place})" if view.place else ""
    lines = [f"{name} was not loaded{where}, nothing of it ran: {_why(view)}.", _who(view, decision), *_found(view, decision)]
    if view.safer:
        lines += ["You can write this instead:", *ways_text(view)]
    lines += [f"{fact.label}: {as_plain(fact.text, limit=None)}" for fact in view.facts if fact.label in _DECIDING]
    lines.append(_next(view, decision))
    lines += _reviewed(*proposal)
    return "\n".join(lines)


def _found(view: CardView, decision: Decision) -> list[str]:
    """Say of a model's own code, where nobody saw a card, what that would say: what is new, what would run when, what it could reach."""
    if decision.transport not in {"headless", "none"} or not (view.phases or view.changes):
        return []
    said = [*changes_text(view), *phases_text(view)]
    more = len(said) - _MOST_FOUND
    facts = [f"{as_plain(fact.label)}: {as_plain(fact.text, limit=_FACT)}" for fact in view.facts if fact.label not in _DECIDING]
    return [*said[:_MOST_FOUND], *([f"  … {more:,} more lines"] if more > 0 else []), *facts]


def _why(view: CardView) -> str:
    if view.level is RiskLevel.FORBIDDEN:
        reason = next((fact.text for fact in view.rule if fact.label == "Reason"), "")
        return as_plain(": ".join(filter(None, (view.title, reason.rstrip(".")))), limit=None)
    said = [as_plain(view.consequence or view.would, limit=None)]
    if view.calls:
        said.append(shown_calls(view))
    said += [as_plain(missed, limit=160) for missed in view.missed[:_MOST_CALLS]]
    return " · ".join(said)


def shown_calls(view: CardView) -> str:
    """List the first functions of a card, and how many more there are; empty if it shows none."""
    shown = [f"{as_plain(row.name, name=True)}{f' ×{row.count}' if row.count else ''}" for row in view.calls[:_MOST_CALLS]]
    more = len(view.calls) - _MOST_CALLS
    return ", ".join([*shown, *([f"{more} more"] if more > 0 else [])])


def _who(view: CardView, decision: Decision) -> str:
    if view.level is RiskLevel.FORBIDDEN:
        return "A policy forbids it, so nobody was asked."
    if decision.transport == "headless":
        return f"Nobody could be asked: {as_plain(decision.reason, limit=None)}."
    if decision.transport == "none":
        return f"Nobody could be asked here: {as_plain(decision.reason, limit=None)}."
    how = " by interrupting" if decision.reason == "interrupted" else ""
    return f"Kept blocked by {as_plain(decision.by)}{how}."


def _reviewed(entry: str, refused: str) -> list[str]:
    """Say what a reviewer would add; all of it is text of ours and escaped TOML."""
    if refused:
        return [f"No lock file can let it pass: {as_plain(refused, limit=None)}"]
    if not entry:
        return []
    lines = entry.splitlines()
    if len(lines) > _MOST_LINES:
        return ["For runs that nobody watches, modelguard run writes the entry that a reviewer would add to modelguard.lock."]
    return ["For runs that nobody watches, a reviewer adds to modelguard.lock, with who and why:", *lines]


def _next(view: CardView, decision: Decision) -> str:
    if view.level is RiskLevel.FORBIDDEN:
        return f"See which rules there are: %modelguard policy. What was found: %modelguard show {view.id}"
    if decision.transport == "headless":
        return (
            "To decide, run it where you can answer: in JupyterLab, Notebook or a terminal IPython. "
            f"What was found: modelguard history, #{view.id}."
        )
    if decision.transport == "none":
        return (
            f"To decide: modelguard decide {view.id} in a terminal, or %modelguard allow {view.id} in a cell. "
            "Then run this cell again."
        )
    return (
        f"See what it does: %modelguard show {view.id}. To allow it once: %modelguard allow {view.id}, then run this cell again."
    )
