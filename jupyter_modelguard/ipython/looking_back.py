"""`%modelguard history` and `%modelguard export`: what to look for in the history, and where to write it."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.history.search import Search
from jupyter_modelguard.types import Outcome, RiskLevel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_modelguard.history.store import Store

__all__ = ["export_history", "looked_for"]

_OUTCOMES = {outcome.value: outcome for outcome in Outcome}
_LEVELS = {level.value: level for level in RiskLevel}
_TEXT = "like"  # what follows is looked for as it is


def looked_for(words: Sequence[str], limit: int) -> tuple[int, Search]:
    """Read a number of lines, a period (7d), how loads ended (blocked), what they could do (runs_code) and, last, a text (like resnet).

    Raises
    ------
    ConfigurationError
        A word is none of these.
    """
    from jupyter_modelguard.ipython.stats import since

    search = Search()
    for at, word in enumerate(words):
        if word == _TEXT and words[at + 1 :]:
            return limit, replace(search, text=" ".join(words[at + 1 :]))
        if word.isascii() and word.isdigit() and int(word):
            limit = int(word)
        elif word in _OUTCOMES:
            search = replace(search, outcome=_OUTCOMES[word])
        elif word in _LEVELS:
            search = replace(search, levels=(*search.levels, _LEVELS[word]))
        else:
            try:
                search = replace(search, since=since(word))
            except ConfigurationError:
                known = ", ".join((*_OUTCOMES, *_LEVELS))
                raise ConfigurationError(
                    f"{word!r} is no number of lines, no period such as 7d, and none of {known}. A text follows {_TEXT!r}, at the end."
                ) from None
    return limit, search


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
