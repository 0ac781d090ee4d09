"""What the tool found, for people to read and to paste."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from jupyter_modelguard.testing.review.classes import Member, Method

__all__ = ["shown", "toml_rows"]

_STYLES = {"reviewed": "green", "to read": "yellow", "executes": "bold red"}


def shown(found: Sequence[Member], *, everything: bool = False) -> Table:
    """Make a table, one row for each method that is not Python's own."""
    from rich.table import Table
    from rich.text import Text

    cleared = sum(1 for member in found if not member.verdict)
    refused = sum(1 for member in found if member.executes)
    table = Table(
        title=f"{len(found)} classes, {cleared} cleared by inspection, {refused} that can execute", title_justify="left"
    )
    for heading in ("class", "method", "reached", "state", "line", "why"):
        table.add_column(heading, overflow="fold")
    for member in found:
        if not everything and not member.verdict:
            continue
        label = str(member.name) + (" (listed)" if member.listed else "")
        rows: list[Method | None] = [method for method in member.methods if everything or not method.when] or [None]
        for method in rows:
            if method is None:
                table.add_row(Text(label), "", "", Text("inspected"), "", Text(member.verdict or "nothing of its own runs"))
            else:
                danger = method.dangers[0] if method.dangers else None
                table.add_row(
                    Text(label),
                    Text(_label(method)),
                    Text(f"if {method.when}" if method.when else "always"),
                    Text(method.state, style=_STYLES[method.state]),
                    str(danger.line) if danger is not None and danger.line else "",
                    Text("; ".join(dict.fromkeys(one.reason for one in method.dangers))),
                )
            label = ""
    return table


def toml_rows(found: Sequence[Member]) -> str:
    """Write rows for the methods that are to be read, with an empty reason; what executes is named in comments alone."""
    rows: dict[tuple[str, str], None] = {}
    refused: dict[str, None] = {}
    for member in found:
        if member.listed or not member.verdict:
            continue
        if not member.methods:
            refused[f"# refused: {member.name} {member.verdict}"] = None
        for method in member.methods:
            if method.state == "to read" and not method.when:
                rows[method.owner.__module__, f"{method.owner.__qualname__}.{method.name}"] = None
            elif method.state == "executes" and not method.when:
                danger = method.dangers[0]
                where = f" (line {danger.line})" if danger.line else ""
                refused[f"# refused: {method.owner.__module__}.{_label(method)} {danger.reason}{where}"] = None
    text = [f'[[method]]\nmodule = "{module}"\nnames = ["{name}"]\nreason = ""\n' for module, name in rows]
    return "\n".join([*text, *refused, ""])


def _label(method: Method) -> str:
    return f"{method.owner.__qualname__}.{method.name}"
