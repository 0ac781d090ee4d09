"""Trust in a repository's code at one commit, and the very same files at another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from jupyter_modelguard.errors import HistoryError
from jupyter_modelguard.policy.covering import against_files
from jupyter_modelguard.policy.trust_entry import repository_of
from jupyter_modelguard.stages.earlier import goes_by

if TYPE_CHECKING:
    from jupyter_modelguard.history.journal import Journal
    from jupyter_modelguard.policy.trust import Trust
    from jupyter_modelguard.policy.trust_entry import TrustEntry
    from jupyter_modelguard.stages.earlier import Look
    from jupyter_modelguard.types import Decision

__all__ = ["UnchangedStep"]


class UnchangedStep:
    """Lets unchanged code pass, while nothing speaks against it.

    Code that runs what other files hold is not the same because its own files are: another commit may have other ones.
    The history allows nothing here, it only keeps this way closed: where it cannot be used, where it does not know of the trust, and
    where anything of the repository was kept blocked after it was trusted, a person is asked.

    Parameters
    ----------
    trust
        What this person trusts.
    journal
        Knows what was kept blocked.
    """

    def __init__(self, trust: Trust, journal: Journal) -> None:
        self._trust = trust
        self._journal = journal

    def __call__(self, look: Look) -> Decision | None:
        """Decide as this person did about these files, unless the environment says to go by no person."""
        artifact = look.record.artifact
        if goes_by() is not None or artifact is None or not artifact.files:
            return None
        entry = self._trust.unchanged(look.record)
        if entry is None:
            return None
        why = against_files(look.record) or self._doubts(entry, repository_of(artifact.source))
        if not why:
            return self._trust.passed(look.record.id, entry)
        look.standing = replace(look.standing, notes=(*look.standing.notes, ("Asked again", why)))
        return None

    def _doubts(self, entry: TrustEntry, repository: str) -> str:
        try:
            doubted = self._journal.blocked_since(repository, entry.id, entry.at)
        except HistoryError:
            return "the history cannot tell whether anything of this repository was kept blocked since it was trusted"
        return "something of this repository was kept blocked since it was trusted" if doubted else ""
