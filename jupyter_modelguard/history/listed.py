"""One load as the list shows it: from a record, or from a few columns of its line."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.history.legible import CANNOT_BE_READ, FAULTS, as_number, as_text, parsed
from jupyter_modelguard.types import Outcome, RiskLevel, Scope

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

    from jupyter_modelguard.types import HistoryRecord

__all__ = ["COLUMNS", "Row", "row_of", "row_of_columns"]

COLUMNS = (
    "id",
    "session",
    "at",
    "source",
    "loader",
    "call",
    "notebook",
    "cell_id",
    "execution_count",
    "line",
    "level",
    "outcome",
    "count",
    "size",
    "seconds",
)
_NUMBERS = ("at", "execution_count", "line", "count", "size", "seconds")
_TEXTS = ("id", "session", "source", "loader", "call", "notebook", "cell_id")


@dataclass(frozen=True, slots=True)
class Row:
    """One load in the list."""

    id: str
    session: str
    at: float  # seconds since the epoch
    name: str
    source: str
    loader: str
    call: str
    notebook: str | None
    cell_id: str | None
    execution_count: int | None
    line: int | None
    level: RiskLevel | None
    outcome: Outcome
    by: str | None
    reason: str | None
    scope: Scope | None
    transport: str | None
    count: int
    size: int  # bytes
    seconds: float


def row_of(record: HistoryRecord, session: str) -> Row:
    """Show one load as the list does."""
    decision, site = record.decision, record.request.site
    return Row(
        id=record.id,
        session=session,
        at=record.at,
        name=record.artifact.name if record.artifact is not None else _name_in(record.request.source),
        source=record.request.source,
        loader=record.request.loader,
        call=record.request.call,
        notebook=site.notebook,
        cell_id=site.cell_id,
        execution_count=site.execution_count,
        line=site.line,
        level=record.level,
        outcome=record.outcome,
        by=decision.by if decision is not None else None,
        reason=decision.reason if decision is not None else None,
        scope=decision.scope if decision is not None and decision.allow else None,
        transport=decision.transport if decision is not None else None,
        count=record.count,
        size=record.artifact.size if record.artifact is not None else 0,
        seconds=record.seconds,
    )


def row_of_columns(row: RowMapping) -> Row:
    """Show what a query for `COLUMNS`, `name`, `decision` and `whole` (whether its JSON is what it should be) found."""
    try:
        return _whole(row)
    except FAULTS:
        return _unreadable(row)


def _whole(row: RowMapping) -> Row:
    decision = parsed(row["decision"]) or {}
    scope = decision.get("scope") if decision.get("allow") else None
    found = Row(
        **{name: row[name] for name in COLUMNS if name not in {"level", "outcome"}},
        level=RiskLevel(row["level"]) if row["level"] else None,
        outcome=Outcome(row["outcome"]),
        name=row["name"] or _name_in(row["source"]),
        by=decision.get("by"),
        reason=decision.get("reason"),
        scope=Scope(scope) if scope else None,
        transport=decision.get("transport"),
    )
    texts = (getattr(found, name) or "" for name in (*_TEXTS, "name", "by", "reason", "transport"))
    numbers = (getattr(found, name) or 0 for name in _NUMBERS)
    if not row["whole"] or not all(isinstance(one, str) for one in texts) or any(as_number(one) < 0 for one in numbers):
        raise ValueError(CANNOT_BE_READ)
    return found


def _unreadable(row: RowMapping) -> Row:
    """Show a line that holds something else than was written: as far as it goes, and never as clean."""
    numbers: dict[str, Any] = dict.fromkeys(_NUMBERS, 0)
    for name in _NUMBERS:
        with contextlib.suppress(ValueError):
            numbers[name] = as_number(row[name])
    texts: dict[str, Any] = {name: None if row[name] is None else as_text(row[name]) for name in _TEXTS}
    known = {one.value for one in Outcome}
    return Row(
        **texts,
        **numbers,
        level=RiskLevel.UNINSPECTED,
        outcome=Outcome(row["outcome"]) if row["outcome"] in known else Outcome.FAILED,
        name=f"{_name_in(texts['source'])} ({CANNOT_BE_READ})",
        by=None,
        reason=f"this line of the history {CANNOT_BE_READ}",
        scope=None,
        transport=None,
    )


def _name_in(source: str) -> str:
    return PurePath(source).name or source
