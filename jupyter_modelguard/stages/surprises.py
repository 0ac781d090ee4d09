"""What loads that were allowed reached for beyond what their cards had shown.

An approval is a contract: such a load is ended, the surprise is named beside what was agreed to, and the next card of the same file shows
it. A decision that no person took for this load (a rule, a lock file, trust) ends without all that: there was no card.
"""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.errors import ModelGuardError
from jupyter_modelguard.policy.findings import finding
from jupyter_modelguard.types import Assessment, Scope, Severity

if TYPE_CHECKING:
    from jupyter_modelguard.policy.trust import Standing, Trust
    from jupyter_modelguard.types import HistoryRecord, ScanReport

__all__ = ["Surprises", "with_surprises"]

_MOST_SURPRISES: Final = 32  # of one file
_MOST_FILES: Final = 256


class Surprises:
    """Remembers, as long as this process lives, what files were stopped at."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[str, ...]] = {}  # by loader and code-bearing digest

    def of(self, loader: str, digest: str) -> tuple[str, ...]:
        """Give what loads of a file were stopped at, beyond what their cards had shown."""
        return self._known.get((loader, digest), ())

    def ended(self, record: HistoryRecord, why: str, trust: Trust | None) -> str:
        """Remember for its next card what a load reached for that a person had agreed to, and say how it ended.

        Where that was agreed to for longer than once, it is trusted no more.
        """
        said = f"\n{_on_its_card(record)}\nIt was ended there."
        if trust is not None and record.decision is not None and record.decision.scope is not Scope.ONCE:
            with contextlib.suppress(ModelGuardError, OSError):  # trusted or not, it would be stopped there again
                trust.forget_load(record)
        if self._add(record, why):
            said += " Run it again: its card will show this too, and you can decide."
        return said

    def noted(self, record: HistoryRecord, standing: Standing) -> Standing:
        """Say on a card what earlier loads of the same file were stopped at."""
        known = self.of(record.request.loader, record.artifact.digest if record.artifact is not None else "")
        notes = tuple(("Stopped before", f"it reached for {why}, beyond its card; allowed now, it may") for why in known)
        return dataclasses.replace(standing, notes=(*standing.notes, *notes)) if notes else standing

    def _add(self, record: HistoryRecord, why: str) -> bool:
        """Remember it; False where the bytes of the load are not known."""
        if record.artifact is None or not record.artifact.digest:
            return False
        mark = record.request.loader, record.artifact.digest
        known = self._known.pop(mark, ())
        self._known[mark] = (*(item for item in known if item != why), why)[-_MOST_SURPRISES:]
        while len(self._known) > _MOST_FILES:
            del self._known[next(iter(self._known))]
        return True


def with_surprises(report: ScanReport, surprises: tuple[str, ...]) -> ScanReport:
    """Add what an earlier load of these bytes was stopped at: a command that the file was seen to run is one that it runs."""
    from jupyter_modelguard.policy.catalogue import is_dangerous

    found = tuple(
        finding(
            "beyond-its-card",
            f"It reached for {why} when it was loaded before",
            severity=Severity.CRITICAL if why.startswith("another p") or is_dangerous(*why.rpartition(".")[::2]) else None,
        )
        for why in surprises
    )
    return dataclasses.replace(report, findings=report.findings + found) if found else report


def _on_its_card(record: HistoryRecord) -> str:
    """Say what a person agreed to, beside what a load then reached for."""
    from jupyter_modelguard.approval.present import build_view
    from jupyter_modelguard.approval.refusal import shown_calls

    if record.report is None or record.level is None:
        return "Nothing of the kind was on its card."
    return f"On its card: {shown_calls(build_view(record, Assessment(record.level, record.report))) or 'nothing that it calls'}."
