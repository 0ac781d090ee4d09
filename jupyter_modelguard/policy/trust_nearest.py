"""What was trusted before that a load nearly is, and how to say it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from jupyter_modelguard.policy.trust_entry import difference

if TYPE_CHECKING:
    from jupyter_modelguard.policy.trust_entry import TrustEntry
    from jupyter_modelguard.types import HistoryRecord

__all__ = ["CHANGED", "day_of", "nearest", "note_of"]

CHANGED = "Changed"
"""Label of what was trusted at the same place and is different now."""

_OTHER_CONTENT = "its content is different"


def nearest(record: HistoryRecord, entries: tuple[TrustEntry, ...]) -> TrustEntry | None:
    """Find what was trusted last of the same place, or of the same bytes."""
    artifact = record.artifact
    if artifact is None:
        return None
    origin = artifact.source.partition("@")[0] if artifact.source.startswith("hf:") else artifact.source
    for entry in reversed(entries):
        if entry.digest == artifact.digest or (not origin.startswith("<") and entry.source.partition("@")[0] == origin):
            return entry
    return None


def note_of(record: HistoryRecord, entry: TrustEntry) -> tuple[str, str]:
    """Say for the card, as a label and a sentence, how a load differs from what was trusted."""
    said = difference(entry, record)
    if record.artifact is not None and entry.digest == record.artifact.digest and entry.loader != record.request.loader:
        return "Trusted", f"by {entry.by} on {day_of(entry)} · {said}"
    return CHANGED, f"since {entry.by} trusted it on {day_of(entry)} · {said or _OTHER_CONTENT}"


def day_of(entry: TrustEntry) -> str:
    """Say when something was trusted, in local time."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.at))
