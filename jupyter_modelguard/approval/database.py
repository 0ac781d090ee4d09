"""The waiting load as a row that another process can answer: `modelguard decide`, and the sidebar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_modelguard.approval.present import plain_view

if TYPE_CHECKING:
    from jupyter_modelguard.approval.view import CardView
    from jupyter_modelguard.history.store import Store
    from jupyter_modelguard.types import Decision, HistoryRecord

__all__ = ["PendingRow"]


class PendingRow:
    """One load put up in the history.

    The row also arbitrates: whatever a card or a prompt brings back is passed through `settle`, and the first decision counts.

    Attributes
    ----------
    open
        Whether it was put up at once.

    Parameters
    ----------
    store
        The history; where its database cannot be used, nobody can answer there and every other way still works.
    record, view
        The load, and what a person is to be shown.
    waiting
        False when the load is not held: a decision then counts for its next run.
    """

    def __init__(self, store: Store, record: HistoryRecord, view: CardView, *, waiting: bool = True) -> None:
        self._store = store
        self._id = record.id
        self._settled: Decision | None = None
        self.open = store.ask(record, plain_view(view), waiting=waiting)

    def poll(self) -> Decision | None:
        """Look whether somebody answered; some 30 µs. What could not be put up at once is, as soon as it can be."""
        return self._store.answer(self._id)

    def only_here(self) -> None:
        """Take the load back from everybody else: where it is asked now, nothing from elsewhere is heard."""
        self._store.approvals.only_here(self._id)

    def settle(self, decision: Decision) -> Decision:
        """Bring a decision; what comes back is the one that was first."""
        if self._settled is None:
            self._settled = self._store.settle(self._id, decision)
        return self._settled
