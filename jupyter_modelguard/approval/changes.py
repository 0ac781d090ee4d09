"""What is different from the last approval: functions and files in rows, changed files line by line.

Only what was kept when it was approved can be compared line by line; of everything else the rows say that it changed.
"""

from __future__ import annotations

import difflib
import itertools
from typing import TYPE_CHECKING

from jupyter_modelguard.approval.listings import counted, lines_of
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
_LARGEST = 1 << 20  # bytes of one file
_LONGEST = 400  # characters of one line
_BEFORE = 80  # of them, those before the first that differs
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
    changed = [change for change in standing.changes if change.what == "file" and change.before in before]
    made: list[CodeListing] = []
    left = _MOST_SHOWN
    for change in changed:
        if left <= 0 or len(made) >= _MOST_FILES:
            made.append(CodeListing(f"{counted(len(changed) - len(made), 'more changed file')}, not compared here", "", ()))
            break
        listing = _comparison(change.name, before[change.before], now.get(change.name, b""))
        left -= len(listing.rows)
        made.append(listing)
    return tuple(made)


def _comparison(path: str, before: bytes, now: bytes) -> CodeListing:
    if max(len(before), len(now)) > _LARGEST:
        return CodeListing(f"too large to compare: {len(before):,} bytes then, {len(now):,} now", path, ())
    then, there = lines_of(before), lines_of(now)
    if max(len(then), len(there)) > _MOST_COMPARED:
        return CodeListing(f"too long to compare: {len(then):,} lines then, {len(there):,} now", path, ())
    rows = list(_rows(then, there))
    added, gone = (sum(row.change == mark for row in rows) for mark in "+-")
    heading = f"+{added:,} -{gone:,}" if then != there else "the same lines, written down in other bytes"
    if len(rows) > _MOST_LINES:
        heading += f" · first {_MOST_LINES:,} of {len(rows):,} lines"
    return CodeListing(heading, path, tuple(rows[:_MOST_LINES]))


def _rows(before: Sequence[str], now: Sequence[str]) -> Iterator[CodeRow]:
    matcher = difflib.SequenceMatcher(None, before, now)  # repeated lines are junk to it, so that no file takes long
    for group in matcher.get_grouped_opcodes(_CONTEXT):
        for tag, first, last, start, end in group:
            if tag == "equal":
                yield from (CodeRow(number + 1, _cut(now[number], 0)) for number in range(start, end))
                continue
            gone, new = before[first:last], now[start:end]
            places = [_first_difference(*pair) for pair in itertools.zip_longest(gone, new, fillvalue="")]
            yield from (CodeRow(first + n + 1, _cut(line, places[n]), change="-") for n, line in enumerate(gone))
            yield from (CodeRow(start + n + 1, _cut(line, places[n]), flagged=True, change="+") for n, line in enumerate(new))


def _first_difference(one: str, other: str) -> int:
    return next((n for n, (left, right) in enumerate(zip(one, other, strict=False)) if left != right), min(len(one), len(other)))


def _cut(line: str, place: int) -> str:
    """Show of a long line what lies around the first place where it differs, so that nothing can be changed beyond its end."""
    start = max(place - _BEFORE, 0) if place > _LONGEST - _BEFORE else 0
    end = start + _LONGEST
    if len(line) <= _LONGEST:
        return line
    more = len(line) - end
    return f"{f'{start:,} characters …' if start else ''}{line[start:end]}{f'… {more:,} more characters' if more > 0 else ''}"
