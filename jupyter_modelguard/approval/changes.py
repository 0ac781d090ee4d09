"""What is different from the last approval: functions and files in rows, changed files line by line.

Only what was kept when it was approved can be compared line by line; of everything else the rows say that it changed.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from jupyter_modelguard.approval.view import ChangeRow, CodeListing, CodeRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jupyter_modelguard.policy.trust import Standing
    from jupyter_modelguard.types import Artifact

__all__ = ["change_rows", "compared"]

_MOST_CHANGES = 40
_MOST_FILES = 40  # that are compared line by line
_MOST_LINES = 400  # of one comparison
_MOST_SHOWN = 2_000  # lines of all comparisons
_MOST_COMPARED = 2_000  # lines of one file
_LONGEST = 400  # characters of one line
_CONTEXT = 2


def change_rows(standing: Standing) -> tuple[ChangeRow, ...]:
    """List what is new, gone or changed since it was approved."""
    rows = tuple(ChangeRow(change.mark, change.what, change.name, change.note) for change in standing.changes[:_MOST_CHANGES])
    more = len(standing.changes) - _MOST_CHANGES
    return (*rows, ChangeRow("±", "", f"{more:,} more differences")) if more > 0 else rows


def compared(artifact: Artifact, standing: Standing) -> tuple[CodeListing, ...]:
    """Compare the files that changed with what was approved, line by line."""
    before = dict(standing.before)
    now = {file.path: file.content for file in artifact.files}
    made: list[CodeListing] = []
    left = _MOST_SHOWN
    for change in standing.changes:
        if change.what != "file" or change.before not in before:
            continue
        if left <= 0 or len(made) >= _MOST_FILES:
            break  # every changed file has a row of its own; these are only not read line by line
        listing = _comparison(change.name, _lines(before[change.before]), _lines(now.get(change.name, b"")))
        left -= len(listing.rows)
        made.append(listing)
    return tuple(made)


def _comparison(path: str, before: Sequence[str], now: Sequence[str]) -> CodeListing:
    if len(before) > _MOST_COMPARED or len(now) > _MOST_COMPARED:
        return CodeListing(f"too long to compare: {len(before):,} lines then, {len(now):,} now", path, ())
    rows = list(_rows(before, now))
    added, gone = (sum(row.change == mark for row in rows) for mark in "+-")
    heading = f"+{added:,} -{gone:,}"
    if len(rows) > _MOST_LINES:
        heading += f" · first {_MOST_LINES:,} of {len(rows):,} lines"
    return CodeListing(heading, path, tuple(rows[:_MOST_LINES]))


def _rows(before: Sequence[str], now: Sequence[str]) -> Iterator[CodeRow]:
    matcher = difflib.SequenceMatcher(None, before, now)  # repeated lines are junk to it, so that no file takes long
    for group in matcher.get_grouped_opcodes(_CONTEXT):
        for tag, first, last, start, end in group:
            if tag == "equal":
                yield from (CodeRow(number + 1, now[number]) for number in range(start, end))
                continue
            yield from (CodeRow(number + 1, before[number], change="-") for number in range(first, last))
            yield from (CodeRow(number + 1, now[number], flagged=True, change="+") for number in range(start, end))


def _lines(content: bytes) -> list[str]:
    return [
        line if len(line) <= _LONGEST else f"{line[:_LONGEST]}… {len(line) - _LONGEST:,} more characters"
        for line in content.decode("utf-8", "replace").splitlines()
    ]
