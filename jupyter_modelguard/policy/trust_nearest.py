"""What was trusted before that a load nearly is, and how to say it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from jupyter_modelguard.policy.trust_entry import commit_of, difference, repository_of

if TYPE_CHECKING:
    from jupyter_modelguard.policy.trust_entry import TrustEntry
    from jupyter_modelguard.types import HistoryRecord

__all__ = ["CHANGED", "day_of", "moved", "nearest", "note_of"]

CHANGED = "Changed"
"""Label of what was trusted at the same place and is different now."""

_OTHER_CONTENT = "its content is different"
_SHOWN = 7  # digits of a commit that people read


def nearest(record: HistoryRecord, entries: tuple[TrustEntry, ...]) -> TrustEntry | None:
    """Find what was trusted last of the same place, or of the same bytes; of code, what has most of its files by name."""
    artifact = record.artifact
    if artifact is None:
        return None
    origin = repository_of(artifact.source) or artifact.source
    near = [
        entry
        for entry in entries
        if entry.digest == artifact.digest
        or (not origin.startswith("<") and (repository_of(entry.source) or entry.source) == origin)
    ]
    paths = {file.path for file in artifact.files}
    return max(reversed(near), key=lambda entry: len(paths.intersection(path for path, _ in entry.files)), default=None)


def note_of(record: HistoryRecord, entry: TrustEntry) -> tuple[str, str]:
    """Say for the card, as a label and a sentence, how a load differs from what was trusted."""
    said = difference(entry, record)
    artifact = record.artifact
    if artifact is not None and entry.digest == artifact.digest:
        if repository_of(entry.source) != repository_of(artifact.source) and artifact.files:
            said = " · ".join(filter(None, ("the same files, from another place: " + entry.source, said)))
            return "Trusted", f"by {entry.by} on {day_of(entry)} · {said}"
        if entry.loader != record.request.loader:
            return "Trusted", f"by {entry.by} on {day_of(entry)} · {said}"
        if artifact.files and not said:
            return "Trusted", f"by {entry.by} on {day_of(entry)}{moved(entry, record)} · the same files, byte for byte"
    return CHANGED, f"since {entry.by} trusted it on {day_of(entry)} · {said or _OTHER_CONTENT}"


def moved(entry: TrustEntry, record: HistoryRecord) -> str:
    """Say from which commit to which the repository of code went on since it was trusted; empty where that is not known."""
    before = commit_of(entry.source)
    now = commit_of(record.artifact.source) if record.artifact is not None else None
    if before is None or before == now:
        return ""
    return f" at {before[1][:_SHOWN]}" if now is None else f", {before[1][:_SHOWN]} → {now[1][:_SHOWN]}"


def day_of(entry: TrustEntry) -> str:
    """Say when something was trusted, in local time."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.at))
