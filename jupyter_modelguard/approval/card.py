"""The card in the cell's output: an anywidget that waits in the middle of the running cell.

The widget holds the view and a random token. Its front end says `{"ready": token}` once it is drawn, and later what the person
clicked. Every message is checked here again, because any output in the page can send one: the token, the reason, the scope and
the typed finding must all fit, and whatever does not is ignored. The same wait also looks at the row that another process can
answer; the first decision counts.

Where the front end's files are missing, no widget library is installed, the kernel has no place for a tap or no card appears in
time, the answer is None and the next way to ask applies.
"""

from __future__ import annotations

import functools
import hmac
import logging
import secrets
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.approval.conversation import confirms
from jupyter_modelguard.approval.faces.plain import card_text
from jupyter_modelguard.approval.present import INSTEAD, plain_view, receipt
from jupyter_modelguard.approval.tap import ShellTap
from jupyter_modelguard.config import user_name
from jupyter_modelguard.types import Decision, Scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.approval.database import PendingRow
    from jupyter_modelguard.approval.slot import OutputSlot
    from jupyter_modelguard.approval.view import CardView
    from jupyter_modelguard.types import HistoryRecord

__all__ = ["CardAnswer", "CardTransport", "card_files"]

_LOG = logging.getLogger(__name__)
_STATIC = Path(__file__).parent / "static"
_LOOK = 0.1  # seconds between looks at the row; a click ends the wait at once
_WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


class CardAnswer:
    """What comes back from one card's front end, checked.

    Parameters
    ----------
    token
        The card's random text.
    view
        What the card shows, and so what may be answered.
    """

    def __init__(self, token: str, view: CardView) -> None:
        self._token = token
        self._view = view
        self._lock = threading.Lock()
        self.ready = False
        self.decision: Decision | None = None
        self.decided = threading.Event()
        self.refused = 0  # messages that did not fit

    def take(self, data: dict[str, Any]) -> None:
        """Take the data of a comm message, on whatever thread it arrives."""
        content = data.get("content")
        if data.get("method") == "custom" and isinstance(content, dict):
            self.take_content(content)

    def take_content(self, content: dict[str, Any]) -> None:
        """Take what the front end said; the first decision that fits counts, everything else is ignored."""
        if self._mine(content.get("ready")):
            self.ready = True
            return
        if not self._mine(content.get("token")):
            return
        decision = self._read(content)
        with self._lock:
            if decision is None:
                self.refused += 1
            elif self.decision is None:
                self.decision = decision
                self.decided.set()

    def _mine(self, token: object) -> bool:
        return isinstance(token, str) and hmac.compare_digest(token.encode("utf-8", "replace"), self._token.encode())

    def _read(self, content: dict[str, Any]) -> Decision | None:
        now = time.time()
        if content.get("decision") == "deny":
            instead = next((way.label for way in self._view.safer if way.label == content.get("instead")), "")
            why = f"{INSTEAD}{instead}" if instead else "kept blocked"
            return Decision(allow=False, by=user_name(), transport="card", reason=why, at=now)
        reason, scope, finding = content.get("reason"), content.get("scope"), content.get("finding", "")
        offered = {choice.value for choice in self._view.scopes if choice.enabled}
        if (
            content.get("decision") != "allow"
            or reason not in self._view.reasons
            or not isinstance(scope, str)
            or scope not in offered
            or not isinstance(finding, str)
            or not confirms(self._view, finding)
        ):
            return None
        return Decision(allow=True, by=user_name(), transport="card", reason=str(reason), scope=Scope(scope), at=now)


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
    """

    name = "card"

    def __init__(self, kernel: Any, row: PendingRow, slot: OutputSlot, ready_within: float) -> None:
        self._kernel = kernel
        self._row = row
        self._slot = slot
        self._ready_within = ready_within

    def ask(self, record: HistoryRecord, view: CardView) -> Decision | None:
        """Show the card and wait; None when it does not appear or cannot be heard."""
        tap = ShellTap.install(self._kernel)
        if tap is None or not tap.hears:
            return self._wait_for_row(record, view) if threading.current_thread() is not threading.main_thread() else None
        kind = _widget_class()
        if kind is None:
            return None
        answer = CardAnswer(secrets.token_urlsafe(16), view)
        card = kind(token=answer._token, view=plain_view(view), state="stopped")  # noqa: SLF001 made for each other
        comm_id = card.comm.comm_id
        card.on_msg(lambda _widget, content, _buffers: answer.take_content(content))
        tap.listen(comm_id, answer.take)
        try:
            decision = self._wait(tap, answer, card, view)
        except BaseException:
            card.state = "denied"
            raise
        finally:
            tap.forget(comm_id)
        if decision is None:
            card.close()
            return None
        decision = self._row.settle(decision)
        card.receipt = receipt(view, decision).text
        card.state = "receipt" if decision.allow else "denied"
        return decision

    def _wait(self, tap: ShellTap, answer: CardAnswer, card: Any, view: CardView) -> Decision | None:
        self._show(card, view)
        deadline, moved, refused = time.monotonic() + self._ready_within, False, 0
        while not tap.wait(answer.decided, _LOOK):
            elsewhere = self._row.poll()
            if elsewhere is not None:
                return elsewhere
            if answer.refused > refused:  # the front end may think that it was heard
                refused = answer.refused
                card.send_state("state")
            if not answer.ready and time.monotonic() > deadline:
                if moved or not self._slot.move_down():
                    return None
                moved, deadline = True, time.monotonic() + self._ready_within
                self._show(card, view)
        return answer.decision

    def _show(self, card: Any, view: CardView) -> None:
        reference = {"version_major": 2, "version_minor": 0, "model_id": card.model_id}
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


def card_files() -> tuple[str, str] | None:
    """Read the front end's script and style; None when this is a checkout in which they were not built."""
    try:
        return (_STATIC / "card.js").read_text(encoding="utf-8"), (_STATIC / "card.css").read_text(encoding="utf-8")
    except OSError:
        return None


@functools.cache
def _widget_class() -> Callable[..., Any] | None:
    files = card_files()
    if files is None:
        _LOG.info("The card's front end is not built; a text prompt asks instead.")
        return None
    script, style = files
    try:
        import anywidget
        import traitlets
    except ImportError:
        return None

    class ModelGuardCard(anywidget.AnyWidget):
        """The widget; everything it knows is in its traits."""

        _esm = script
        _css = style
        token = traitlets.Unicode().tag(sync=True)
        view = traitlets.Dict().tag(sync=True)
        state = traitlets.Unicode().tag(sync=True)
        receipt = traitlets.Unicode().tag(sync=True)

    return ModelGuardCard
