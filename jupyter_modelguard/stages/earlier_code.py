"""What was answered before about the code of this place, and what is different now: for the card that asks again.

Trust says by itself how a load differs from what is trusted. What was allowed once is no trust and lets nothing pass; but the history
holds its very files, so that a person who is asked again need not read again what is the same, and reads what is not.
"""

from __future__ import annotations

import collections
import hashlib
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.policy.code_phases import OF_THE_WHOLE, WHEN
from jupyter_modelguard.policy.trust_entry import Change, changes, entry_of, repository_of
from jupyter_modelguard.policy.trust_nearest import CHANGED, moved
from jupyter_modelguard.types import CodeFile

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.history.journal import Journal
    from jupyter_modelguard.policy.trust import Standing
    from jupyter_modelguard.policy.trust_entry import TrustEntry
    from jupyter_modelguard.types import Finding, HistoryRecord, ScanReport

__all__ = ["EarlierCode"]

_LOG = logging.getLogger(__name__)
_MOST_BYTES: Final = 4 << 20  # of earlier code that is read once more
_MOST_CAPABILITIES: Final = 20
_NOT_KEPT: Final = "changed; its earlier text was not kept, so its lines cannot be compared"
_BY_NOBODY: Final = frozenset({"headless", "none", "policy", "stale"})
"""Transports of a "no" that no person said."""


class EarlierCode:
    """Compares code with what was decided about it before.

    Parameters
    ----------
    journal
        Knows what was answered.
    scan
        Looks at code files of a place, in the way in which the load's own files were looked at.
    """

    def __init__(self, journal: Journal, scan: Callable[[str, tuple[CodeFile, ...]], ScanReport]) -> None:
        self._journal = journal
        self._scan = scan

    def compare(self, record: HistoryRecord, standing: Standing) -> Standing:
        """Add to what trust says of code what earlier answers say of it; it never raises.

        Parameters
        ----------
        record
            The load that will be asked about.
        standing
            What trust says of it. What differs from something trusted is compared with that, and not with what was allowed once.
        """
        try:
            if not standing.changes:
                standing = self._answered(record, standing)
            return self._with_capabilities(record, standing)
        except Exception:  # noqa: BLE001 a fault of ours asks as if nothing was known
            _LOG.warning("What was answered before about %s could not be compared", record.id, exc_info=True)
            return standing

    def _answered(self, record: HistoryRecord, standing: Standing) -> Standing:
        artifact = record.artifact
        if artifact is None or not artifact.files:
            return standing
        known = [
            one for one in self._journal.answers_about(repository_of(artifact.source) or artifact.source) if _read_whole(one)
        ]
        paths = {file.path for file in artifact.files}
        allowed = [one for one in known if one.decision is not None and one.decision.allow]
        last = max(allowed, key=lambda one: len(paths.intersection(file.path for file in _files(one))), default=None)
        if last is not None:
            standing = _since(record, last, standing)
        said = next((one for one in known if one.decision is not None and one.decision.transport not in _BY_NOBODY), None)
        if said is not None and said.decision is not None and not said.decision.allow:
            same = _pairs(said) == _pairs(record)
            note = f"by {said.decision.by} on {_day(said)} · {'these same files' if same else 'other files than these'}"
            standing = replace(standing, notes=(*standing.notes, ("Kept blocked before", note)))
        return standing

    def _with_capabilities(self, record: HistoryRecord, standing: Standing) -> Standing:
        """Put before the differences what the code can do that it could not before, as the same engine finds it in both."""
        if not standing.changes or record.artifact is None or record.report is None:
            return standing
        kept = dict(standing.before)
        files = {change.name: change for change in standing.changes if change.what == "file"}
        if any(change.before and change.before not in kept for change in files.values()):
            missing = tuple(
                _not_kept(change) if change.mark == "±" and change.before and change.before not in kept else change
                for change in standing.changes
            )
            return replace(standing, changes=missing)
        before = [file for file in record.artifact.files if file.path not in files]
        before += [CodeFile(change.name, change.before, kept[change.before]) for change in files.values() if change.before]
        if sum(len(file.content) for file in before) > _MOST_BYTES:
            return standing
        found = collections.Counter(
            _capability(one) for one in self._scan(record.artifact.source, tuple(before)).findings if _is_one(one)
        )
        new: dict[str, Change] = {}
        for one in filter(_is_one, record.report.findings):
            found[_capability(one)] -= 1
            if found[_capability(one)] < 0:
                name, _, sentence = one.title.partition(": ")
                new.setdefault(
                    _capability(one), Change("+", "capability", name, " · ".join(filter(None, (sentence, one.location))))
                )
        rows = list(new.values())[:_MOST_CAPABILITIES]
        told = {row.name for row in rows}  # a dangerous one is a function of the report as well
        rest = (change for change in standing.changes if change.what != "function" or change.name not in told)
        return replace(standing, changes=(*rows, *rest))


