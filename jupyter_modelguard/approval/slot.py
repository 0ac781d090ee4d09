"""The place in a cell's output that all loads of that cell share.

While a load waits it shows the card; afterwards one inert line a load, as text and as HTML, which is what the saved notebook
keeps. Loads that wait at once, in threads, share the card where each of them can be heard, and get a place each elsewhere.
"""

from __future__ import annotations

import threading
import uuid
import weakref
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.approval.faces.html import card_html, receipts_html
from jupyter_modelguard.approval.faces.plain import card_text, receipt_text

if TYPE_CHECKING:
    from jupyter_modelguard.approval.board import CardBoard
    from jupyter_modelguard.approval.present import Receipt
    from jupyter_modelguard.approval.view import CardView

__all__ = ["OutputSlot"]

_SLOTS: weakref.WeakKeyDictionary[Any, tuple[str, OutputSlot]] = weakref.WeakKeyDictionary()
_LOCK = threading.Lock()
_WATCHED = threading.local()  # hooks of ipykernel's publisher are a thread's own


class OutputSlot:
    """One updatable output; get it with `take` and give it back with `give_back`."""

    def __init__(self) -> None:
        self._display_id: str | None = None
        self._receipts: list[Receipt] = []
        self._users = 0
        self._unshown = False
        self._shared = False
        self.opening = threading.Lock()  # held while a card is made, so that loads that come at once share it
        self.board: CardBoard | None = None  # the card that loads wait in

    @property
    def lines(self) -> tuple[str, ...]:
        """What was decided here before, a line each."""
        return tuple(map(receipt_text, self._receipts))

    @classmethod
    def take(cls, kernel: Any, *, joins: bool = False) -> OutputSlot:
        """Find the place of the running cell, or a fresh one when another load waits in it.

        Parameters
        ----------
        kernel
            The ipykernel that runs the cell.
        joins
            Whether the load can wait in the card of another one.
        """
        cell = _running_cell(kernel)
        with _LOCK:
            known = _SLOTS.get(kernel)
            here = known is not None and known[0] == cell
            free = known is not None and here and (not known[1]._users or (joins and known[1]._shared))  # noqa: SLF001 its own class
            slot = known[1] if known is not None and free else cls()
            if not here:
                _SLOTS[kernel] = (cell, slot)
            slot._users += 1  # noqa: SLF001 its own class
            slot._shared = joins  # noqa: SLF001 its own class
        return slot

    def show(self, bundle: dict[str, Any]) -> None:
        """Put something there in place of what is there now."""
        from IPython.display import publish_display_data

        _watch_clearing()
        again = self._display_id is not None
        self._display_id = self._display_id or f"modelguard-{uuid.uuid4().hex}"
        publish: Any = publish_display_data
        publish(bundle, {}, transient={"display_id": self._display_id}, update=again)

    def show_text(self, text: str) -> None:
        """Put plain text there."""
        self.show({"text/plain": text})

    def show_static(self, view: CardView, note: str) -> None:
        """Put a card there that only tells, and says how to answer."""
        self.show({"text/plain": f"{card_text(view)}\n{note}", "text/html": card_html(view, note)})

    def move_down(self) -> bool:
        """Go on in a fresh output, where an earlier one of the cell was in use and may have been cleared; False when none was."""
        if not self._receipts:
            return False
        self._display_id = None
        return True

    def settle(self, receipt: Receipt) -> None:
        """Leave the line that stays; where other loads wait here, it is shown with theirs."""
        self._receipts.append(receipt)
        self._unshown = True
        if self._users <= 1:
            self._show_receipts()

    @classmethod
    def amend(cls, kernel: Any, receipt: Receipt) -> bool:
        """Put another line in the place of the one of the same load; False where the cell has none."""
        with _LOCK:
            slot = _SLOTS.get(kernel, ("", None))[1]
        if slot is None or all(one.id != receipt.id for one in slot._receipts):  # noqa: SLF001 its own class
            return False
        slot._receipts = [receipt if one.id == receipt.id else one for one in slot._receipts]  # noqa: SLF001
        slot._unshown = True  # noqa: SLF001
        if not slot._users:  # noqa: SLF001 else whoever waits there shows it afterwards
            slot._show_receipts()  # noqa: SLF001
        return True

    def give_back(self) -> None:
        """Leave the place to the next load of the cell."""
        with _LOCK:
            self._users -= 1
            last = self._users <= 0
        if last:
            self.board = None
            if self._unshown:
                self._show_receipts()

    def _show_receipts(self) -> None:
        self._unshown = False
        self.board = None
        self.show({"text/plain": "\n".join(map(receipt_text, self._receipts)), "text/html": receipts_html(self._receipts)})


def _watch_clearing() -> None:
    """Notice when this thread's cell clears its output: a card that replaced a cleared one would be seen by nobody."""
    from IPython import get_ipython

    publisher: Any = getattr(get_ipython(), "display_pub", None)
    if getattr(_WATCHED, "publisher", None) is not publisher and hasattr(publisher, "register_hook"):
        publisher.register_hook(_notice_clearing)
        _WATCHED.publisher = publisher


def _notice_clearing(message: dict[str, Any]) -> dict[str, Any]:
    if message.get("header", {}).get("msg_type") == "clear_output":
        for _, slot in list(_SLOTS.values()):
            slot._display_id = None  # noqa: SLF001 its own class
    return message


def _running_cell(kernel: Any) -> str:
    try:
        return str(kernel.get_parent().get("header", {}).get("msg_id", ""))
    except Exception:  # noqa: BLE001 a thread without a parent message
        return ""
