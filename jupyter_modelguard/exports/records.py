"""Lines of the history for other programs: JSON with all that is known, and a table of the main facts as CSV."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.history.codec import to_plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_modelguard.types import HistoryRecord

__all__ = ["plain_record", "records_csv", "records_json"]

_VERSION = 1  # of the JSON; a field that is added keeps it, one that changes its meaning raises it
_COLUMNS = (
    "time",
    "id",
    "file",
    "source",
    "loader",
    "notebook",
    "cell",
    "line",
    "risk",
    "outcome",
    "by",
    "reason",
    "scope",
    "sha256",
    "count",
)
# What a spreadsheet would compute begins so, in wide letters too
_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
# What moves a terminal's cursor, ends a line, turns text around, or cannot be written at all
_UNWRITTEN = re.compile("[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def records_json(records: Iterable[HistoryRecord]) -> str:
    """Write lines of the history with their reports and decisions; the code that was shown goes by its digests."""
    return json.dumps({"version": _VERSION, "records": [plain_record(record) for record in records]}, indent=2)


def records_csv(records: Iterable[HistoryRecord]) -> str:
    """Write the main facts of each line, as RFC 4180 has it.

    Text that a spreadsheet would compute has an apostrophe before it; characters without ink that a terminal would obey are spelled out.
    """
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(_COLUMNS)
    for record in records:
        rows.writerow([_inert(value) for value in _row(record)])
    return text.getvalue()


def plain_record(record: HistoryRecord) -> dict[str, Any]:
    """Make of a line what JSON can hold, without the code that was shown."""
    plain: dict[str, Any] = to_plain(record)
    for file in (plain["artifact"] or {}).get("files", ()):
        del file["content"]
    return plain


def _row(record: HistoryRecord) -> tuple[object, ...]:
    artifact, decision, site = record.artifact, record.decision, record.request.site
    return (
        dt.datetime.fromtimestamp(record.at, dt.UTC).isoformat(timespec="seconds"),
        record.id,
        artifact.name if artifact is not None else "",
        record.request.source,
        record.request.loader,
        site.notebook or "",
        site.execution_count if site.execution_count is not None else "",
        site.line if site.line is not None else "",
        record.level.value if record.level is not None else "",
        record.outcome.value,
        decision.by if decision is not None else "",
        decision.reason if decision is not None else "",
        decision.scope.value if decision is not None and decision.allow else "",
        artifact.content if artifact is not None else "",
        record.count,
    )


def _inert(value: object) -> object:
    if not isinstance(value, str):
        return value
    shown = _UNWRITTEN.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), value)
    return f"'{shown}" if _FORMULA.match(value) else shown
