"""Where nobody can answer, the answer is no.

Batch runs (nbclient, nbconvert, papermill), plain Python processes, forked children and `MODELGUARD_HEADLESS` come here. What is allowed
without asking was settled before: by proof, or by an approval of the same artifact.
"""

from __future__ import annotations

import time

from jupyter_modelguard.types import Decision

__all__ = ["keep_blocked"]


def keep_blocked(why: str) -> Decision:
    """Decide without a person.

    Parameters
    ----------
    why
        Why nobody can answer, as half a sentence: "the front end takes no input".
    """
    return Decision(allow=False, by="headless", transport="headless", reason=why, at=time.time())
