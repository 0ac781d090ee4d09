"""A table that is drawn with rich in a terminal and as HTML in a notebook, every cell of it a stranger's text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.approval.text import as_html, as_plain, as_rich
from jupyter_modelguard.errors import printable

if TYPE_CHECKING:
    from rich.console import RenderableType

    from jupyter_modelguard.ipython.scan_view import ScanView

__all__ = ["Sheet", "say", "show"]

_LONGEST = 200  # characters of one cell; two dotted names and what is said of them fit


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows under named columns; `console.print` and a notebook's `display` both know how to draw it."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""  # below the table, or alone when there are no rows
    whole: int = 0  # that many columns at the left are never wrapped

    def __rich__(self) -> RenderableType:
        """Draw for a terminal."""
        from rich import box
        from rich.console import Group
        from rich.table import Table

        note = as_rich(self.note, style="dim", limit=None)
        if not self.rows:
            return Group(as_rich(self.title, style="bold", limit=None), note)
        table = Table(
            title=as_rich(self.title, style="bold", limit=None),
            title_justify="left",
            box=box.SIMPLE_HEAD,
            pad_edge=False,
            show_header=any(self.columns),
        )
        for number, column in enumerate(self.columns):
            table.add_column(column, no_wrap=number < self.whole, overflow="fold")
        for row in self.rows:
            table.add_row(*(as_rich(cell, limit=_LONGEST) for cell in row))
        return Group(table, note) if self.note else table

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        """Draw for a notebook, and for the text that it keeps beside."""
        return {"text/plain": self.text(), "text/html": self.html()}

    def text(self) -> str:
        """Draw as plain text in columns."""
        if not self.rows:
            return "\n".join(filter(None, (self.title, self.note)))
        head = (self.columns,) if any(self.columns) else ()
        cells = [tuple(as_plain(cell, limit=_LONGEST) for cell in row) for row in (*head, *self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
        return "\n".join([self.title, *lines, *([self.note] if self.note else [])])

    def html(self) -> str:
        """Draw as HTML that does nothing."""
        title, note = as_html(self.title, limit=None), f"<p>{as_html(self.note, limit=None)}</p>" if self.note else ""
        if not self.rows:
            return f'<div class="mg-static"><p>{title}</p>{note}</div>'
        named = "".join(f"<th>{as_html(column)}</th>" for column in self.columns)
        head = f"<thead><tr>{named}</tr></thead>" if any(self.columns) else ""
        rows = ("".join(f"<td>{as_html(cell, limit=_LONGEST)}</td>" for cell in row) for row in self.rows)
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        table = f"<table><caption>{title}</caption>{head}<tbody>{body}</tbody></table>"
        return f'<div class="mg-static">{table}{note}</div>'


def show(sheet: Sheet | ScanView, shell: Any) -> None:
    """Draw where this shell's user reads: in the cell's output, or in the terminal."""
    if getattr(shell, "kernel", None) is not None:
        _publish(sheet._repr_mimebundle_())
        return
    from rich.console import Console

    Console().print(sheet)


def say(text: str, shell: Any) -> None:
    """Show lines in which strangers' text is escaped already; the paths in them are not."""
    text = printable(text)
    if getattr(shell, "kernel", None) is not None:
        _publish({"text/plain": text})
        return
    from rich.console import Console
    from rich.text import Text

    Console().print(Text(text))


def _publish(bundle: dict[str, Any]) -> None:
    from IPython.display import publish_display_data

    publish: Any = publish_display_data  # untyped
    publish(bundle, {})
