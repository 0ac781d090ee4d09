"""The card and the receipt as plain text, for stdin conversations and the text/plain of a saved notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_modelguard.approval.text import as_plain

if TYPE_CHECKING:
    from jupyter_modelguard.approval.present import Receipt
    from jupyter_modelguard.approval.view import CallRow, CardView

__all__ = ["card_text", "details_text", "receipt_text", "ways_text"]

_MOST_OPCODES = 200
_FACT = 160  # characters of one fact
_CODE = 400  # characters of one line of code


def card_text(view: CardView) -> str:
    """Everything that the closed card shows, a line each."""
    title = as_plain(" · ".join(filter(None, (view.title, view.consequence))), limit=None)
    lines = [
        f"modelguard · {title}",
        " · ".join(filter(None, (as_plain(view.object), as_plain(view.call, limit=_FACT), as_plain(view.place)))),
        f"{as_plain(view.would, limit=None)}:",
        *(f"  ! {call_text(row)}" for row in view.calls),
        *(f"  ? {as_plain(missed, limit=_FACT)}" for missed in view.missed),
        *(f"{fact.label}: {as_plain(fact.text, limit=_FACT)}" for fact in view.facts),
    ]
    lines += ways_text(view)
    lines.append(f"#{view.id} · What this cannot see: {view.limits}")
    return "\n".join(lines)


def ways_text(view: CardView) -> list[str]:
    """Write the safer ways down: what each gives, and the lines as they are and as they would be."""
    lines = []
    for way in view.safer:
        lines.append(as_plain(f"{way.label}: {way.note}" if way.note else way.label, limit=None))
        for mark, text in (("-", way.before), ("+", way.code)):
            lines += [f"  {mark} {as_plain(line, code=True, limit=_CODE)}" for line in text.split("\n") if text]
    if not view.safer and view.sought and view.scopes:
        lines.append("No safer version found.")
    return lines


def details_text(view: CardView) -> str:
    """Write out what stands behind the card: listings, every call, the opcodes."""
    lines: list[str] = []
    for listing in view.listings:
        lines.append(f"{as_plain(listing.heading, limit=None)} · {as_plain(listing.source)}")
        lines += [
            f"{'!' if row.flagged else ' '} {row.number:>4} {as_plain(row.text, code=True, limit=400)}" for row in listing.rows
        ]
    if view.every_call:
        lines += [
            "Every call it makes",
            *(f"{'!' if row.flagged else ' '} {call_text(row)} · {row.judged}" for row in view.every_call),
        ]
    if view.opcodes:
        lines.append("Pickle opcodes")
        lines += [
            f"{'!' if step.flagged else ' '} {step.position:>6} {step.opcode:<18} {as_plain(step.argument, limit=120)}"
            for step in view.opcodes[:_MOST_OPCODES]
        ]
        left = len(view.opcodes) - _MOST_OPCODES
        if left > 0:
            lines.append(f"… {left:,} more opcodes")
    return "\n".join(lines) or "There is nothing more to show."


def call_text(row: CallRow) -> str:
    """One function and what is known of it."""
    said = [f"{as_plain(row.name, name=True)} ×{row.count}"]
    said += [as_plain(part, limit=_FACT) for part in (row.note, row.origin) if part]
    return " · ".join(said)


def receipt_text(receipt: Receipt) -> str:
    """Write the line that stays."""
    return f"{'▣' if receipt.allowed else '▢'} modelguard · {as_plain(receipt.text, limit=None)}"
