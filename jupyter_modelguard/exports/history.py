"""The formats that the history leaves in, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jupyter_modelguard.exports.records import records_csv, records_json
from jupyter_modelguard.exports.sarif import sarif

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_modelguard.types import HistoryRecord

__all__ = ["FORMATS", "export", "format_of"]

FORMATS: Final = ("json", "csv", "sarif", "cyclonedx")
_ENDINGS: Final = {".cdx.json": "cyclonedx", ".json": "json", ".csv": "csv", ".sarif": "sarif"}


def export(records: Sequence[HistoryRecord], name: str) -> str:
    """Write lines of the history in one of `FORMATS`; raises `ConfigurationError` where what that takes is not installed."""
    if name == "json":
        return records_json(records)
    if name == "csv":
        return records_csv(records)
    if name == "sarif":
        return sarif(record.report for record in records if record.report is not None)
    from jupyter_modelguard.exports.bom import bill_of_materials

    return bill_of_materials(records)


def format_of(path: str) -> str | None:
    """Name the format that a file's name ends in; None if it is none of them."""
    return next((name for ending, name in _ENDINGS.items() if path.lower().endswith(ending)), None)
