"""What comes back from a card's front end, in a notebook or in the sidebar, checked.

Any output in the page can send a message, so the token, the reason, the scope and the typed finding must all fit; whatever does not is
ignored, and the first decision counts.
"""

from __future__ import annotations

import hmac
import threading
import time
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.approval.conversation import confirms
from jupyter_modelguard.approval.present import INSTEAD
from jupyter_modelguard.config import user_name
from jupyter_modelguard.types import Decision, Scope

if TYPE_CHECKING:
    from jupyter_modelguard.approval.view import CardView

__all__ = ["CardAnswer", "read_answer"]


class CardAnswer:
    """What comes back for one load.

    Parameters
    ----------
    token
        The load's random text.
    view
        What the card shows, and so what may be answered.
    """

    def __init__(self, token: str, view: CardView) -> None:
        self.token = token
        self.view = view
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
        decision = read_answer(self.view, content, by=user_name(), transport="card")
        with self._lock:
            if decision is None:
                self.refused += 1
            elif self.decision is None:
                self.decision = decision
                self.decided.set()

    def _mine(self, token: object) -> bool:
        return isinstance(token, str) and hmac.compare_digest(token.encode("utf-8", "replace"), self.token.encode())


def read_answer(view: CardView, content: dict[str, Any], *, by: str, transport: str) -> Decision | None:
    """Read what a front end said about a load, by what it was shown.

    Parameters
    ----------
    view
        What was shown, and so what may be answered.
    content
        What came back: `decision`, and for "allow" `reason`, `scope` and `finding`, for "deny" the safer way taken `instead`.
    by, transport
        Who decides, and through what: "card", "sidebar".

    Returns
    -------
    Decision or None
        None when it does not fit what was shown.
    """
    now = time.time()
    if content.get("decision") == "deny":
        instead = next((way.label for way in view.safer if way.label == content.get("instead")), "")
        why = f"{INSTEAD}{instead}" if instead else "kept blocked"
        return Decision(allow=False, by=by, transport=transport, reason=why, at=now)
    reason, scope, finding = content.get("reason"), content.get("scope"), content.get("finding", "")
    offered = {choice.value for choice in view.scopes if choice.enabled}
    if (
        content.get("decision") != "allow"
        or reason not in view.reasons
        or not isinstance(scope, str)
        or scope not in offered
        or not isinstance(finding, str)
        or not confirms(view, finding)
    ):
        return None
    return Decision(allow=True, by=by, transport=transport, reason=str(reason), scope=Scope(scope), at=now)
