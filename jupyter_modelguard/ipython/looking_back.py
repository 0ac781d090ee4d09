"""`%modelguard history` and `%modelguard export`: what to look for in the history, and where to write it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.types import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_modelguard.history.store import Store

__all__ = ["LookedFor", "export_history", "looked_for"]

_OUTCOMES = {outcome.value: outcome for outcome in Outcome}


@dataclass(frozen=True, slots=True)
class LookedFor:
    """Which lines of the history."""

    limit: int
    outcome: Outcome | None = None
    since: float = 0.0  # seconds since the epoch


def looked_for(words: Sequence[str], limit: int) -> LookedFor:
    """Read a number of lines, a period (7d) and how loads ended (blocked), in any order.

    Raises
    ------
    ConfigurationError
        A word is none of these.
    """
    from jupyter_modelguard.ipython.stats import since

    outcome, begin = None, 0.0
    for word in words:
        if word.isascii() and word.isdigit() and int(word):
            limit = int(word)
        elif word in _OUTCOMES:
            outcome = _OUTCOMES[word]
        else:
            try:
                begin = since(word)
            except ConfigurationError:
                known = ", ".join(_OUTCOMES)
                raise ConfigurationError(f"{word!r} is no number of lines, no period such as 7d, and none of {known}.") from None
    return LookedFor(limit, outcome, begin)


def export_history(store: Store, path: str, *, names: bool = True) -> str:
    """Write the whole history to a new file, in the format that its name ends in, and say so.

    Parameters
    ----------
    store, path
        The history, and the file.
    names
        Whether files, notebooks and persons are named.

    Raises
    ------
    ConfigurationError
        The name ends in no such format, what the format takes is not installed, or there is such a file already.
    OSError
        It cannot be written.
    """
    from jupyter_modelguard.exports.history import export, format_of

    name = format_of(path)
    if name is None:
        raise ConfigurationError(f"{path} ends in no format. Name it .json, .csv, .sarif or .cdx.json.")
    records = store.history(sys.maxsize)
    if not names:
        from jupyter_modelguard.exports.pseudonyms import without_names

        records = without_names(records)
    text = export(records, name)
    try:
        with Path(path).open("x", encoding="utf-8", newline="") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigurationError(f"{path} is there already. Choose another name, or take it away first.") from None
    return f"{len(records):,} line{'s' * (len(records) != 1)} of the history written to {path}."
