"""Code files that a load takes from other repositories than the one that the person named."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from jupyter_modelguard.policy.findings import finding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_modelguard.types import CodeFile, Finding

__all__ = ["elsewhere"]


def elsewhere(whole: str, files: Iterable[CodeFile]) -> list[Finding]:
    """Say which other repositories, or versions, files come from, and whether what they hold can change before the next load.

    Parameters
    ----------
    whole
        Where the load's code comes from.
    files
        All of it.
    """
    return [
        finding("remote-code-elsewhere", _said(whole, origin, count), origin)
        for origin, count in Counter(file.origin for file in files if file.origin).items()
    ]


def _said(whole: str, origin: str, count: int) -> str:
    repository, _, commit = origin.removeprefix("hf:").partition("@")
    own = whole.removeprefix("hf:").partition("@")[0] == repository
    other = f"another version of {repository}" if own else f"another repository, {repository}"
    start = f"{count} of the files come{'s' * (count == 1)} from {other}"
    return (
        f"{start}, at commit {commit[:7]}" if commit else f"{start}, as its default branch is at the moment: no commit is named"
    )
