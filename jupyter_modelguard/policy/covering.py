"""Which loads can be decided for longer than once, and the entry that decides one.

The one way of binding an earlier decision to a load: what a person trusts on this machine and what a lock file grants are both found here.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from jupyter_modelguard.policy.findings import finding_rules
from jupyter_modelguard.policy.trust_entry import commit_of, covers_commit, covers_file, covers_unchanged
from jupyter_modelguard.types import Judgement, RiskLevel, Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from jupyter_modelguard.policy.trust_entry import TrustEntry
    from jupyter_modelguard.types import HistoryRecord, QualifiedName

__all__ = ["against_commit", "against_files", "against_trust", "covering", "held", "lasting", "unchanged"]

_LOG = logging.getLogger(__name__)
_OPEN = frozenset({Judgement.UNKNOWN, Judgement.INSPECT})
_CHANGING = ("a file ", "not found", "this notebook")  # how origins begin that lead to no installed library


def covering(entries: Iterable[TrustEntry], record: HistoryRecord, hold: Callable[[], str]) -> TrustEntry | None:
    """Find the latest entry that covers a load whole.

    Parameters
    ----------
    entries
        What was decided, the oldest first.
    record
        The load.
    hold
        Keeps all bytes that it will read as they are, and gives their sha256; called only for a load that is covered but for its bytes.
    """
    if against_trust(record):
        return None
    known = tuple(entries)
    if not against_commit(record) and (entry := covers_commit(known, record)) is not None:
        return entry
    if against_files(record):
        return None
    alike = [entry for entry in known if covers_file(entry, record)]
    if alike:
        content = "" if record.artifact is not None and record.artifact.files else held(hold)
        for entry in reversed(alike):
            if entry.content == content:
                return entry
    return None


def unchanged(entries: Iterable[TrustEntry], record: HistoryRecord) -> TrustEntry | None:
    """Find what covers the code of a load by its bytes alone: every file was trusted in this repository, at another commit.

    What a person trusts moves on with the commit where nothing of the code did; a lock file is held to the commit that it names.
    """
    return None if against_trust(record) else covers_unchanged(entries, record)


def against_trust(record: HistoryRecord, bound: frozenset[QualifiedName] = frozenset()) -> str:
    """Say why a load cannot be decided for longer than once; empty if it can.

    Parameters
    ----------
    record
        The load.
    bound
        Functions whose own code is compared as well, so that it does not matter that they can change.
    """
    artifact, report = record.artifact, record.report
    if record.level is RiskLevel.DANGEROUS:
        return "A file that runs a command is asked about each time."
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


def against_commit(record: HistoryRecord) -> str:
    """Say why the code of a load cannot be decided for its whole commit; empty if it can."""
    artifact = record.artifact
    if artifact is None or artifact.format != "python-code" or not artifact.source.startswith("hf:"):
        return "Only for the code of a repository on a hub."
    if commit_of(artifact.source) is None:
        return "It was asked for without a full commit id, and a branch or tag can move. Name the commit: revision=…"
    return ""


def against_files(record: HistoryRecord) -> str:
    """Say why the files of a load's code do not settle what it runs, so that only the commit they are of can; empty if they do."""
    artifact, report = record.artifact, record.report
    if artifact is None or not artifact.files or report is None:
        return ""
    rules = finding_rules()
    beyond = next((one for one in report.findings if one.rule not in rules or rules[one.rule].beyond), None)
    return f"Its code can run what other files hold ({beyond.location}), and those may change." if beyond is not None else ""


def lasting(record: HistoryRecord) -> tuple[Scope, str]:
    """Give what a load can be bound to where it is decided for longer than once, and why it cannot be; empty if it can."""
    if against_commit(record):
        return Scope.DIGEST, against_trust(record) or against_files(record)
    return Scope.COMMIT, against_trust(record)


def held(hold: Callable[[], str]) -> str:
    """Give the sha256 of all bytes of a load; a word that is no digest where they cannot be kept still."""
    try:
        return hold() or "nothing"
    except OSError:
        _LOG.warning("The bytes of a load could not be kept still, so it is asked about.", exc_info=True)
        return "nothing"
