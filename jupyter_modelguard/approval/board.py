"""One card in the output of a cell, and all loads that wait in it.

Loads of several threads of a cell are asked about at the same time: the first opens the card, the others join it with a row each. Every
load has a token of its own, so that an answer reaches the load that it was given for.
"""

from __future__ import annotations

import secrets
import threading
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.approval.answer import CardAnswer
from jupyter_modelguard.approval.present import plain_text, plain_view

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.approval.tap import ShellTap
    from jupyter_modelguard.approval.view import CardView, Fact

__all__ = ["CardBoard"]


class CardBoard:
    """The card of one place.

    Parameters
    ----------
    kind
        The widget's class.
    tap
        Hears what the front end says while the cell runs.
    view
        The load that opens it.
    state
        "stopped", or "checking" where there is nothing to decide yet.
    earlier
        Lines of loads of the same cell that were decided before.
    """

    def __init__(
        self, kind: Callable[..., Any], tap: ShellTap, view: CardView, *, state: str = "stopped", earlier: tuple[str, ...] = ()
    ) -> None:
        self._lock = threading.Lock()
        self._tap = tap
        self.first = CardAnswer(secrets.token_urlsafe(16), view)
        self._answers = [self.first]
        self._left = 0
        self.closed = False
        self.widget = kind(token=self.first.token, view=plain_view(view), state=state, earlier=list(earlier))
        self._comm_id = self.widget.comm.comm_id
        self.widget.on_msg(lambda _widget, content, _buffers: self._take_content(content))
        tap.listen(self._comm_id, self._take)

    def join(self, view: CardView) -> CardAnswer | None:
        """Take in a load that waits too; None when nothing waits here any more."""
        with self._lock:
            if self.closed or self._left == len(self._answers):
                return None
            answer = CardAnswer(secrets.token_urlsafe(16), view)
            self._answers.append(answer)
            fresh = {"token": answer.token, "view": plain_view(view), "state": "stopped", "receipt": ""}
            self.widget.others = [*self.widget.others, fresh]
            return answer

    def tell_again(self, answer: CardAnswer) -> None:
        """Say to the front end once more that a load is still undecided, where it may think that it was heard."""
        with self._lock:
            self.widget.send_state("state" if answer is self.first else "others")

    def tell_late(self, facts: tuple[Fact, ...]) -> None:
        """Show lines that came after the card, in the load that opened it."""
        if not facts:
            return
        with self._lock:
            self.widget.late = [{"label": plain_text(fact.label), "text": plain_text(fact.text)} for fact in facts]

    def settle(self, answer: CardAnswer, state: str, receipt: str = "") -> None:
        """Show what became of a load; the last one takes the card out of use."""
        with self._lock:
            if answer is self.first:
                self.widget.receipt = receipt
                self.widget.state = state
            else:
                place = self._answers.index(answer) - 1
                others = list(self.widget.others)
                others[place] = {**others[place], "state": state, "receipt": receipt}
                self.widget.others = others
            self._left += 1
            if self._left == len(self._answers):
                self._tap.forget(self._comm_id)

    def close(self) -> None:
        """Take the card away, for all loads that wait in it: nobody sees it."""
        with self._lock:
            self.closed = True
            self._tap.forget(self._comm_id)
            self.widget.close()

    def _take(self, data: dict[str, Any]) -> None:
        for answer in list(self._answers):
            answer.take(data)

    def _take_content(self, content: dict[str, Any]) -> None:
        for answer in list(self._answers):
            answer.take_content(content)
