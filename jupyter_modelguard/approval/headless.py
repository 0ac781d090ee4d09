"""Where nobody can answer, the answer is no.

Batch runs (nbclient, nbconvert, papermill), plain Python processes, forked children and `MODELGUARD_HEADLESS` come here. What
is allowed without asking was settled before: by proof, or by an approval of the same artifact.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from jupyter_modelguard.types import Decision

if TYPE_CHECKING:
    from jupyter_modelguard.approval.view import CardView
    from jupyter_modelguard.types import HistoryRecord

__all__ = ["HeadlessTransport"]


class HeadlessTransport:
    """Keep every load that asks blocked.

    Parameters
    ----------
    why
        Why nobody can answer, as half a sentence: "the front end takes no input".
    """

    name = "headless"

    def __init__(self, why: str) -> None:
        self.why = why

    def ask(self, record: HistoryRecord, view: CardView) -> Decision:  # noqa: ARG002 the same for all
        """Say no at once."""
        return Decision(allow=False, by="headless", transport=self.name, reason=self.why, at=time.time())
