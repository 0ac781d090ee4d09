"""What is trusted, in a sentence, and taking it back: for `%modelguard` and for `modelguard forget`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_modelguard.approval.text import as_plain
from jupyter_modelguard.errors import ConfigurationError, HistoryError
from jupyter_modelguard.history.rows import digits_of

if TYPE_CHECKING:
    from jupyter_modelguard.history.store import Store
    from jupyter_modelguard.policy.trust import Trust
    from jupyter_modelguard.policy.trust_entry import TrustEntry
    from jupyter_modelguard.stages.born_here import BornHere

__all__ = ["forget", "remembered", "said_of_trust"]


def remembered(trust: Trust, born: BornHere | None) -> tuple[TrustEntry, ...]:
    """List what loads without a question: what a person decided, then what their kernels saved; raises like `Trust.entries`."""
    return (*trust.entries(), *(born.entries() if born is not None else ()))


def said_of_trust(trust: Trust | None) -> str:
    """Say how much is trusted for longer than one load."""
    if trust is None:
        return "nothing"
    try:
        number = len(trust.entries())
    except (ConfigurationError, OSError) as error:
        return f"nothing: {error}"
    return f"{number:,} decision{'s' * (number != 1)}, see %modelguard forget" if number else "nothing"


def forget(trust: Trust, store: Store, id_prefix: str, born: BornHere | None = None) -> str:
    """Take trust back by the id of the decision, or of a load that it let pass, and forget what was saved here; say what came of it.

    Raises
    ------
    HistoryError
        No such load is known, or several decisions begin like this.
    ConfigurationError, OSError
        What is trusted cannot be read or written.
    """
    digits = digits_of(id_prefix)
    matches = {entry.id for entry in remembered(trust, born) if entry.id.startswith(digits)}
    if len(matches) > 1:
        raise HistoryError(f"{len(matches)} decisions begin with #{digits}; give more digits.")
    record = None if matches else store.find(digits)
    gone: tuple[TrustEntry, ...] = ()
    memories: list[Trust | BornHere] = [trust, born] if born is not None else [trust]
    for memory in memories:
        gone += memory.forget_load(record) if record is not None else memory.forget(min(matches))
    if not gone:
        return f"#{digits} is not trusted for longer than one load; nothing changes."
    names = ", ".join(dict.fromkeys(as_plain(entry.name) for entry in gone))
    return f"Not trusted any more, the next load asks: {names}"
