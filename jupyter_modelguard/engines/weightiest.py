"""The findings that a report tells where there are too many: none that weighs more is left out for one that weighs less."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jupyter_modelguard.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_modelguard.types import Finding

__all__ = ["weightiest"]

_MOST: Final = 50
_ORDER: Final = list(Severity)


def weightiest(findings: Iterable[Finding], most: int = _MOST) -> tuple[Finding, ...]:
    """Give each finding once, the weightiest first, and `most` of them at the most."""
    once = dict.fromkeys(findings)
    return tuple(sorted(once, key=lambda one: -_ORDER.index(one.severity))[:most])
