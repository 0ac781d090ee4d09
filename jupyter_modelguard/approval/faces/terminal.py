"""The card in a terminal, drawn with rich; the same fields as everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_modelguard.approval.text import as_rich
from jupyter_modelguard.types import RiskLevel

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from jupyter_modelguard.approval.view import CallRow, CardView, ChangeRow, PhaseColumn

__all__ = ["card_panel"]

_STYLES = {
    RiskLevel.RUNS_CODE: "yellow",
    RiskLevel.DANGEROUS: "red",
    RiskLevel.FORBIDDEN: "magenta",
    RiskLevel.UNINSPECTED: "cyan",
}
_LONGEST = 160
_LINE = 400


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
    rows = [as_rich(f"{fact.label}: ", style="dim") + as_rich(fact.text, limit=_LINE) for fact in view.rule]
    rows += [_call(row, style) for row in view.calls]
    rows += [line for column in view.phases for line in _phase(column, style)]
    rows += [Text("? ", style=style) + as_rich(missed, limit=_LONGEST) for missed in view.missed]
    if view.remark:
        rows.append(as_rich(view.remark, style="dim", limit=_LINE))
    changes = [_change(row, style) for row in view.changes]
    if changes:
        changes = [as_rich(view.since, style=style, limit=_LINE), *changes, Text()]
    facts = Table.grid(padding=(0, 2))
    for fact in view.facts:
        facts.add_row(as_rich(fact.label, style="dim"), as_rich(fact.text, limit=_LINE))
    for way in view.safer:
        facts.add_row(as_rich(way.label, style="green", limit=_LINE), as_rich(way.note, limit=_LINE))
        for mark, text in (("- ", way.before), ("+ ", way.code)):
            for line in text.split("\n") if text else ():
                facts.add_row("", Text(mark, style="dim") + as_rich(line, code=True, limit=_LINE))
    if view.sought and not view.safer:
        facts.add_row(Text("Safer", style="dim"), Text("No safer version found."))
    limits = Text("What this cannot see: ", style="dim") + as_rich(view.limits, style="dim", limit=_LINE)
    title = Text(" · ").join(as_rich(part, limit=_LINE) for part in (view.title, view.consequence) if part)
    return Panel(
        Group(place, Text(), *changes, as_rich(view.would, style=style, limit=_LINE), *rows, Text(), facts, Text(), limits),
        box=box.HEAVY if view.level is RiskLevel.DANGEROUS else box.ROUNDED,
        title=Text("⛔ ") + title,
        title_align="left",
        subtitle=Text(f"{view.chip} · #{view.id}"),
        subtitle_align="right",
        border_style=style,
    )


def _change(row: ChangeRow, style: str) -> Text:
    from rich.text import Text

    line = (
        as_rich(f"{row.change} ", style=style)
        + as_rich(f"{row.what} " if row.what else "")
        + as_rich(row.name, style="bold", name=True)
    )
    return line + Text(" · ") + as_rich(row.note, limit=_LONGEST) if row.note else line


def _phase(column: PhaseColumn, style: str) -> list[Text]:
    from rich.text import Text

    heading = as_rich(column.title, style="bold") + Text(" · ") + as_rich(column.note, style="dim")
    if not column.rows:
        return [heading + Text(" · found nothing here", style="dim")]
    rows = [
        Text("  ! ", style=style) + as_rich(row.text, limit=_LONGEST) + Text(" · ") + as_rich(row.place, style="dim")
        for row in column.rows
    ]
    return [heading, *rows, *([Text(f"  … {column.more:,} more", style="dim")] if column.more else [])]


def _call(row: CallRow, style: str) -> Text:
    from rich.text import Text

    line = Text("! ", style=style) + as_rich(row.name, style="bold", name=True) + Text(f" ×{row.count}" if row.count else "")
    for part in (row.note, row.origin):
        if part:
            line += Text(" · ") + as_rich(part, limit=_LONGEST)
    return line
