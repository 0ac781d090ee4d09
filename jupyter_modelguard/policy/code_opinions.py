"""What the tests of other analysers are about: a table that gives each a kind, and each kind a rule of `findings.toml`."""

from __future__ import annotations

import functools
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Kind", "kind_of", "kind_of_weakness", "kinds", "not_shown"]

_FILE: Final = Path(__file__).with_name("code_opinions.toml")
_OTHER: Final = "opinion-other"
_TEST: Final = re.compile(r"[BS](?P<number>\d{3})")  # of Bandit, or of ruff and flake8-bandit, which number theirs alike


@dataclass(frozen=True, slots=True)
class Kind:
    """What some tests of other analysers are about.

    Attributes
    ----------
    rule
        Its row in `findings.toml`.
    says
        What is said of a line, to follow "the line": "runs a text as Python".
    cwe
        Numbers by which analysers call the weakness.
    bandit
        Tests of Bandit.
    place
        In the order in which opinions of equal severity are listed.
    """

    rule: str
    says: str
    cwe: tuple[int, ...] = ()
    bandit: tuple[str, ...] = ()
    place: int = 0


def kinds() -> tuple[Kind, ...]:
    """Give every kind, what runs code first."""
    return tuple(_tables()[0].values())


def not_shown() -> frozenset[str]:
    """Give the tests of Bandit that speak of most honest code and are left out."""
    return _tables()[1]


def kind_of(rule: str, test: str = "", weaknesses: Iterable[int] = ()) -> Kind:
    """Find the kind of what an analyser says: by the rule it names if that is one of ours, by Bandit's test, by a weakness."""
    by_rule, _, by_test, by_weakness = _tables()
    if rule in by_rule:
        return by_rule[rule]
    numbered = _TEST.fullmatch(test)
    if numbered is not None and (kind := by_test.get(f"B{numbered['number']}")) is not None:
        return kind
    found = [by_weakness[one] for one in weaknesses if one in by_weakness]
    return min(found, key=lambda kind: kind.place, default=by_rule[_OTHER])


def kind_of_weakness(weakness: int | None) -> Kind | None:
    """Find the kind that a weakness belongs to; None where that says nothing."""
    return None if weakness is None else _tables()[3].get(weakness)


@functools.cache
def _tables() -> tuple[dict[str, Kind], frozenset[str], dict[str, Kind], dict[int, Kind]]:
    written = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    found = [
        Kind(row["rule"], row["says"], tuple(row.get("cwe", ())), tuple(row.get("bandit", ())), place)
        for place, row in enumerate(written["kind"])
    ]
    return (
        {kind.rule: kind for kind in found},
        frozenset(written["not_shown"]),
        {test: kind for kind in found for test in kind.bandit},
        {number: kind for kind in found for number in kind.cwe},
    )
