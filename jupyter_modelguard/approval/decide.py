"""Answering a waiting load from another terminal: what `modelguard decide ID` does."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.approval.choices import allowed_words
from jupyter_modelguard.approval.prompt import TerminalPrompt
from jupyter_modelguard.approval.view import CardView
from jupyter_modelguard.errors import HistoryError
from jupyter_modelguard.history.codec import from_plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from jupyter_modelguard.history.store import Store

__all__ = ["decide_pending"]


def decide_pending(store: Store, id_prefix: str, console: Console, read: Callable[[str], str] | None = None) -> int:
    """Show a waiting load and ask about it.

    Parameters
    ----------
    store
        The history that the waiting kernel writes.
    id_prefix
        First digits of the load's id.
    console
        Where to say what came of it.
    read
        Asks one line; given in tests. Without it standard input must be a terminal, so that no script decides.

    Returns
    -------
    int
        0 when the load was decided here, 1 when it was not, 2 when nothing could be asked.
    """
    if read is None and not sys.stdin.isatty():
        console.print("A load is decided by a person: run this in a terminal.", markup=False)
        return 2
    try:
        waiting = store.undecided(id_prefix)
    except HistoryError as error:
        console.print(str(error), markup=False)
        return 2
    view: Any = from_plain(CardView, waiting.view)
    try:
        decision = TerminalPrompt("database", read).ask(None, view)
    except KeyboardInterrupt:
        console.print("Nothing was decided; the load still waits.", markup=False)
        return 1
    if not store.decide(waiting.id, decision, waiting.session):  # another load may have the same digits meanwhile
        console.print("Somebody else was first, or the kernel has gone.", markup=False)
        return 1
    said = f"{allowed_words(decision.scope).capitalize()}." if decision.allow else "Kept blocked."
    console.print(said if waiting.waiting else f"{said} Run the cell again.", markup=False)
    return 0
