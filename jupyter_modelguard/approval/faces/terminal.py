"""The card in a terminal, drawn with rich; the same fields as everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_modelguard.approval.text import as_rich
from jupyter_modelguard.types import RiskLevel

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from jupyter_modelguard.approval.view import CallRow, CardView

__all__ = ["card_panel"]

_STYLES = {
    RiskLevel.RUNS_CODE: "yellow",
    RiskLevel.DANGEROUS: "red",
    RiskLevel.FORBIDDEN: "magenta",
    RiskLevel.UNINSPECTED: "cyan",
}
_LONGEST = 160


def card_panel(view: CardView) -> RenderableType:
    """Draw what the closed card shows."""
    from rich import box
    from rich.console import Group
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    style = _STYLES.get(view.level, "green")
    place = Text(" · ").join(
        part for part in (as_rich(view.object, style="bold"), as_rich(view.call, limit=_LONGEST), as_rich(view.place)) if part
    )
    rows = [_call(row, style) for row in view.calls]
    rows += [Text("? ", style=style) + as_rich(missed, limit=_LONGEST) for missed in view.missed]
    facts = Table.grid(padding=(0, 2))
    for fact in view.facts:
        facts.add_row(as_rich(fact.label, style="dim"), as_rich(fact.text, limit=None))
    for way in view.safer:
        facts.add_row(as_rich(way.label, style="green", limit=None), as_rich(way.note, limit=None))
        for mark, text in (("- ", way.before), ("+ ", way.code)):
            for line in text.split("\n") if text else ():
                facts.add_row("", Text(mark, style="dim") + as_rich(line, code=True, limit=None))
    if view.scopes and view.sought and not view.safer:
        facts.add_row(Text("Safer", style="dim"), Text("No safer version found."))
    title = Text(" · ").join(as_rich(part, limit=None) for part in (view.title, view.consequence) if part)
    return Panel(
        Group(place, Text(), as_rich(view.would, style=style, limit=None), *rows, Text(), facts),
        box=box.HEAVY if view.level is RiskLevel.DANGEROUS else box.ROUNDED,
        title=Text("⛔ ") + title,
        title_align="left",
        subtitle=Text(f"{view.chip} · #{view.id}"),
        subtitle_align="right",
        border_style=style,
    )


def _call(row: CallRow, style: str) -> Text:
    from rich.text import Text

    line = Text("! ", style=style) + as_rich(row.name, style="bold", name=True) + Text(f" ×{row.count}")
    for part in (row.note, row.origin):
        if part:
            line += Text(" · ") + as_rich(part, limit=_LONGEST)
    return line
