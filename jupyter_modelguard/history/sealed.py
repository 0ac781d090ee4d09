"""Whose word an answer from the database is.

Whoever may write to the tables could write there that a load is allowed. So the process that decides seals its decision with the key of
this user's installation (`policy.installation`), together with what was decided about: the session, the load, its fingerprint and the
very card that was shown. The card's digest goes to the person with it and comes back with the answer, so that a card which was put in
its place while somebody looked, and taken away again before they answered, is found out. The kernel that waits seals what it had put up
itself and what came back in the same way, and an answer that lets a load go on counts only when both are equal. A denial
needs no seal: whoever could write one could as well hold the load back by taking the database away.
"""

from __future__ import annotations

import hmac
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_modelguard import config
from jupyter_modelguard.errors import ConfigurationError, HistoryError
from jupyter_modelguard.history.rows import plain_decision
from jupyter_modelguard.history.shown import canonical, digest_of_card
from jupyter_modelguard.policy.installation import seal
from jupyter_modelguard.policy.trust_folder import check_folder

if TYPE_CHECKING:
    from jupyter_modelguard.types import Decision

__all__ = ["Question"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked, as far as an answer to it is bound to it.

    Attributes
    ----------
    session, id
        The load.
    fingerprint
        See `pending.fingerprint`.
    view
        Digest of the card, see `shown`.
    """

    session: str
    id: str
    fingerprint: str
    view: str

    @classmethod
    def of(cls, session: str, identity: str, fingerprint: str, view: dict[str, Any]) -> Question:
        """Make one from the card as plain values."""
        return cls(session, identity, fingerprint, digest_of_card(view))

    def seal(self, decision: Decision) -> str:
        """Seal an answer.

        Raises
        ------
        HistoryError
            This user's installation has no key and can make none.
        """
        try:
            return self._seal(decision)
        except (ConfigurationError, OSError) as error:
            raise HistoryError(f"This decision cannot be sealed, and would not count: {error}") from error

    def sound(self, decision: Decision, sealed: str) -> bool:
        """Whether an answer counts; one that does not is logged."""
        if not decision.allow:
            return True
        try:
            if hmac.compare_digest(self._seal(decision).encode(), sealed.encode("utf-8", "replace")):
                return True
        except (ConfigurationError, OSError) as error:
            _LOG.warning("The approval of load #%s in the history cannot be checked and does not count: %s", self.id, error)
            return False
        _LOG.warning(
            "The approval of load #%s in the history was not given by this user on this machine and does not count.", self.id
        )
        return False

    def _seal(self, decision: Decision) -> str:
        folder = config.default_home()
        check_folder(folder, create=True)
        return seal(folder, canonical(["approval", self.session, self.id, self.fingerprint, self.view, plain_decision(decision)]))
