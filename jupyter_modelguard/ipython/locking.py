"""Writing `modelguard.lock` from what was allowed, for `%modelguard lock` and `modelguard lock`.

An entry is made of a load that somebody allowed and that can be bound to all its bytes. What is written counts for nobody before they
accepted the file: this person too, because it may hold what others wrote.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, NamedTuple

from jupyter_modelguard.approval.text import as_plain
from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.policy.checked_file import FileText, read_text
from jupyter_modelguard.policy.covering import lasting
from jupyter_modelguard.policy.lock_file import LOCK_HEAD, lock_text, read_lock
from jupyter_modelguard.policy.own_file import replace_own
from jupyter_modelguard.policy.trust_entry import covers_file, entry_of
from jupyter_modelguard.types import Outcome, Scope

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from jupyter_modelguard.policy.trust import Trust
    from jupyter_modelguard.policy.trust_entry import TrustEntry
    from jupyter_modelguard.types import HistoryRecord

__all__ = ["write_lock"]


class _Candidate(NamedTuple):
    """A load, with the entry that it gives or why it gives none."""

    record: HistoryRecord
    entry: TrustEntry | None
    refused: str = ""


def write_lock(path: Path, records: Iterable[HistoryRecord], trust: Trust | None) -> str:
    """Add entries for loads to a lock file, and say what was added and what could not be.

    Parameters
    ----------
    path
        The lock file; made where there is none.
    records
        Loads that were allowed, the oldest first.
    trust
        Knows all bytes of what was allowed for longer than once.

    Raises
    ------
    ConfigurationError
        The file is a link, or broken.
    OSError
        It cannot be written.
    """
    candidates = [_candidate(record, trust) for record in records]
    file = read_text(path)
    known = [entry.granted for entry in read_lock(file)] if file is not None else []
    texts, added = [], []
    for candidate in candidates:
        entry = candidate.entry
        if entry is not None and not any(_same(entry, one) for one in known):
            known.append(entry)
            texts.append(lock_text(entry, project=path.parent))
            added.append(as_plain(entry.name))
    said = [f"{as_plain(one.record.artifact.name)}: {one.refused}" for one in candidates if one.refused and one.record.artifact]
    if texts:
        before = file.text.decode("utf-8").rstrip("\n") + "\n" if file is not None else LOCK_HEAD
        text = "\n".join([before, *texts]).encode("utf-8")
        read_lock(FileText(path, text, ""))  # what could not be read again would take all other entries with it
        replace_own(path, text)
        said = [
            f"{path} has {len(texts):,} more: {', '.join(added)}.",
            f"To have it count: modelguard policy accept {path}",
            *said,
        ]
    return "\n".join(said or ["There is nothing to add."])


def _candidate(record: HistoryRecord, trust: Trust | None) -> _Candidate:
    artifact, decision = record.artifact, record.decision
    if artifact is None or decision is None or not decision.allow or record.outcome not in {Outcome.ALLOWED, Outcome.LOADED}:
        return _Candidate(record, None, "It was not allowed, so there is nothing to grant.")
    if decision.transport in {"proof", "lock", "policy"} or record.level is None or not record.level.asks:
        return _Candidate(record, None)
    scope, refused = lasting(record)
    if refused:
        return _Candidate(record, None, refused)
    content = artifact.content or _trusted(record, trust)
    if not (content or artifact.files):
        return _Candidate(record, None, 'Answer with "this exact file" once, so that all its bytes are known.')
    return _Candidate(record, entry_of(record, dataclasses.replace(decision, scope=scope), content))


def _trusted(record: HistoryRecord, trust: Trust | None) -> str:
    try:
        entries = trust.entries() if trust is not None else ()
    except (ConfigurationError, OSError):
        return ""
    return next((entry.content for entry in reversed(entries) if covers_file(entry, record)), "")


def _same(entry: TrustEntry, known: TrustEntry) -> bool:
    """Whether two entries grant the same."""
    what = ("scope", "loader", "format", "digest", "content", "functions", "files")
    if entry.scope is Scope.COMMIT and entry.source != known.source:
        return False
    return all(getattr(entry, name) == getattr(known, name) for name in what)
