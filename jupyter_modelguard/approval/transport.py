"""What every way of asking a person has to offer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from jupyter_modelguard.approval.view import CardView
    from jupyter_modelguard.types import Decision, HistoryRecord

__all__ = ["Transport"]


class Transport(Protocol):
    """One way to put a load before a person."""

    @property
    def name(self) -> str:
        """What `Decision.transport` says of it: "card", "prompt"."""

    def ask(self, record: HistoryRecord, view: CardView) -> Decision | None:
        """Wait for a decision; None when nobody can be reached this way, and the next way applies.

        A person who interrupts has answered: `KeyboardInterrupt` is left to the caller, who keeps the load blocked.
        """
