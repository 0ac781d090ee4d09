"""Rows of the history to frozen values and back.

A row that holds something else than was written is read as far as it goes: its error says what cannot be read, and its level is that of
what was not inspected.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from jupyter_modelguard.errors import HistoryError
from jupyter_modelguard.history.codec import from_plain, to_plain
from jupyter_modelguard.history.legible import CANNOT_BE_READ, FAULTS, as_number, as_text, parsed
from jupyter_modelguard.types import Artifact, CallSite, Decision, HistoryRecord, LoadRequest, Outcome, RiskLevel, ScanReport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "Note",
    "decision_of",
    "digits_of",
    "plain_decision",
    "record_of_note",
    "record_of_row",
    "row_of_record",
    "text",
]


T = TypeVar("T")

# A silent load as `Store.note` takes it: loader, source, size in bytes, seconds since the epoch, call site, seconds it took.
Note: TypeAlias = "tuple[str, str, int, float, CallSite, float]"


def digits_of(id_prefix: str) -> str:
    """Read what a person typed as the beginning of a record's id, with or without the number sign.

    Raises
    ------
    HistoryError
        It is no such thing.
    """
    digits = id_prefix.strip().removeprefix("#").lower()
    if not re.fullmatch(r"[0-9a-f]{1,8}", digits):
        raise HistoryError("An id is up to eight digits from 0 to f, such as 7f3a.")
    return digits


def text(value: str) -> str:
    """Text that a database can hold: half a surrogate pair from a file name or a pickle is spelled out, and so is a NUL."""
    return value.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def row_of_record(record: HistoryRecord, session: str) -> dict[str, Any]:
    """Values for the columns of `loads`."""
    request = record.request
    return {
        "id": record.id,
        "session": session,
        "at": float(record.at),
        "loader": text(request.loader),
        "call": text(request.call),
        "source": text(request.source),
        "notebook": request.site.notebook and text(request.site.notebook),
        "cell_id": request.site.cell_id and text(request.site.cell_id),
        "execution_count": request.site.execution_count,
        "line": request.site.line,
        "outcome": record.outcome.value,
        "level": record.level and record.level.value,
        "size": record.artifact.size if record.artifact else 0,
        "seconds": float(record.seconds),
        "count": record.count,
        "error": text(record.error),
        "artifact": _readable(to_plain(record.artifact)),
        "report": to_plain(record.report),
        "decision": plain_decision(record.decision) if record.decision else None,
    }


def _readable(plain: Any) -> Any:
    """Spell out in plain values what `text` does: databases look into them, and a name that they cannot read would hide every line."""
    if isinstance(plain, str):
        return plain if plain.isascii() and "\0" not in plain else text(plain)
    if isinstance(plain, list):
        return [_readable(item) for item in plain]
    return {name: _readable(value) for name, value in plain.items()} if isinstance(plain, dict) else plain


def plain_decision(decision: Decision) -> dict[str, Any]:
    """Turn a decision into plain values that databases can look into; PostgreSQL finds nothing beside half a surrogate pair."""
    return {name: text(value) if isinstance(value, str) else value for name, value in to_plain(decision).items()}


def record_of_row(row: Mapping[str, Any]) -> HistoryRecord:
    """Build the record that a row of `loads` holds; JSON in it is text, see `legible.texts_of`."""
    wrong: list[str] = []

    def read(name: str, build: Callable[[Any], T], otherwise: T) -> T:
        try:
            return otherwise if row[name] is None else build(row[name])
        except FAULTS:
            wrong.append(name)
            return otherwise

    source = as_text(row["source"])
    size = int(read("size", as_number, 0.0))
    artifact = read("artifact", lambda text: from_plain(Artifact, parsed(text)), None)
    found = HistoryRecord(
        id=as_text(row["id"]),
        at=read("at", as_number, 0.0),
        request=LoadRequest(
            loader=as_text(row["loader"]),
            call=as_text(row["call"]),
            source=source,
            site=CallSite(
                read("notebook", as_text, None),
                read("cell_id", as_text, None),
                read("execution_count", lambda number: int(as_number(number)), None),
                read("line", lambda number: int(as_number(number)), None),
            ),
        ),
        outcome=read("outcome", Outcome, Outcome.FAILED),
        level=read("level", RiskLevel, None),
        artifact=artifact or _plain_artifact(source, size),
        report=read("report", lambda text: from_plain(ScanReport, parsed(text)), None),
        decision=read("decision", decision_of, None),
        seconds=read("seconds", as_number, 0.0),
        count=int(read("count", as_number, 1.0)),
        error=as_text(row["error"]),
    )
    if not wrong:
        return found
    said = f"In the history the {', '.join(wrong)} of this line {CANNOT_BE_READ}"
    return dataclasses.replace(found, level=RiskLevel.UNINSPECTED, error=". ".join(filter(None, (said, found.error))))


def decision_of(text: object) -> Decision:
    """Read a decision that was fetched as text; raises one of `legible.FAULTS` where it is none."""
    return from_plain(Decision, parsed(text))


def record_of_note(identity: str, note: Note) -> HistoryRecord:
    """Build the record of a silent load that is still in memory."""
    loader, source, size, at, site, seconds = note
    return HistoryRecord(
        id=identity,
        at=at,
        request=LoadRequest(loader, loader, source, site),
        outcome=Outcome.LOADED,
        level=RiskLevel.DATA_ONLY,
        artifact=_plain_artifact(source, size),
        seconds=seconds,
    )


def _plain_artifact(source: str, size: int) -> Artifact | None:
    """Nothing more is kept of a silent load than its name and size, so nothing more is claimed."""
    return Artifact(name=PurePath(source).name or source, source=source, format="unknown", size=size) if size else None
