"""What one person on this machine trusts, and what that means for a load that would be asked about.

A load is trusted when an entry covers it whole: the same loader, the same bytes (all of them, not only those that can carry code), the
same functions from the same places; or code files of a repository at a commit, each of them trusted there. Whatever is different asks
again, and says what is.

Not everything can be trusted for longer than one load. What runs a command never is; neither is what was not looked at whole, what
reads more than the bytes in hand, or what names a function of a file that can change without them.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.policy.trust_entry import commit_of, covers_commit, covers_file, difference, entry_of
from jupyter_modelguard.policy.trust_file import TrustFile
from jupyter_modelguard.types import Decision, Judgement, RiskLevel, Scope

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jupyter_modelguard.policy.trust_entry import TrustEntry
    from jupyter_modelguard.types import HistoryRecord, QualifiedName

__all__ = ["ONLY_ONCE", "Offer", "Standing", "Trust", "against_trust"]

_LOG = logging.getLogger(__name__)
_OPEN = frozenset({Judgement.UNKNOWN, Judgement.INSPECT})
_CHANGED = "Changed"
_OTHER_CONTENT = "its content is different"
_CHANGING = ("a file ", "not found", "this notebook")  # how origins begin that lead to no installed library


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
    """

    decision: Decision | None = None
    offers: tuple[Offer, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()

    @property
    def changed(self) -> bool:
        """Whether this is not what was trusted any more."""
        return any(label == _CHANGED for label, _ in self.notes)

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
            entry, notes = self._match(record, entries, Standing(offers=offers), hold)
        except Exception:  # noqa: BLE001 a fault of ours has it asked about
            _LOG.exception("Whether %s is trusted could not be found out", record.id)
            return ONLY_ONCE
        if entry is None:
            return Standing(None, offers, notes)
        self._passed[record.id] = entry.id
        return Standing(Decision(True, entry.by, "trust", entry.reason, entry.scope, entry.at), offers)  # noqa: FBT003 as everywhere

    def keep(self, record: HistoryRecord, decision: Decision, hold: Callable[[], str]) -> bool:
        """Trust what was allowed for longer than once; False, with a warning, where that cannot be kept."""
        try:
            content = hold() if decision.scope is Scope.DIGEST and not (record.artifact and record.artifact.files) else ""
            entry = entry_of(record, decision, content)
            if not (entry.content or entry.files):
                raise OSError("its bytes could not be kept still while they were read")  # noqa: TRY301 the same end for all
            self._file.change(lambda entries: (*(known for known in entries if not _same(known, entry)), entry))
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
            lambda entry: entry.source == artifact.source if entry.scope is Scope.COMMIT else entry.digest == artifact.digest
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

    def _match(
        self, record: HistoryRecord, entries: tuple[TrustEntry, ...], standing: Standing, hold: Callable[[], str]
    ) -> tuple[TrustEntry | None, tuple[tuple[str, str], ...]]:
        if standing.offered(Scope.COMMIT) and (entry := covers_commit(entries, record)) is not None:
            return entry, ()
        covering = [entry for entry in entries if covers_file(entry, record)] if standing.offered(Scope.DIGEST) else []
        if covering:
            content = "" if record.artifact is not None and record.artifact.files else _held(hold)
            for entry in reversed(covering):
                if entry.content == content:
                    return entry, ()
        return None, _notes(record, entries)

    def _drop(self, matches: Callable[[TrustEntry], bool]) -> tuple[TrustEntry, ...]:
        dropped: list[TrustEntry] = []

        def without(entries: tuple[TrustEntry, ...]) -> tuple[TrustEntry, ...]:
            dropped.extend(entry for entry in entries if matches(entry))
            return tuple(entry for entry in entries if not matches(entry))

        if self._file.read():
            self._file.change(without)
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
    return Offer(Scope.DIGEST, why), Offer(Scope.COMMIT, why or _against_commit(record))


def against_trust(record: HistoryRecord, bound: frozenset[QualifiedName] = frozenset()) -> str:
    """Say why a load cannot be trusted for longer than once; empty if it can.

    Parameters
    ----------
    record
        The load.
    bound
        Functions whose own code is compared as well, so that it does not matter that they can change.
    """
    artifact, report = record.artifact, record.report
    if (
        artifact is None
        or report is None
        or not artifact.digest
        or report.coverage.missed
        or record.level is RiskLevel.UNINSPECTED
    ):
        return "Part of it was not checked."
    if not artifact.alone:
        return "This kind of load may read more than was looked at, so it is asked about each time."
    for use in report.globals:
        changing = not use.origin or use.origin.startswith(_CHANGING)
        if use.judgement in _OPEN and changing and use.name not in bound:
            found = use.origin and not use.origin.startswith("not found")
            return f"{use.name} comes from {use.origin}, which can change." if found else f"{use.name} was not found here."
    return ""


def _against_commit(record: HistoryRecord) -> str:
    artifact = record.artifact
    if artifact is None or artifact.format != "python-code" or not artifact.source.startswith("hf:"):
        return "Only for the code of a repository on a hub."
    if commit_of(artifact.source) is None:
        return "It was asked for without a full commit id, and a branch or tag can move. Name the commit: revision=…"
    return ""


def _notes(record: HistoryRecord, entries: tuple[TrustEntry, ...]) -> tuple[tuple[str, str], ...]:
    """Say what was trusted before that this load nearly is."""
    artifact = record.artifact
    if artifact is None:
        return ()
    origin = artifact.source.partition("@")[0] if artifact.source.startswith("hf:") else artifact.source
    for entry in reversed(entries):
        if entry.digest == artifact.digest or (not origin.startswith("<") and entry.source.partition("@")[0] == origin):
            day = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.at))
            if entry.digest == artifact.digest and entry.loader != record.request.loader:
                return (("Trusted", f"by {entry.by} on {day} · {difference(entry, record)}"),)
            return ((_CHANGED, f"since {entry.by} trusted it on {day} · {difference(entry, record) or _OTHER_CONTENT}"),)
    return ()


def _same(known: TrustEntry, entry: TrustEntry) -> bool:
    """Whether a new entry stands for an older one."""
    if known.scope is not entry.scope or known.loader != entry.loader or known.files != entry.files:
        return False
    return (known.source if entry.scope is Scope.COMMIT else known.digest) == (
        entry.source if entry.scope is Scope.COMMIT else entry.digest
    ) and (known.content, known.functions) == (entry.content, entry.functions)


def _held(hold: Callable[[], str]) -> str:
    try:
        return hold() or "nothing"
    except OSError:
        _LOG.warning("The bytes of a load could not be kept still, so it is asked about.", exc_info=True)
        return "nothing"


def _sentence(error: Exception) -> str:
    if isinstance(error, ConfigurationError):
        return str(error)
    return f"What is trusted cannot be read or written ({error})."
