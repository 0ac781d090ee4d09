"""How loads begin and end in the record, and what a person is told of one that was ended before its time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_modelguard.errors import ModelLoadBlockedError, printable
from jupyter_modelguard.hooks.attribution import user_line
from jupyter_modelguard.stages.proposing import report_blocked
from jupyter_modelguard.types import LoadRequest, Outcome

if TYPE_CHECKING:
    from types import FrameType

    from jupyter_modelguard.history.journal import CellTally, Journal
    from jupyter_modelguard.hooks.gate import Permit
    from jupyter_modelguard.policy.trust import Trust
    from jupyter_modelguard.stages.born_here import BornHere
    from jupyter_modelguard.stages.deciding import Deciding
    from jupyter_modelguard.types import HistoryRecord

__all__ = ["LoadEnds"]


class LoadEnds:
    """Describes loads, and records how they end.

    Parameters
    ----------
    journal
        Keeps a load's record until it has ended.
    deciding
        Keeps in mind what loads reached for beyond their cards.
    trust, born
        By which a load may have passed, until it goes beyond; None where there is nothing of the kind.
    """

    def __init__(self, journal: Journal, deciding: Deciding, trust: Trust | None, born: BornHere | None) -> None:
        self.journal = journal
        self.deciding = deciding
        self.trust = trust
        self.born = born
        self._memories: list[Trust | BornHere] = [memory for memory in (trust, born) if memory is not None]

    def request(self, loader: str, call: str, source: str, frame: FrameType | None) -> LoadRequest:
        """Describe a load."""
        return LoadRequest(loader, call, source, self.journal.site(user_line(frame)))

    def tally(self, loader: str) -> CellTally:
        """Return the counter of a loader's silent in-memory loads."""
        return self.journal.tally(loader)

    def settle(self, permit: Permit, error: BaseException | None) -> None:
        """Record how a permitted load ended."""
        for memory in self._memories:
            memory.ended(permit.record_id)
        if error is not None:
            self.journal.end(permit.record_id, Outcome.FAILED, _described(error))
        else:
            self.journal.end(permit.record_id, Outcome.ALLOWED if permit.approved else Outcome.LOADED)

    def loaded(self, loader: str, call: str, source: str, size: int, seconds: float, frame: FrameType | None) -> None:
        """Record a load that passed on the fast path."""
        self.journal.note(loader, source or call, size, seconds, user_line(frame))

    def failed(self, request: LoadRequest, error: BaseException) -> None:
        """Record the loader's own error."""
        self.journal.record(request, Outcome.FAILED, error=_described(error))

    def blocked(self, request: LoadRequest, why: str, permit: Permit | None = None) -> ModelLoadBlockedError:
        """Record a load that went beyond what was permitted, and describe what to do."""
        record = None if permit is None else self.journal.end(permit.record_id, Outcome.BLOCKED, why)
        if permit is not None and record is not None:
            message = self._went_beyond(request, why, permit, record)
        else:
            record = self.journal.record(request, Outcome.BLOCKED, error=why)
            message = (
                f"modelguard stopped {request.loader or 'a load'} before {printable(why, lines=False)} was resolved: "
                "it was read by a loader that cannot ask. Load the file through the public function (pickle.load, torch.load, "
                "joblib.load …) to see what it would do and decide."
            )
        report_blocked(record.id, message)
        return ModelLoadBlockedError(message, None, record.id)

    def _went_beyond(self, request: LoadRequest, why: str, permit: Permit, record: HistoryRecord) -> str:
        beyond = "what was agreed to" if permit.approved else "what was proved harmless"
        message = f"modelguard stopped {request.loader}: it went beyond {beyond} and reached for {printable(why, lines=False)}."
        if any(memory.went_beyond(permit.record_id) for memory in self._memories):
            return f"{message} It is not trusted any more: run it again to see what it would do and decide."
        if permit.approved and not permit.trusted:
            message += self.deciding.surprises.ended(record, why, self.trust)
            self.deciding.approver.surprise(record, why)
        return message


def _described(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
