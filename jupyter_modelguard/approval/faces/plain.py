"""The card and the receipt as plain text, for stdin conversations and the text/plain of a saved notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_modelguard.approval.text import as_plain

if TYPE_CHECKING:
    from jupyter_modelguard.approval.present import Receipt
    from jupyter_modelguard.approval.view import CallRow, CardView, CodeListing
    from jupyter_modelguard.types import CallNode

__all__ = ["card_text", "changes_text", "checking_text", "details_text", "phases_text", "receipt_text", "ways_text"]

_MOST_OPCODES = 200
_FACT = 160  # characters of one fact
_LINE = 400  # of what is mostly ours, with a name in it


def card_text(view: CardView) -> str:
    """Everything that the closed card shows, a line each."""
    title = as_plain(" · ".join(filter(None, (view.title, view.consequence))), limit=_LINE)
    lines = [
        f"modelguard · {title}",
        " · ".join(filter(None, (as_plain(view.object), as_plain(view.call, limit=_FACT), as_plain(view.place)))),
        *changes_text(view),
        f"{as_plain(view.would, limit=_LINE)}:",
        *(f"  {as_plain(fact.label)}: {as_plain(fact.text, limit=_LINE)}" for fact in view.rule),
        *(f"  ! {call_text(row)}" for row in view.calls),
        *phases_text(view),
        *(f"  ? {as_plain(missed, limit=_FACT)}" for missed in view.missed),
        *([f"  {as_plain(view.remark, limit=_LINE)}"] if view.remark else []),
        *(f"{as_plain(fact.label)}: {as_plain(fact.text, limit=_FACT)}" for fact in view.facts),
    ]
    lines += ways_text(view)
    lines.append(f"#{view.id} · What this cannot see: {as_plain(view.limits, limit=_LINE)}")
    return "\n".join(lines)


def ways_text(view: CardView) -> list[str]:
    """Write the safer ways down: what each gives, and the lines as they are and as they would be."""
    lines = []
    for way in view.safer:
        lines.append(as_plain(f"{way.label}: {way.note}" if way.note else way.label, limit=_LINE))
        for mark, text in (("-", way.before), ("+", way.code)):
            lines += [f"  {mark} {as_plain(line, code=True, limit=_LINE)}" for line in text.split("\n") if text]
    if not view.safer and view.sought:
        lines.append("No safer version found.")
    return lines


def phases_text(view: CardView) -> list[str]:
    """Say what code would do when."""
    lines = []
    for column in view.phases:
        lines.append(f"  {as_plain(column.title)} ({as_plain(column.note)}):{'' if column.rows else ' found nothing here'}")
        lines += [f"    ! {as_plain(row.text, limit=_FACT)} · {as_plain(row.place)}" for row in column.rows]
        lines += [f"    … {column.more:,} more"] if column.more else []
    return lines


def checking_text(view: CardView) -> str:
    """Say that a load is being checked."""
    return f"modelguard · {as_plain(view.title)} · {as_plain(view.object)} · Nothing has been loaded yet."


def details_text(view: CardView) -> str:
    """Write out what stands behind the card: listings, every call, the opcodes."""
    lines: list[str] = []
    for listing in (*view.differences, *view.listings):
        lines += _listing(listing)
    if view.every_call:
        lines += [
            "Every call it makes",
            *(f"{'!' if row.flagged else ' '} {call_text(row)} · {as_plain(row.judged)}" for row in view.every_call),
        ]
    if view.tree:
        lines += ["What calls what", *map(_node, view.tree)]
    if view.opcodes:
        lines.append("Pickle opcodes")
        lines += [
            f"{'!' if step.flagged else ' '} {step.position:>6} {as_plain(step.opcode):<18} {as_plain(step.argument, limit=120)}"
            f"{f'  # {as_plain(step.meaning, limit=_FACT)}' if step.meaning else ''}"
            for step in view.opcodes[:_MOST_OPCODES]
        ]
        left = len(view.opcodes) - _MOST_OPCODES
        if left > 0:
            lines.append(f"… {left:,} more opcodes")
    return "\n".join(lines) or "There is nothing more to show."


def changes_text(view: CardView) -> list[str]:
    """Say what is different from what was approved before."""
    if not view.changes:
        return []
    rows = (
        f"  {row.change} {' '.join(filter(None, (row.what, as_plain(row.name, name=True))))}"
        f"{f' · {as_plain(row.note, limit=_FACT)}' if row.note else ''}"
        for row in view.changes
    )
    return [f"{as_plain(view.since, limit=_LINE)}:", *rows]


def _listing(listing: CodeListing) -> list[str]:
    lines = [f"{as_plain(listing.heading, limit=_LINE)} · {as_plain(listing.source)}"]
    for row in listing.rows:
        mark = row.change or ("!" if row.flagged else " ")
        lines.append(f"{as_plain(mark)} {row.number:>4} {as_plain(row.text, code=True, limit=400)}")
        if row.note:
            lines.append(f"       ^ {as_plain(row.note, limit=_FACT)}")
    return lines


def _node(node: CallNode) -> str:
    times = f" ×{node.count:,}" if node.count > 1 else ""
    said = f"{as_plain(node.name, name=True)}{as_plain(node.arguments, limit=_FACT)}"
    return f"{'!' if node.flagged else ' '} {'  ' * node.depth}{said}{times} · byte {node.position:,}"


def call_text(row: CallRow) -> str:
    """One function and what is known of it."""
    said = [f"{as_plain(row.name, name=True)}{f' ×{row.count}' if row.count else ''}"]
    said += [as_plain(part, limit=_FACT) for part in (row.note, row.origin) if part]
    return " · ".join(said)


def receipt_text(receipt: Receipt) -> str:
    """Write the line that stays."""
    return f"{'▣' if receipt.allowed else '▢'} modelguard · {as_plain(receipt.text, limit=_LINE)}"
