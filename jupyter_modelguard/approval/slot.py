"""The place in a cell's output that all loads of that cell share.

While a load waits it shows the card; afterwards one inert line a load, as text and as HTML, which is what the saved notebook
keeps. Two loads that wait at once, in two threads, get a place each.
"""

from __future__ import annotations

import threading
import uuid
import weakref
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.approval.faces.html import card_html, receipts_html
from jupyter_modelguard.approval.faces.plain import card_text, receipt_text

if TYPE_CHECKING:
    from jupyter_modelguard.approval.present import Receipt
    from jupyter_modelguard.approval.view import CardView

__all__ = ["OutputSlot"]

_SLOTS: weakref.WeakKeyDictionary[Any, tuple[str, OutputSlot]] = weakref.WeakKeyDictionary()
_LOCK = threading.Lock()
_WATCHED = threading.local()  # hooks of ipykernel's publisher are a thread's own


class OutputSlot:
    """One updatable output; get it with `take` and give it back with `settle`."""

    def __init__(self) -> None:
        self._display_id: str | None = None
        self._receipts: list[Receipt] = []
        self._taken = False

    @classmethod
    def take(cls, kernel: Any) -> OutputSlot:
        """Find the place of the running cell, or a fresh one when another load waits in it."""
        cell = _running_cell(kernel)
        with _LOCK:
            known = _SLOTS.get(kernel)
            here = known is not None and known[0] == cell
            slot = known[1] if known is not None and here and not known[1]._taken else cls()  # noqa: SLF001 its own class
            if not here:
                _SLOTS[kernel] = (cell, slot)
            slot._taken = True  # noqa: SLF001 its own class
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
        """Leave the line that stays, and the place to the next load of the cell."""
        self._receipts.append(receipt)
        self._draw()
        self.give_back()

    @classmethod
    def amend(cls, kernel: Any, receipt: Receipt) -> bool:
        """Put another line in the place of the one of the same load; False where the cell has none."""
        with _LOCK:
            slot = _SLOTS.get(kernel, ("", None))[1]
        if slot is None or all(one.id != receipt.id for one in slot._receipts):  # noqa: SLF001 its own class
            return False
        slot._receipts = [receipt if one.id == receipt.id else one for one in slot._receipts]  # noqa: SLF001
        slot._draw()  # noqa: SLF001
        return True

    def _draw(self) -> None:
        self.show({"text/plain": "\n".join(map(receipt_text, self._receipts)), "text/html": receipts_html(self._receipts)})

    def give_back(self) -> None:
        """Leave the place as it is."""
        self._taken = False


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
