"""What is trusted, in a sentence, and taking it back: for `%modelguard` and for `modelguard forget`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_modelguard.approval.text import as_plain
from jupyter_modelguard.errors import ConfigurationError, HistoryError
from jupyter_modelguard.history.rows import digits_of

if TYPE_CHECKING:
    from jupyter_modelguard.history.store import Store
    from jupyter_modelguard.policy.trust import Trust

__all__ = ["forget", "said_of_trust"]


def said_of_trust(trust: Trust | None) -> str:
    """Say how much is trusted for longer than one load."""
    if trust is None:
        return "nothing"
    try:
        number = len(trust.entries())
    except (ConfigurationError, OSError) as error:
        return f"nothing: {error}"
    return f"{number:,} decision{'s' * (number != 1)}, see %modelguard forget" if number else "nothing"


def forget(trust: Trust, store: Store, id_prefix: str) -> str:
    """Take trust back by the id of the decision, or of a load that it let pass; say what came of it.

    Raises
    ------
    HistoryError
        No such load is known, or several decisions begin like this.
    ConfigurationError, OSError
        What is trusted cannot be read or written.
    """
    digits = digits_of(id_prefix)
    matches = {entry.id for entry in trust.entries() if entry.id.startswith(digits)}
    if len(matches) > 1:
        raise HistoryError(f"{len(matches)} decisions begin with #{digits}; give more digits.")
    gone = trust.forget(matches.pop()) if matches else trust.forget_load(store.find(digits))
    if not gone:
        return f"#{digits} is not trusted for longer than one load; nothing changes."
    names = ", ".join(dict.fromkeys(as_plain(entry.name) for entry in gone))
    return f"Not trusted any more, the next load asks: {names}"
