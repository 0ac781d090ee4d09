"""The card and the receipt as HTML that does nothing: no script, no form, no link, no style that a sanitizer would take away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_modelguard.approval.text import as_html

if TYPE_CHECKING:
    from jupyter_modelguard.approval.present import Receipt
    from jupyter_modelguard.approval.view import CallRow, CardView, ChangeRow, PhaseColumn

__all__ = ["card_html", "receipts_html"]


def card_html(view: CardView, note: str = "") -> str:
    """Everything that the closed card shows, to be read only.

    Parameters
    ----------
    view
        What to draw.
    note
        A last line: how to answer, where this card cannot be clicked.
    """
    title = as_html(" · ".join(filter(None, (view.title, view.consequence))), limit=400)
    place = " · ".join(
        part for part in (as_html(view.object), f"<code>{as_html(view.call, limit=160)}</code>", as_html(view.place))
    )
    rows = [f"{as_html(fact.label)}: {as_html(fact.text, limit=400)}" for fact in view.rule]
    rows += (
        [_call(row) for row in view.calls]
        + [_phase(column) for column in view.phases]
        + [as_html(missed, limit=160) for missed in view.missed]
    )
    # no table: each front end lays those out in its own way, most of them to the right
    facts = "".join(f"<li>{as_html(fact.label)}: {as_html(fact.text, limit=400)}</li>" for fact in view.facts)
    changes = "".join(f"<li>{_change(row)}</li>" for row in view.changes)
    if view.remark:
        rows.append(as_html(view.remark, limit=400))
    parts = [
        f"<p><strong>⛔ {title}</strong><br>{place}</p>",
        f"<p>{as_html(view.since, limit=400)}</p><ul>{changes}</ul>" if changes else "",
        f"<p>{as_html(view.would, limit=400)}</p><ul>{''.join(f'<li>{row}</li>' for row in rows)}</ul>" if rows else "",
        f"<ul>{facts}</ul>",
        *(f"<div>{line}</div>" for line in _ways(view)),
        f"<p>{as_html(note, limit=400)}</p>" if note else "",
    ]
    return f'<div class="mg-static" role="group">{"".join(parts)}</div>'


def receipts_html(receipts: list[Receipt]) -> str:
    """Draw the lines that stay, one a load."""
    lines = "".join(f"<div>{'▣' if one.allowed else '▢'} modelguard · {as_html(one.text, limit=400)}</div>" for one in receipts)
    return f'<div class="mg-static">{lines}</div>'


def _change(row: ChangeRow) -> str:
    note = f" · {as_html(row.note, limit=160)}" if row.note else ""
    return f"{as_html(f'{row.change} {row.what}')} <code>{as_html(row.name, name=True)}</code>{note}"


def _ways(view: CardView) -> list[str]:
    lines = []
    for way in view.safer:
        lines.append(f"{as_html(way.label, limit=400)}{f': {as_html(way.note, limit=400)}' if way.note else ''}")
        for mark, text in (("-", way.before), ("+", way.code)):
            lines += [f"<code>{mark} {as_html(line, code=True, limit=400)}</code>" for line in text.split("\n") if text]
    return lines or ["No safer version found."] * view.sought


def _phase(column: PhaseColumn) -> str:
    rows = "".join(f"<li>{as_html(row.text, limit=160)} · <code>{as_html(row.place)}</code></li>" for row in column.rows)
    more = f"<li>… {column.more:,} more</li>" if column.more else ""
    return f"{as_html(f'{column.title} ({column.note})')}: {f'<ul>{rows}{more}</ul>' if rows else 'found nothing here'}"


def _call(row: CallRow) -> str:
    notes = "".join(f" · {as_html(part, limit=160)}" for part in (row.note, row.origin) if part)
    return f"<code>{as_html(row.name, name=True)}</code>{f' ×{row.count}' if row.count else ''}{notes}"
