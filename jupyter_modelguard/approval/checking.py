"""The card while a file is being checked: shown when that takes longer than a moment, and it can be left at that.

The worker that looks at the file says every now and then that it is not done; this shows it, listens for *Stop and keep blocked*, and goes
away when the look has ended. What follows, a question or nothing, takes its place.
"""

from __future__ import annotations

import logging
import time
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Self

from jupyter_modelguard.approval.board import CardBoard
from jupyter_modelguard.approval.faces.plain import checking_text
from jupyter_modelguard.approval.facts import said_size
from jupyter_modelguard.approval.present import Receipt, checking_view
from jupyter_modelguard.approval.slot import OutputSlot
from jupyter_modelguard.approval.tap import ShellTap
from jupyter_modelguard.approval.widget import widget_class

if TYPE_CHECKING:
    from types import TracebackType

    from jupyter_modelguard.types import Decision, LoadRequest

__all__ = ["Checking"]

_LOG = logging.getLogger(__name__)
_ASKED = frozenset({"card", "prompt", "database", "sidebar", "none"})  # transports that leave a line themselves
_LISTEN = 0.01  # seconds, where this thread has to take the messages in itself
_WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


class Checking:
    """Tells a person that one look takes long; use as a context manager around the look.

    Parameters
    ----------
    kernel
        The ipykernel that runs the cell.
    request, size
        The load, and its bytes.
    """

    def __init__(self, kernel: Any, request: LoadRequest, size: int) -> None:
        self._kernel = kernel
        self._request = request
        self._name = PurePath(request.source).name or request.source
        self._size = size
        self._slot: OutputSlot | None = None
        self._board: CardBoard | None = None
        self._tap: ShellTap | None = None
        self._seconds = 0.0
        self._failed = False

    @property
    def answer(self) -> Decision | None:
        """What a person said meanwhile; nothing but no can be said."""
        given = self._board.first.decision if self._board is not None else None
        return given if given is not None and not given.allow else None

    def beat(self, seconds: float) -> bool:
        """Say that it goes on after so many seconds; False when it is to be stopped."""
        self._seconds = seconds
        if self._failed:
            return True
        try:
            if self._board is None:
                self._open()
            if self._board is not None and self._tap is not None:
                text = f"{said_size(self._size)} · {seconds:.0f} s" if self._size else f"{seconds:.0f} s"
                if self._board.widget.progress.get("text") != text:
                    self._board.widget.progress = {"percent": None, "text": text}
                self._tap.wait(self._board.first.decided, _LISTEN)
        except Exception:  # noqa: BLE001 a fault of ours must not end the look
            _LOG.debug("That a check takes long could not be shown", exc_info=True)
            self._failed = True
        return self.answer is None

    def passed(self, decision: Decision) -> None:
        """Say that the look has ended of a file that nobody was asked about after it."""
        if self._slot is not None and decision.transport not in _ASKED:
            found = " · found nothing that runs code" if decision.transport == "proof" else ""
            self._leave(Receipt(allowed=True, text=f"{self._name} was checked{found} · {self._seconds:.1f} s", id=""))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Take the card away; what comes next is shown in its place."""
        if self._board is None or self._slot is None:
            return
        answer = self.answer
        try:
            self._board.settle(self._board.first, "denied" if answer is not None or kind is not None else "deciding")
            # what is drawn next must not find a card that was closed in its place
            self._slot.show_text("\n".join((*self._slot.lines, checking_text(self._board.first.view))))
            self._board.close()
        except Exception:  # noqa: BLE001 as above
            _LOG.debug("The card of a check could not be taken away", exc_info=True)
        clock = time.strftime("%H:%M")
        if answer is not None:
            self._leave(Receipt(allowed=False, text=f"{self._name} kept blocked by {answer.by} · {clock}", id=""))
        elif kind is not None:
            self._leave(
                Receipt(allowed=False, text=f"{self._name} was not checked to its end · nothing was loaded · {clock}", id="")
            )
        self._slot.give_back()

    def _open(self) -> None:
        tap, kind = ShellTap.install(self._kernel), widget_class()
        if tap is None or not tap.hears or kind is None:
            self._failed = True
            return
        self._tap, self._slot = tap, OutputSlot.take(self._kernel)
        view = checking_view(self._request)
        self._board = CardBoard(kind, tap, view, state="checking", earlier=self._slot.lines)
        reference = {"version_major": 2, "version_minor": 0, "model_id": self._board.widget.model_id}
        self._slot.show({"text/plain": checking_text(view), _WIDGET_VIEW: reference})

    def _leave(self, receipt: Receipt) -> None:
        assert self._slot is not None  # noqa: S101 asked before
        try:
            self._slot.settle(receipt)
        except Exception:  # noqa: BLE001 as above
            _LOG.debug("What came of a check could not be shown", exc_info=True)
