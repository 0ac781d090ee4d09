"""Asking on standard input: a plain conversation in a notebook, the same fields with rich in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_modelguard.approval.conversation import converse
from jupyter_modelguard.approval.faces.plain import card_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.approval.view import CardView
    from jupyter_modelguard.types import Decision, HistoryRecord

__all__ = ["NotebookPrompt", "TerminalPrompt"]


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
    """

    name = "prompt"

    def __init__(
        self,
        show: Callable[[str], None],
        read: Callable[[str], str] | None = None,
        changed: Callable[[], bool] = lambda: False,
    ) -> None:
        self._show = show
        self._read = read
        self._changed = changed

    def ask(self, record: HistoryRecord, view: CardView) -> Decision | None:  # noqa: ARG002 the view says it all
        """Show the card as text and ask; None when the front end refuses input."""
        from IPython.core.error import StdinNotImplementedError

        self._show(card_text(view))
        try:
            return converse(view, say=self._show, read=self._read or input, transport=self.name, changed=self._changed)
        except StdinNotImplementedError:
            return None


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
    """

    name = "prompt"

    def __init__(
        self,
        transport: str = "prompt",
        read: Callable[[str], str] | None = None,
        changed: Callable[[], bool] = lambda: False,
    ) -> None:
        self._transport = transport
        self._read = read
        self._changed = changed

    def ask(self, record: HistoryRecord | None, view: CardView) -> Decision:  # noqa: ARG002 the view says it all
        """Draw the card and ask."""
        from rich.console import Console
        from rich.text import Text

        from jupyter_modelguard.approval.faces.terminal import card_panel

        console = Console()
        console.print(card_panel(view))
        return converse(
            view,
            say=lambda text: console.print(Text(text)),
            read=self._read or input,
            transport=self._transport,
            changed=self._changed,
        )
