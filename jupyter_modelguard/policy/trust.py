"""What one person on this machine trusts, and what that means for a load that would be asked about.

A load is trusted when an entry covers it whole: the same loader, the same bytes (all of them, not only those that can carry code), the
same functions from the same places; or code files of a repository at a commit, each of them trusted there. Whatever is different asks
again, and says what is.

Not everything can be trusted for longer than one load. What runs a command never is; neither is what was not looked at whole, what
reads more than the bytes in hand, or what names a function of a file that can change without them.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.policy.covering import against_commit, against_files, against_trust, covering, unchanged
from jupyter_modelguard.policy.trust_entry import Change, changes, commit_of, entry_of
from jupyter_modelguard.policy.trust_file import TrustFile
from jupyter_modelguard.policy.trust_nearest import CHANGED, day_of, moved, nearest, note_of
from jupyter_modelguard.policy.trusted_code import TrustedCode
from jupyter_modelguard.types import Decision, RiskLevel, Scope

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jupyter_modelguard.policy.trust_entry import TrustEntry
    from jupyter_modelguard.types import HistoryRecord

__all__ = ["ONLY_ONCE", "Offer", "Standing", "Trust"]

_LOG = logging.getLogger(__name__)
_COMMIT = 7  # digits of a commit that people read


@dataclass(frozen=True, slots=True)
class Offer:
    """A scope that a person may choose, or why they may not."""

    scope: Scope
    refused: str = ""  # a sentence; empty when it may be chosen


@dataclass(frozen=True, slots=True)
class Standing:
    """What trust says of one load.

    Attributes
    ----------
    decision
        The one that was made earlier and covers this load; None if it has to be asked about.
    offers
        The scopes beyond once, in the order in which they are shown.
    notes
        For the card, `(label, sentence)` pairs: how this load differs from what was trusted.
    since, changes, before
        Who trusted what this load differs from, and when; each difference; and the text of trusted code files, by digest.
    how
        What was done with what this load differs from: it was "trusted", or "allowed" once.
    """

    decision: Decision | None = None
    offers: tuple[Offer, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    since: str = ""
    changes: tuple[Change, ...] = ()
    before: tuple[tuple[str, bytes], ...] = ()
    how: str = "trusted"

    @property
    def changed(self) -> bool:
        """Whether this is not what was trusted any more."""
        return any(label == CHANGED for label, _ in self.notes)

    def offered(self, scope: Scope) -> bool:
        """Whether a person may choose a scope."""
        return scope is Scope.ONCE or Offer(scope) in self.offers


ONLY_ONCE = Standing()
"""Where nothing is trusted and nothing can be."""


class Trust:
    """Looks up and keeps what this person trusts.

    Parameters
    ----------
    folder
        Finds the folder of this person; see `jupyter_modelguard.config.default_home`.
    """

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._file = TrustFile(folder)
        self._code = TrustedCode(folder)
        self._warned: set[str] = set()
        self._passed: dict[str, str] = {}  # id of a trusted load that is under way -> id of its entry

    def look(self, record: HistoryRecord, hold: Callable[[], str]) -> Standing:
        """Say whether a load that would be asked about is trusted, and what may be chosen; it never raises.

        Parameters
        ----------
        record
            The load.
        hold
            Keeps all bytes that it will read as they are, and gives their sha256; empty where that cannot be had. Called only
            for a load that is trusted but for its bytes.
        """
        try:
            entries = self._file.read()
        except (ConfigurationError, OSError) as error:
            self._warn(error)
            return Standing(offers=_offers(record, _sentence(error)))
        try:
            offers = _offers(record)
            entry = covering(entries, record, hold)
            if entry is None:
                return self._compared(record, entries, offers)
        except Exception:  # noqa: BLE001 a fault of ours has it asked about
            _LOG.exception("Whether %s is trusted could not be found out", record.id)
            return ONLY_ONCE
        self._passed[record.id] = entry.id
        return Standing(Decision(True, entry.by, "trust", entry.reason, entry.scope, entry.at), offers)  # noqa: FBT003 as everywhere

    def unchanged(self, record: HistoryRecord) -> TrustEntry | None:
        """Find what trusts the very same code files of the same repository at another commit; it never raises.

        It lets nothing pass by itself: whoever goes by it calls `passed`.
        """
        try:
            return unchanged(self._file.read(), record)
        except (ConfigurationError, OSError) as error:
            self._warn(error)
        except Exception:  # noqa: BLE001 a fault of ours has it asked about
            _LOG.exception("Whether the files of %s are trusted could not be found out", record.id)
        return None

    def passed(self, record_id: str, entry: TrustEntry) -> Decision:
        """Give the decision of an entry that a load goes on by; the entry ends with what the load does beyond it."""
        self._passed[record_id] = entry.id
        before = commit_of(entry.source)
        same = f" · the same files as at {before[1][:_COMMIT]}" if before is not None else ""
        return Decision(True, entry.by, "trust", f"{entry.reason}{same}", entry.scope, entry.at)  # noqa: FBT003 as everywhere

    def keep(self, record: HistoryRecord, decision: Decision, hold: Callable[[], str]) -> bool:
        """Trust what was allowed for longer than once; False, with a warning, where that cannot be kept."""
        try:
            content = hold() if decision.scope is Scope.DIGEST and not (record.artifact and record.artifact.files) else ""
            entry = entry_of(record, decision, content)
            if not (entry.content or entry.files):
                raise OSError("its bytes could not be kept still while they were read")  # noqa: TRY301 the same end for all
            self._file.change(lambda entries: (*(known for known in entries if not _same(known, entry)), entry))
            self._code.keep(record.artifact.files if record.artifact is not None else ())
        except (ConfigurationError, OSError) as error:
            self._warn(error)
            return False
        return True

    def entries(self) -> tuple[TrustEntry, ...]:
        """Give what is trusted, the oldest first; raises `ConfigurationError` or `OSError` where that cannot be read."""
        return self._file.read()

    def forget(self, id_prefix: str) -> tuple[TrustEntry, ...]:
        """Take trust back by the first digits of the id of the load at which it was given; raises like `entries`.

        Returns
        -------
        tuple
            What is not trusted any more.
        """
        commits = {entry.source for entry in self._file.read() if entry.id.startswith(id_prefix) and entry.scope is Scope.COMMIT}
        return self._drop(
            lambda entry: entry.id.startswith(id_prefix) or (entry.scope is Scope.COMMIT and entry.source in commits)
        )

    def forget_load(self, record: HistoryRecord) -> tuple[TrustEntry, ...]:
        """Take back what lets a load pass, or would; raises like `entries`."""
        artifact = record.artifact
        if artifact is None or not artifact.digest:
            return ()
        return self._drop(
            lambda entry: (
                entry.source == artifact.source or bool(unchanged((entry,), record))
                if entry.scope is Scope.COMMIT
                else entry.digest == artifact.digest
            )
        )

    def went_beyond(self, record_id: str) -> bool:
        """End the trust by which a load passed that reached for more than it was trusted with; False if it did not pass by trust."""
        entry = self._passed.pop(record_id, None)
        if entry is None:
            return False
        try:
            self.forget(entry)
        except (ConfigurationError, OSError) as error:
            self._warn(error)
        return True

    def ended(self, record_id: str) -> None:
        """Let go of a load that has ended."""
        self._passed.pop(record_id, None)

    def _compared(self, record: HistoryRecord, entries: tuple[TrustEntry, ...], offers: tuple[Offer, ...]) -> Standing:
        """Say what was trusted before that this load nearly is."""
        entry = nearest(record, entries)
        if entry is None:
            return Standing(None, offers)
        label, note = note_of(record, entry)
        different = changes(entry, record) if label == CHANGED else ()
        before = [(change.before, self._code.read(change.before)) for change in different if change.before]
        kept = tuple((digest, content) for digest, content in before if content is not None)
        return Standing(
            None, offers, ((label, note),), f"{entry.by} trusted it on {day_of(entry)}{moved(entry, record)}", different, kept
        )

    def _drop(self, matches: Callable[[TrustEntry], bool]) -> tuple[TrustEntry, ...]:
        dropped: list[TrustEntry] = []

        def without(entries: tuple[TrustEntry, ...]) -> tuple[TrustEntry, ...]:
            dropped.extend(entry for entry in entries if matches(entry))
            return tuple(entry for entry in entries if not matches(entry))

        if self._file.read():
            left = self._file.change(without)
            self._code.forget_all_but(digest for entry in left for _, digest in entry.files)
        return tuple(dropped)

    def _warn(self, error: Exception) -> None:
        """Say once what keeps trust from working; the load is asked about all the same."""
        said = _sentence(error)
        if said not in self._warned:
            self._warned.add(said)
            _LOG.warning("%s", said)


def _offers(record: HistoryRecord, refused: str = "") -> tuple[Offer, ...]:
    """Say which scopes beyond once a person may choose; none is even shown for what runs a command."""
    if record.level not in {RiskLevel.RUNS_CODE, RiskLevel.UNINSPECTED} or record.artifact is None:
        return ()
    why = refused or against_trust(record)
    return Offer(Scope.DIGEST, why or against_files(record)), Offer(Scope.COMMIT, why or against_commit(record))


def _same(known: TrustEntry, entry: TrustEntry) -> bool:
    """Whether a new entry stands for an older one."""
    if known.scope is not entry.scope or known.loader != entry.loader or known.files != entry.files:
        return False
    return (known.source if entry.scope is Scope.COMMIT else known.digest) == (
        entry.source if entry.scope is Scope.COMMIT else entry.digest
    ) and (known.content, known.functions) == (entry.content, entry.functions)


def _sentence(error: Exception) -> str:
    if isinstance(error, ConfigurationError):
        return str(error)
    return f"What is trusted cannot be read or written ({error})."
