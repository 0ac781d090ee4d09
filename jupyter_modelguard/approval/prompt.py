"""Asking on standard input: a plain conversation in a notebook, the same fields with rich in a terminal.

While a prompt asks, the load can be answered elsewhere. Where a prompt can be left, the cell goes on with that answer at once. Where it
cannot (a terminal of Windows, a kernel of another kind), the load can only be answered at the prompt, and nobody is told anything else.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.approval import kernel_line, terminal_line
from jupyter_modelguard.approval.conversation import converse
from jupyter_modelguard.approval.elsewhere import AnsweredElsewhereError, said_elsewhere
from jupyter_modelguard.approval.faces.plain import card_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.approval.database import PendingRow
    from jupyter_modelguard.approval.view import CardView
    from jupyter_modelguard.types import Decision, HistoryRecord

__all__ = ["NotebookPrompt", "TerminalPrompt"]

_BOX = "The box takes no answer any more: Enter closes it."


class NotebookPrompt:
    """The front end's input line, for where no card appeared.

    Parameters
    ----------
    show
        Puts text into the output of the cell.
    read
        What `input` is in a kernel; given in tests.
    changed
        Whether the file is not any more what is shown.
    kernel, row
        The kernel that runs the cell, and the load as another process sees it; without them nothing from elsewhere is heard.
    """

    name = "prompt"

    def __init__(
        self,
        show: Callable[[str], None],
        read: Callable[[str], str] | None = None,
        changed: Callable[[], bool] = lambda: False,
        *,
        kernel: Any = None,
        row: PendingRow | None = None,
    ) -> None:
        self._show = show
        self._read = read
        self._changed = changed
        self._kernel = kernel
        self._row = row

    def ask(self, record: HistoryRecord, view: CardView) -> Decision | None:  # noqa: ARG002 the view says it all
        """Show the card as text and ask; None when the front end refuses input."""
        from IPython.core.error import StdinNotImplementedError

        self._show(card_text(view))
        try:
            return converse(view, say=self._show, read=self._line(), transport=self.name, changed=self._changed)
        except AnsweredElsewhereError as answered:
            sys.stdout.write(f"{said_elsewhere(view, answered.decision)} {_BOX}\n")  # below the card, where the box stands
            return answered.decision
        except StdinNotImplementedError:
            return None

    def _line(self) -> Callable[[str], str]:
        row, kernel = self._row, self._kernel
        if self._read is None and row is not None and kernel_line.fits(kernel):
            return lambda question: kernel_line.read_line(kernel, question, row.poll)
        return _only_here(self._read or input, row)


class TerminalPrompt:
    """A terminal, in IPython or for `modelguard decide`.

    Parameters
    ----------
    transport
        What its decisions say they came through.
    read
        What `input` is; given in tests.
    changed
        Whether the file is not any more what is shown.
    row
        The load as another process sees it; without one nothing from elsewhere is heard.
    """

    name = "prompt"

    def __init__(
        self,
        transport: str = "prompt",
        read: Callable[[str], str] | None = None,
        changed: Callable[[], bool] = lambda: False,
        *,
        row: PendingRow | None = None,
    ) -> None:
        self._transport = transport
        self._read = read
        self._changed = changed
        self._row = row

    def ask(self, record: HistoryRecord | None, view: CardView) -> Decision:  # noqa: ARG002 the view says it all
        """Draw the card and ask."""
        from rich.console import Console
        from rich.text import Text

        from jupyter_modelguard.approval.faces.terminal import card_panel

        console = Console()
        console.print(card_panel(view))
        try:
            return converse(
                view,
                say=lambda text: console.print(Text(text)),
                read=self._line(),
                transport=self._transport,
                changed=self._changed,
            )
        except AnsweredElsewhereError as answered:
            console.print(Text(said_elsewhere(view, answered.decision)))
            return answered.decision

    def _line(self) -> Callable[[str], str]:
        row = self._row
        if self._read is None and row is not None and terminal_line.fits():
            return lambda question: terminal_line.read_line(question, row.poll)
        return _only_here(self._read or input, row)


def _only_here(read: Callable[[str], str], row: PendingRow | None) -> Callable[[str], str]:
    """Read with something that cannot be left, so that nobody elsewhere is to answer; who was quicker than that still counts."""
    if row is None:
        return read
    row.only_here()

    def look() -> None:
        answered = row.poll()
        if answered is not None:
            raise AnsweredElsewhereError(answered)

    def line(question: str) -> str:
        look()
        typed = read(question)
        look()
        return typed

    return line
