"""An answer that came from elsewhere while a prompt asked: it ends the question, and one line says who gave it.

Whoever reads a line for a prompt looks meanwhile whether the load was answered in another place, and raises `AnsweredElsewhereError`
when it was. What is typed at the prompt afterwards answers nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jupyter_modelguard.approval.choices import allowed_words
from jupyter_modelguard.approval.text import as_plain

if TYPE_CHECKING:
    from jupyter_modelguard.approval.view import CardView
    from jupyter_modelguard.types import Decision

__all__ = ["LOOK", "AnsweredElsewhereError", "said_elsewhere"]

LOOK: Final = 0.1
"""Seconds between two looks at the row that another process can answer."""

_PLACES: Final = {"sidebar": "in the sidebar", "database": "in another terminal"}


class AnsweredElsewhereError(Exception):
    """Somebody decided about the load while a prompt asked about it.

    Parameters
    ----------
    decision
        What they decided.
    """

    def __init__(self, decision: Decision) -> None:
        super().__init__(decision.transport)
        self.decision = decision


def said_elsewhere(view: CardView, decision: Decision) -> str:
    """Say in one line who answered, where, and what."""
    what = allowed_words(decision.scope) if decision.allow else "kept blocked"
    where = _PLACES.get(decision.transport, "elsewhere")
    return f"{as_plain(view.object)} was answered {where}: {what} by {as_plain(decision.by)}."
