"""Which way to ask applies, and what was allowed before.

First that applies: nobody can answer (no kernel, a forked child, a front end without input, `MODELGUARD_HEADLESS`) keeps it
blocked; a card with the row beside it; a text prompt; and where even that is refused, the load fails with a card that says how
to decide, and the decision counts for its next run. A fault in one way to ask leads to the next, never to a load.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.approval.headless import keep_blocked
from jupyter_modelguard.config import ModelGuardConfig, headless_mode, user_name
from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.history.pending import fingerprint
from jupyter_modelguard.types import Decision, RiskLevel

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.approval.checking import Checking
    from jupyter_modelguard.approval.view import CardView
    from jupyter_modelguard.history.store import Store
    from jupyter_modelguard.types import HistoryRecord, LoadRequest

__all__ = ["Approver"]

_LOG = logging.getLogger(__name__)


class Approver:
    """Brings loads before a person, in one process.

    Parameters
    ----------
    store
        The history, for the row that another process can answer.
    config
        Comfort settings; the defaults when None.
    shell
        The IPython shell; None asks IPython for the one that runs.
    at_terminal
        Whether a program without IPython asks in its terminal: one that a person started to be asked.
    """

    def __init__(
        self, store: Store, config: ModelGuardConfig | None = None, shell: Any = None, *, at_terminal: bool = False
    ) -> None:
        self._store = store
        self._config = config or ModelGuardConfig()
        self._shell = shell
        self._asks_at_terminal = at_terminal
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._allowed: dict[str, Decision] = {}  # by fingerprint, each for one load

    def prior(self, record: HistoryRecord) -> Decision | None:
        """Use up an approval that was given for exactly this artifact after an earlier load of it had failed."""
        mark = fingerprint(record)
        if not mark:
            return None
        with self._lock:
            decision = self._allowed.pop(mark, None)
        return decision or self._store.claim(record)

    def ask(self, record: HistoryRecord, view: CardView, changed: Callable[[], bool] = lambda: False) -> Decision:
        """Have a load decided; interrupting the wait keeps it blocked. It never raises for a fault of its own.

        Parameters
        ----------
        record, view
            The load, and its card.
        changed
            Whether the file is not any more what the card shows: the question then ends with the transport `STALE`.
        """
        try:
            return self._ask(record, view, changed)
        except KeyboardInterrupt:
            decision = Decision(allow=False, by=user_name(), transport="none", reason="interrupted", at=time.time())
        except Exception:  # noqa: BLE001 a fault of ours keeps it blocked
            _LOG.exception("Asking about %s failed", record.id)
            decision = Decision(allow=False, by="nobody", transport="none", reason="asking failed", at=time.time())
        self._store.settle(record.id, decision)
        return decision

    def checking(self, request: LoadRequest, size: int) -> Checking | None:
        """Be ready to say that a check of so many bytes takes its time; None where nobody would see it."""
        kernel = getattr(self._find_shell(), "kernel", None)
        if kernel is None or self._config.ask_with != "card" or self.nobody() is not None:
            return None
        from jupyter_modelguard.approval.checking import Checking

        return Checking(kernel, request, size)

    def allow(
        self, record: HistoryRecord, view: CardView, *, say: Callable[[str], None], read: Callable[[str], str] | None = None
    ) -> Decision:
        """Ask on a prompt about a load that has failed; when allowed, the next load of the same artifact passes once.

        Where nobody can answer, the decision comes from "headless" and is no.

        Parameters
        ----------
        record, view
            The blocked load, and its card.
        say, read
            Show text, and ask one line; `input` when None.
        """
        why = self.nobody()
        if why is not None:
            return keep_blocked(why)
        from jupyter_modelguard.approval.conversation import converse
        from jupyter_modelguard.approval.faces.plain import card_text

        say(card_text(view))
        decision = converse(view, say=say, read=read or input, transport="prompt")  # ipykernel replaces input for each cell
        mark = fingerprint(record)
        if decision.allow and mark:
            with self._lock:
                self._allowed[mark] = decision
            self._store.settle(record.id, decision)  # a row that was left open must not let it pass a second time
        return decision

    def withdraw(self, record: HistoryRecord) -> bool:
        """Take back what `allow` gave and was not used yet; False when there is nothing to take back."""
        with self._lock:
            return self._allowed.pop(fingerprint(record), None) is not None

    def surprise(self, record: HistoryRecord, why: str) -> None:
        """Say in the cell that a load which was allowed was ended, because it reached for what its card had not shown."""
        kernel = getattr(self._find_shell(), "kernel", None)
        if kernel is None or os.getpid() != self._pid:
            return
        from jupyter_modelguard.approval import asking

        try:
            asking.tell_surprise(kernel, record, why)
        except Exception:  # noqa: BLE001 the error says it too
            _LOG.exception("The end of %s could not be shown", record.id)

    def _ask(self, record: HistoryRecord, view: CardView, changed: Callable[[], bool]) -> Decision:
        from jupyter_modelguard.approval import asking

        kernel = getattr(self._find_shell(), "kernel", None)
        decision = self._unasked(view)
        if decision is not None:
            if kernel is not None and os.getpid() == self._pid:
                asking.tell(kernel, view, decision)
            return decision
        if kernel is None:
            return asking.ask_in_terminal(self._store, record, view, changed)
        return asking.ask_in_notebook(kernel, self._store, self._config, record, view, changed)

    def _unasked(self, view: CardView) -> Decision | None:
        """Decide where policy or the lack of anybody to ask decides; None when a person is to be asked."""
        if view.level is RiskLevel.FORBIDDEN or not any(scope.enabled for scope in view.scopes):
            return Decision(allow=False, by="policy", transport="policy", reason=view.title, at=time.time())
        why = self.nobody()
        return None if why is None else keep_blocked(why)

    def _find_shell(self) -> Any:
        if self._shell is not None:
            return self._shell
        ipython = sys.modules.get("IPython")
        return ipython.get_ipython() if ipython is not None else None

    def nobody(self) -> str | None:
        """Why nobody can answer; None when somebody can."""
        if os.getpid() != self._pid:
            return "this is a child process"
        silenced = _silenced()
        if silenced is not None:
            return silenced
        if self._config.ask_with == "headless":
            return "ModelGuardConfig.ask_with is headless"
        shell = self._find_shell()
        if shell is None and not self._asks_at_terminal:
            return "there is no notebook and no terminal IPython"
        kernel = getattr(shell, "kernel", None)
        if kernel is None:
            return None if _at_terminal() else "standard input is not a terminal"
        return None if _takes_input(kernel) else "the front end that runs this notebook takes no input"


def _silenced() -> str | None:
    """Say what the environment says against asking; a wrong word in it must not open a way to ask."""
    try:
        mode = headless_mode()
    except ConfigurationError as error:
        return str(error).rstrip(".")
    return None if mode is None else f"MODELGUARD_HEADLESS is {mode}"


def _at_terminal() -> bool:
    try:
        return threading.current_thread() is threading.main_thread() and sys.stdin is not None and sys.stdin.isatty()
    except ValueError:  # closed
        return False


def _takes_input(kernel: Any) -> bool:
    """Whether the front end that sent the running cell can answer a prompt; who cannot is a batch run."""
    try:
        parent = kernel.get_parent()
    except Exception:  # noqa: BLE001 a thread without a parent message
        parent = {}
    if parent.get("header", {}).get("msg_type") == "execute_request":
        return bool(parent.get("content", {}).get("allow_stdin", False))
    return bool(getattr(kernel, "_allow_stdin", False))
