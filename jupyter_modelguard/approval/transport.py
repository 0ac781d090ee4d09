"""What every way of asking a person has to offer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Protocol

from jupyter_modelguard.types import Decision

if TYPE_CHECKING:
    from jupyter_modelguard.approval.view import CardView
    from jupyter_modelguard.types import HistoryRecord

__all__ = ["STALE", "Transport", "changed_meanwhile"]

STALE: Final = "stale"
"""Transport of the answer that nobody gave: the file changed while a person looked at the card."""


def changed_meanwhile() -> Decision:
    """End a question that is not about the file any more that would be loaded."""
    return Decision(allow=False, by="nobody", transport=STALE, reason="it changed while the card was open", at=time.time())


class Transport(Protocol):
    """One way to put a load before a person."""

    @property
    def name(self) -> str:
        """What `Decision.transport` says of it: "card", "prompt"."""

    def ask(self, record: HistoryRecord, view: CardView) -> Decision | None:
        """Wait for a decision; None when nobody can be reached this way, and the next way applies.

        A person who interrupts has answered: `KeyboardInterrupt` is left to the caller, who keeps the load blocked.
        """