def _since(record: HistoryRecord, last: HistoryRecord, standing: Standing) -> Standing:
    """Say how code differs from what was allowed once, or that it does not."""
    assert last.decision is not None  # noqa: S101 only what was allowed comes here
    entry = entry_of(last, last.decision, "")
    different = changes(entry, record)
    gone = [change for change in different if change.what == "file" and change.mark == "-"]
    approved = f"{_how(last)} by {entry.by} on {_day(last)}{moved(entry, record)}{_reason(entry)}"
    if all(change in gone for change in different):
        fewer = f", without {len(gone):,} that {'was' if len(gone) == 1 else 'were'} among them" if gone else ""
        return replace(
            standing, notes=(("Approved before", f"the same files, byte for byte{fewer} · {approved}"), *standing.notes)
        )
    kept = {file.digest: file.content for file in _files(last)}
    before = tuple((change.before, kept[change.before]) for change in different if change.before in kept)
    same = len(set(_pairs(last)) & set(_pairs(record)))
    others = f" · {same:,} other file{'s are' if same != 1 else ' is'} the same, byte for byte" if same else ""
    named = [change.name for change in different if change.what == "file" and change.mark != "-"]
    note = f"{', '.join(named[:3])}{f' and {len(named) - 3:,} more' if len(named) > 3 else ''}{others}"  # noqa: PLR2004 as many as fit
    return replace(
        standing,
        notes=(("Approved before", approved), (CHANGED, note), *standing.notes),
        since=f"{entry.by} allowed it on {_day(last)}{moved(entry, record)}",
        changes=different,
        before=before,
        how="allowed",
    )


def _not_kept(change: Change) -> Change:
    """Say of a changed file that it cannot be compared."""
    return change._replace(note=_NOT_KEPT)


def _capability(finding: Finding) -> str:
    """Give what a finding says without where; a capability that now comes earlier is another one."""
    if finding.phase is None:
        return f"{finding.rule} {finding.title}"
    said = finding.title.partition(f", {WHEN[finding.phase]}")[0]  # behind it stands in how many places
    return f"{finding.rule} {said} {finding.phase.value}"


def _is_one(finding: Finding) -> bool:
    return finding.rule not in OF_THE_WHOLE


def _read_whole(record: HistoryRecord) -> bool:
    """Whether the history still holds the files that were decided about, as they were."""
    files = _files(record)
    return (
        bool(files)
        and record.report is not None
        and all(hashlib.sha256(file.content).hexdigest() == file.digest for file in files)
    )


def _files(record: HistoryRecord) -> tuple[CodeFile, ...]:
    return record.artifact.files if record.artifact is not None else ()


def _pairs(record: HistoryRecord) -> list[tuple[str, str]]:
    return sorted((file.path, file.digest) for file in _files(record))


def _how(record: HistoryRecord) -> str:
    return "allowed once" if record.decision is not None and record.decision.scope.value == "once" else "trusted then"


def _reason(entry: TrustEntry) -> str:
    return f' · "{entry.reason}"' if entry.reason else ""


def _day(record: HistoryRecord) -> str:
    at = record.decision.at if record.decision is not None and record.decision.at else record.at
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
