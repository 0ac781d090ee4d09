"""What a request asks for, read from its address: bounded, and refused with a sentence where it is not understood.

A name that nobody reads would be a filter that silently filters nothing, so it is refused too.
"""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from jupyter_modelguard.history.search import Search
from jupyter_modelguard.server.refusal import RefusedError
from jupyter_modelguard.types import Outcome, RiskLevel

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["FILTERS", "PAGE", "page", "search_of", "single", "understood"]

FILTERS: Final = frozenset({"text", "level", "outcome", "notebook", "since"})
PAGE: Final = frozenset({"limit", "offset"})

_JUPYTERS = frozenset({"token", "_xsrf", "no_track_activity"})
_LONGEST = {"text": 200, "notebook": 1_000}  # characters
_LIMIT, _MOST, _FARTHEST = 100, 500, 1_000_000_000

Arguments: TypeAlias = "Mapping[str, Sequence[str]]"
Kind = TypeVar("Kind", RiskLevel, Outcome)


def understood(arguments: Arguments, names: Iterable[str]) -> None:
    """Refuse an address with names that mean nothing here; a bare number is how JupyterLab keeps a browser from remembering answers."""
    strange = sorted(set(arguments) - set(names) - _JUPYTERS - {name for name in arguments if name.isascii() and name.isdigit()})
    if strange:
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"{strange[0][:50]!r} is none of {', '.join(sorted(names)) or 'nothing'}.")


def search_of(arguments: Arguments) -> Search:
    """Read what is looked for."""
    return Search(
        text=single(arguments, "text"),
        levels=tuple(_one_of(RiskLevel, "level", value) for value in dict.fromkeys(arguments.get("level", ())) if value),
        outcome=_one_of(Outcome, "outcome", chosen) if (chosen := single(arguments, "outcome")) else None,
        notebook=single(arguments, "notebook") if "notebook" in arguments else None,
        since=_since(single(arguments, "since")),
    )


def page(arguments: Arguments) -> tuple[int, int]:
    """Read how many lines are asked for, and after how many."""
    return _number(arguments, "limit", _LIMIT, 1, _MOST), _number(arguments, "offset", 0, 0, _FARTHEST)


def single(arguments: Arguments, name: str) -> str:
    """Read what may be said once; empty where it is not said."""
    values = arguments.get(name, ())
    longest = _LONGEST.get(name, 50)
    if len(values) > 1:
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"{name!r} is said more than once.", "Say it once.")
    value = values[0] if values else ""
    if len(value) > longest:
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"{name!r} is longer than {longest} characters.", "Shorten it.")
    return value


def _one_of(kind: type[Kind], name: str, value: str) -> Kind:
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(one.value for one in kind)
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"{name!r} is {value[:50]!r}.", f"It is one of: {known}.") from None


def _since(value: str) -> float:
    try:
        since = float(value or 0)
    except ValueError:
        since = -1.0
    if not math.isfinite(since) or since < 0:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "'since' is no time.", "Give seconds since the epoch.")
    return since


def _number(arguments: Arguments, name: str, default: int, least: int, most: int) -> int:
    value = single(arguments, name)
    number = int(value) if value.isascii() and value.isdigit() else -1
    if value and not least <= number <= most:
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"{name!r} is no number from {least} to {most}.", "Give one.")
    return number if value else default
