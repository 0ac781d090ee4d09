"""What others reported and did about the issue that a finding belongs to.

Names and counts are those of the taxonomy in arXiv 2512.23385, from 753 sampled posts of developers on Hugging Face and GitHub. A count is
of posts; that a solution was named in a post does not say that it worked.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Issue", "issue_of", "sentence_of"]

_FILE = Path(__file__).with_name("taxonomy.json")
_MOST_SOLUTIONS: Final = 3  # that are told


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue of the taxonomy.

    Attributes
    ----------
    id
        "I02".
    name, theme
        As the taxonomy calls them.
    posts
        How many of the sampled posts report it.
    without
        In how many of those nobody named a solution.
    solutions
        The most frequent ones with the number of posts, the most frequent first.
    """

    id: str
    name: str
    theme: str
    posts: int
    without: int
    solutions: tuple[tuple[str, int], ...]


@functools.cache
def _issues() -> Mapping[str, Issue]:
    written = json.loads(_FILE.read_text(encoding="utf-8"))
    names = {one["id"]: one["name"] for one in written["solutions"]}
    return {
        one["id"]: Issue(
            one["id"],
            one["name"],
            one["theme"],
            one["total"],
            one["posts_without_solution"],
            tuple((names[solution], count) for solution, count in one["top_solutions"]),
        )
        for one in written["issues"]
    }


def issue_of(taxonomy: str | None) -> Issue | None:
    """Give the issue of that id; None where there is none."""
    return _issues().get(taxonomy or "")


def sentence_of(taxonomy: str | None) -> str:
    """Say in one sentence what others did about an issue; nothing where there is none."""
    issue = issue_of(taxonomy)
    if issue is None:
        return ""
    named = ", ".join(f"{name.lower()} ({count})" for name, count in issue.solutions[:_MOST_SOLUTIONS])
    return f"Of {issue.posts} reports of this kind {issue.without} name no solution; others did: {named}."
