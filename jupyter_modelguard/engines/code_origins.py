"""Code files that a load takes from other repositories than the one that the person named."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from jupyter_modelguard.policy.findings import finding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_modelguard.types import CodeFile, Finding

__all__ = ["elsewhere"]


def elsewhere(files: Iterable[CodeFile]) -> list[Finding]:
    """Say which other repositories files come from, and whether what they hold can change before the next load."""
    return [
        finding("remote-code-elsewhere", _said(origin, count), origin)
        for origin, count in Counter(file.origin for file in files if file.origin).items()
    ]


def _said(origin: str, count: int) -> str:
    repository, _, commit = origin.removeprefix("hf:").partition("@")
    start = f"{count} of the files come{'s' * (count == 1)} from another repository, {repository}"
    return (
        f"{start}, at commit {commit[:7]}" if commit else f"{start}, as its default branch is at the moment: no commit is named"
    )
