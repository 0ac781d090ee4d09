"""`%modelguard stats` and `modelguard stats`: how often the guard asked, about what, and what came of it."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.ipython.sheet import Sheet

if TYPE_CHECKING:
    from jupyter_modelguard.history.statistics import Asked, Statistics

__all__ = ["DEFAULT_PERIOD", "since", "stats_table"]

DEFAULT_PERIOD = "30d"
"""What is counted when no period is named."""

_UNITS = {"h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_MOST = 10  # rules, and functions
_LONG = 120.0  # seconds; longer times are said in minutes


def since(period: str) -> float:
    """Give the beginning of a period that ends now, in seconds since the epoch; 0 for all that is known.

    Parameters
    ----------
    period
        A number of hours, days or weeks such as 24h, 7d or 4w, or "all".

    Raises
    ------
    ConfigurationError
        It is no such thing.
    """
    if period == "all":
        return 0.0
    found = re.fullmatch(r"([0-9]{1,5})([hdw])", period)
    if not found or not int(found[1]):
        raise ConfigurationError("A period is a number of hours, days or weeks, such as 24h, 7d or 4w, or all.")
    return time.time() - int(found[1]) * _UNITS[found[2]]


def stats_table(found: Statistics) -> Sheet:
    """Show the figures of a period."""
    begun = time.strftime("%Y-%m-%d %H:%M", time.localtime(found.since)) if found.since else ""
    title = f"Loads since {begun}" if begun else "Loads so far"
    if not found.loads and not found.cards:
        return Sheet(title, ("", ""), (), "Nothing was loaded.")
    rows = [
        ("loads", f"{found.loads:,}"),
        ("cards", f"{found.cards:,} · {found.cards_per_fifty:.2g} in 50 loads"),
        ("answers", f"{found.allowed:,} allowed · {found.denied:,} kept blocked · {_given_up(found):,} not decided"),
        ("time to decide", "" if found.seconds_to_decide is None else f"{_duration(found.seconds_to_decide)} in the middle"),
        ("born here", f"{found.born:,} loaded without a question"),
        ("trusted", f"{found.trusted:,} loaded without a question"),
        ("nobody asked", f"{found.refused:,} kept blocked"),
        *_lines("rule", found.rules),
        *_lines("function", found.functions),
    ]
    return Sheet(title, ("", ""), tuple(row for row in rows if row[1]), whole=1)


def _given_up(found: Statistics) -> int:
    return max(found.cards - found.allowed - found.denied, 0)


def _duration(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds < _LONG else f"{seconds / 60:.3g} min"


def _lines(label: str, asked: tuple[Asked, ...]) -> list[tuple[str, str]]:
    lines = [(label, f"{one.what} · asked {one.asked:,}, allowed {one.allowed:,}") for one in asked[:_MOST]]
    return [*lines, *([(label, f"{len(asked) - _MOST:,} more")] if len(asked) > _MOST else [])]
