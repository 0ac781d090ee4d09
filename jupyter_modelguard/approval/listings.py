"""Code to read under *Show what it does*: what an engine wrote down, and a model's own files, with remarks at the lines that matter."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from jupyter_modelguard.approval.view import CodeListing, CodeRow
from jupyter_modelguard.types import Judgement

if TYPE_CHECKING:
    from jupyter_modelguard.types import Assessment, CodeFile, ScanReport

__all__ = ["MOST_ROWS", "code_listings", "counted", "flagged_lines", "lines_of", "listing_of", "noted"]

MOST_ROWS = 1_000
"""Lines of a listing, or opcodes, that a card carries."""

_MOST_NOTED = 100  # functions that are looked for in the lines
_LINE_ENDS = re.compile(r"\r\n|\r|\n")
_LONGEST_ROW = 400  # characters of a line of a listing
_MOST_FILES = 40
_LONGEST_NUMBER = 12  # digits of a line
_MOST_LINES = 6_000  # of all files of a model's own


def listing_of(heading: str, source: str, rows: tuple[tuple[int, str, bool], ...]) -> CodeListing:
    """Cut what an engine wrote down to what a card carries."""
    left = len(rows) - MOST_ROWS
    if left > 0:
        heading = f"{heading} · first {MOST_ROWS:,} of {len(rows):,} lines"
    return CodeListing(heading, source, tuple(CodeRow(number, _cut(text), flag) for number, text, flag in rows[:MOST_ROWS]))


def code_listings(files: tuple[CodeFile, ...], report: ScanReport) -> tuple[CodeListing, ...]:
    """Show a model's own files, with what was found at their lines; where they are too many, those with findings before the others."""
    flagged = flagged_lines(report)
    ordered = list(files) if len(files) <= _MOST_FILES else sorted(files, key=lambda file: not _lines_of(flagged, file))
    made: list[CodeListing] = []
    left = _MOST_LINES
    for file in ordered[:_MOST_FILES]:
        listing = _code_listing(file, _lines_of(flagged, file))
        if made and len(listing.rows) > left:
            break
        left -= len(listing.rows)
        made.append(listing)
    more = len(files) - len(made)
    return (*made, CodeListing(f"{counted(more, 'more file')}, too many for a card", "", ())) if more else tuple(made)


def _code_listing(file: CodeFile, flagged: dict[int, str]) -> CodeListing:
    lines = lines_of(file.content)
    heading = f"{len(flagged)} of {counted(len(lines), 'line')} flagged" if flagged else counted(len(lines), "line")
    listed = listing_of(heading, file.path, tuple((number, line, number in flagged) for number, line in enumerate(lines, 1)))
    return replace(listed, rows=tuple(replace(row, note=_sentence(flagged.get(row.number, ""))) for row in listed.rows))


def noted(listing: CodeListing, assessment: Assessment) -> CodeListing:
    """Say below the first line that uses each function what is known of it."""
    uses = {use.name.name: (number, use) for number, use in enumerate(assessment.unknown[:_MOST_NOTED], 1)}
    rows = []
    for row in listing.rows:
        said = []
        if row.flagged and not row.text.startswith(("from ", "import ")):
            for name in [name for name in uses if re.search(rf"\b{re.escape(name)}\b", row.text)]:
                number, use = uses.pop(name)
                what = "Dangerous" if use.judgement is Judgement.DANGEROUS else "Unknown"
                said.append(f"{what} function {number} of {len(assessment.unknown)}{f': {use.reason}' if use.reason else ''}.")
        rows.append(replace(row, note=" ".join(said)) if said else row)
    return replace(listing, rows=tuple(rows))


def flagged_lines(report: ScanReport) -> dict[str, dict[int, str]]:
    """Find the flagged lines of each file, from findings located as "modeling.py:12"."""
    lines: dict[str, dict[int, str]] = {}
    for finding in report.findings:
        file, colon, number = finding.location.rpartition(":")
        if colon and number.isdecimal() and len(number) < _LONGEST_NUMBER:
            lines.setdefault(file, {}).setdefault(int(number), finding.title)
    return lines


def _lines_of(flagged: dict[str, dict[int, str]], file: CodeFile) -> dict[int, str]:
    return {**flagged.get(PurePath(file.path).name, {}), **flagged.get(file.path, {})}


def lines_of(content: bytes) -> list[str]:
    """Split code into lines as Python counts them: no form feed or Unicode separator in it moves a remark to another line."""
    lines = _LINE_ENDS.split(content.decode("utf-8", "replace"))
    return lines if lines[-1] else lines[:-1]


def counted(number: int, what: str) -> str:
    """Say how many of something there are."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _cut(text: str) -> str:
    left = len(text) - _LONGEST_ROW
    return text if left <= 0 else f"{text[:_LONGEST_ROW]}… {left:,} more characters"


def _sentence(title: str) -> str:
    return f"{title[:1].upper() if ':' not in title else title[:1]}{title[1:].rstrip('.')}." if title else ""
