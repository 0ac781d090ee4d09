"""The card in the cell's output: an anywidget that waits in the middle of the running cell.

The widget holds the view and a random token. Its front end says `{"ready": token}` once it is drawn, and later what the person
clicked, which is checked again. The same wait also looks at the row that another process can answer, where the first decision counts,
and at the file: when that changes, what is shown is not what would be loaded, and the load has to be looked at again.

Where the front end's files are missing, no widget library is installed, the kernel has no place for a tap or no card appears in
time, the answer is None and the next way to ask applies.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.approval.board import CardBoard
from jupyter_modelguard.approval.faces.plain import card_text
from jupyter_modelguard.approval.hub_facts import HubFacts
from jupyter_modelguard.approval.present import receipt
from jupyter_modelguard.approval.tap import ShellTap
from jupyter_modelguard.approval.transport import STALE, changed_meanwhile
from jupyter_modelguard.approval.widget import widget_class

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.approval.answer import CardAnswer
    from jupyter_modelguard.approval.database import PendingRow
    from jupyter_modelguard.approval.slot import OutputSlot
    from jupyter_modelguard.approval.view import CardView
    from jupyter_modelguard.types import Decision, HistoryRecord

__all__ = ["CardTransport"]

_LOOK = 0.1  # seconds between looks at the row; a click ends the wait at once
_WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


class CardTransport:
    """Ask with a card and a row at once.

    Parameters
    ----------
    kernel
        The ipykernel that runs the cell.
    row
        The load as another process sees it.
    slot
        Where in the output the card goes.
    ready_within
        Seconds a card has to appear.
    changed
        Whether the file is not any more what the card shows.
    asks_hub
        Whether a hub may be asked what it knows of the code, once the card is there.
    """

    name = "card"

    def __init__(  # noqa: PLR0913 what a card is made of
        self,
        kernel: Any,
        row: PendingRow,
        slot: OutputSlot,
        ready_within: float,
        changed: Callable[[], bool] = lambda: False,
        *,
        asks_hub: bool = False,
    ) -> None:
        self._kernel = kernel
        self._row = row
        self._slot = slot
        self._ready_within = ready_within
        self._changed = changed
        self._asks_hub = asks_hub
        self._hub: HubFacts | None = None

    def ask(self, record: HistoryRecord, view: CardView) -> Decision | None:
        """Show the card, or a row in one that other loads of this cell wait in, and wait; None when it cannot be seen or heard."""
        tap = ShellTap.install(self._kernel)
        if tap is None or not tap.hears:
            return self._wait_for_row(record, view) if threading.current_thread() is not threading.main_thread() else None
        with self._slot.opening:
            board = self._slot.board
            answer = board.join(view) if board is not None else None
            if board is None or answer is None:
                kind = widget_class()
                if kind is None:
                    return None
                board = self._slot.board = CardBoard(kind, tap, view, earlier=self._slot.lines)
                answer = board.first
        try:
            decision = self._wait(tap, board, answer, record)
        except BaseException:
            board.settle(answer, "denied")
            raise
        if decision is None:
            if answer is board.first:
                self._slot.board = None
                board.close()
            return None
        decision = self._row.settle(decision)
        state = "receipt" if decision.allow else "stale" if decision.transport == STALE else "denied"
        board.settle(answer, state, receipt(view, decision).text)
        return decision

    def _wait(self, tap: ShellTap, board: CardBoard, answer: CardAnswer, record: HistoryRecord) -> Decision | None:
        opened = answer is board.first
        if opened:
            self._show(board, answer.view)
        deadline, moved, refused = time.monotonic() + self._ready_within, False, 0
        while not tap.wait(answer.decided, _LOOK):
            elsewhere = self._row.poll()
            if elsewhere is not None:
                return elsewhere
            if board.closed:
                return None
            if self._changed():
                return changed_meanwhile()
            if opened and answer.ready and self._asks_hub:  # the card is there: nothing waits for what the hub says
                self._hub = self._hub or HubFacts(record.artifact)
                board.tell_late(self._hub.take())
            if answer.refused > refused:  # the front end may think that it was heard
                refused = answer.refused
                board.tell_again(answer)
            if opened and not answer.ready and time.monotonic() > deadline:
                if moved or not self._slot.move_down():
                    return None
                moved, deadline = True, time.monotonic() + self._ready_within
                self._show(board, answer.view)
        return (
            changed_meanwhile() if answer.decision is not None and answer.decision.allow and self._changed() else answer.decision
        )

    def _show(self, board: CardBoard, view: CardView) -> None:
        reference = {"version_major": 2, "version_minor": 0, "model_id": board.widget.model_id}
        self._slot.show({"text/plain": card_text(view), _WIDGET_VIEW: reference})

    def _wait_for_row(self, record: HistoryRecord, view: CardView) -> Decision | None:
        """Wait for the row alone, in a thread that cannot hear the front end."""
        if not self._row.open:
            return None
        self._slot.show_static(
            view, f"This load waits in a background thread. Answer it in a terminal: modelguard decide {record.id}"
        )
        pause = threading.Event()
        while (decision := self._row.poll()) is None:
            pause.wait(_LOOK)
        return self._row.settle(decision)
