"""The ways to ask where somebody can answer, one after the other.

In a notebook the card with the row beside it, then a text prompt; where even that is refused the load fails with a card that says how to
decide, and the decision counts for its next run. A fault in one way leads to the next, never to a load.

`order` imports this module when a load has to be asked about, so that loading the extension does not pay for it.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.approval.card import CardTransport
from jupyter_modelguard.approval.database import PendingRow
from jupyter_modelguard.approval.present import receipt, surprised
from jupyter_modelguard.approval.prompt import NotebookPrompt, TerminalPrompt
from jupyter_modelguard.approval.slot import OutputSlot
from jupyter_modelguard.approval.tap import hears_threads
from jupyter_modelguard.config import user_name
from jupyter_modelguard.types import Decision

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.approval.transport import Transport
    from jupyter_modelguard.approval.view import CardView
    from jupyter_modelguard.config import ModelGuardConfig
    from jupyter_modelguard.history.store import Store
    from jupyter_modelguard.types import HistoryRecord

__all__ = ["ask_in_notebook", "ask_in_terminal", "tell"]

_LOG = logging.getLogger(__name__)


def ask_in_terminal(store: Store, record: HistoryRecord, view: CardView, changed: Callable[[], bool] = lambda: False) -> Decision:
    """Ask in the terminal that IPython runs in; the row can be answered before the prompt is."""
    row = PendingRow(store, record, view)
    ways: list[Transport] = [TerminalPrompt(changed=changed, row=row)]
    return row.settle(_first(ways, record, view) or unanswered("the terminal takes no input"))


def ask_in_notebook(  # noqa: PLR0913, PLR0917 what a question is made of
    kernel: Any,
    store: Store,
    config: ModelGuardConfig,
    record: HistoryRecord,
    view: CardView,
    changed: Callable[[], bool] = lambda: False,
) -> Decision:
    """Ask with a card, or else with a prompt, and leave one line in the output of the cell."""
    slot = OutputSlot.take(kernel, joins=hears_threads(kernel))
    try:
        row = PendingRow(store, record, view)
        ways: list[Transport] = [NotebookPrompt(slot.show_text, changed=changed, kernel=kernel, row=row)]
        if config.ask_with == "card":
            ways.insert(0, CardTransport(kernel, row, slot, config.ready_within, changed, asks_hub=config.ask_hub))
        decision = _first(ways, record, view)
        if decision is None:
            return _leave_open(store, slot, record, view)
        decision = row.settle(decision)
        _show(slot.settle, receipt(view, decision))
        return decision
    finally:
        _show(slot.give_back)


def tell(kernel: Any, view: CardView, decision: Decision) -> None:
    """Show what was blocked without asking; a batch run's notebook is read later."""
    slot = OutputSlot.take(kernel)
    _show(slot.show_static, view, receipt(view, decision).text)
    _show(slot.give_back)


def tell_surprise(kernel: Any, record: HistoryRecord, why: str) -> None:
    """Turn the line that said a load was allowed into one that says how it ended."""
    name = record.artifact.name if record.artifact is not None else record.request.source
    OutputSlot.amend(kernel, surprised(name, record.id, why))


def unanswered(why: str) -> Decision:
    """Keep a load blocked because nobody could be reached."""
    return Decision(allow=False, by="nobody", transport="none", reason=why, at=time.time())


def _first(ways: list[Transport], record: HistoryRecord, view: CardView) -> Decision | None:
    for way in ways:
        try:
            decision = way.ask(record, view)
        except KeyboardInterrupt:
            return Decision(allow=False, by=user_name(), transport=way.name, reason="interrupted", at=time.time())
        except Exception:  # noqa: BLE001 the next way applies
            _LOG.exception("Asking with %s failed", way.name)
            continue
        if decision is not None:
            return decision
    return None


def _leave_open(store: Store, slot: OutputSlot, record: HistoryRecord, view: CardView) -> Decision:
    """Input was refused: the load fails, and a decision made later counts for its next run."""
    how = f"modelguard decide {view.id} in a terminal, or %modelguard allow {view.id} in a cell"
    _show(slot.show_static, view, f"To decide: {how}. Then run this cell again.")
    store.stop_waiting(record.id)
    return unanswered("the front end showed no card and refused a prompt")


def _show(show: Any, *what: object) -> None:
    """Show something; a decision does not depend on it."""
    try:
        show(*what)
    except Exception:  # noqa: BLE001 the front end may be gone
        _LOG.exception("The outcome could not be shown")
