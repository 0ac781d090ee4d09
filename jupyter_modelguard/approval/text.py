"""Text that others wrote, shown so that it cannot lie about itself.

Names, code and strings of a file may hold characters that have no ink, turn what stands beside them around, or move a terminal's
cursor. Each becomes an escape that names it. Long runs of spaces are counted, long names are cut in the middle. The card in the
browser follows the same rules; here they serve the terminal, the text conversation and the saved notebook.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["LONG", "Piece", "as_html", "as_plain", "as_rich", "pieces"]

LONG = 64  # names longer than this many characters are cut in the middle
_HEAD, _TAIL = 40, 20
_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}
_BOX = "⟦⟧"  # around what we say inside a stranger's text; drawn by nobody else, because it is escaped in theirs
_STACK = 2  # combining marks in a row that an honest name may need
_LATIN = 0xFF
_PLANE = 0xFFFF
# characters that take no ink though their category does not say so (Default_Ignorable_Code_Point, and the empty Braille pattern)
_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]")
_SPACES = re.compile(r" {9,}")


class Piece(NamedTuple):
    """A stretch of text, and whether it is ours: an escape or a count instead of what stood there."""

    text: str
    boxed: bool


def pieces(value: str, *, name: bool = False, code: bool = False, limit: int | None = None) -> list[Piece]:
    """Split a stranger's text into what is shown as it is and what is spelled out.

    Parameters
    ----------
    value
        The text.
    name
        It names a global: every character beyond ASCII is spelled out, because lookalikes are the oldest trick.
    code
        It is a line of code: tabs and indentation stay.
    limit
        Most characters to show; None shows all.
    """
    if limit is not None and len(value) > limit:
        return [
            *pieces(value[:_HEAD], name=name, code=code),
            Piece(f"… {len(value) - _HEAD - _TAIL:,} more …", boxed=True),
            *pieces(value[-_TAIL:], name=name, code=code),
        ]
    made: list[Piece] = []
    run, stacked = "", 0
    for character in value:
        stacked = stacked + 1 if unicodedata.category(character)[0] == "M" else 0
        if _plain(character, name=name, code=code) and stacked <= _STACK:
            run += character
            continue
        made += _counted(run, indented=code and not made)
        made.append(Piece(_escaped(character), boxed=True))
        run = ""
    return made + _counted(run, indented=code and not made)


def as_plain(value: str, *, name: bool = False, code: bool = False, limit: int | None = LONG) -> str:
    """One line of plain text; remarks of ours stand in ⟦⟧."""
    return "".join(
        f"{_BOX[0]}{text}{_BOX[1]}" if boxed and not text.startswith("\\") else text
        for text, boxed in pieces(value, name=name, code=code, limit=limit)
    )


def as_html(value: str, *, name: bool = False, code: bool = False, limit: int | None = LONG) -> str:
    """HTML without markup of the stranger's; isolated from the direction of the text around it."""
    inner = "".join(
        f'<span class="mg-esc">{html.escape(text)}</span>' if boxed else html.escape(text)
        for text, boxed in pieces(value, name=name, code=code, limit=limit)
    )
    return f"<bdi>{inner}</bdi>"


def as_rich(value: str, *, style: str = "", name: bool = False, code: bool = False, limit: int | None = LONG) -> Text:
    """Text for a terminal, free of rich's own markup; what we spelled out is drawn in reverse."""
    from rich.text import Text

    made = Text(style=style)
    for text, boxed in pieces(value, name=name, code=code, limit=limit):
        made.append(text, style="reverse" if boxed else None)
    return made


def _plain(character: str, *, name: bool, code: bool) -> bool:
    if " " <= character <= "~":
        return True
    if code and character == "\t":
        return True
    if name or character in _BOX:
        return False
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"} and not _BLANK.match(character)


def _escaped(character: str) -> str:
    point = ord(character)
    if point <= _LATIN:
        return _SHORT.get(character, f"\\x{point:02x}")
    return f"\\u{point:04x}" if point <= _PLANE else f"\\U{point:08x}"


def _counted(run: str, *, indented: bool) -> list[Piece]:
    """Count runs of spaces that would push what follows out of sight; indentation may be longer."""
    made: list[Piece] = []
    place = 0
    for match in _SPACES.finditer(run):
        spaces = match.end() - match.start()
        if indented and match.start() == 0 and spaces <= _HEAD:
            continue
        if match.start() > place:
            made.append(Piece(run[place : match.start()], boxed=False))
        made.append(Piece(f"spaces ×{spaces:,}", boxed=True))
        place = match.end()
    if place < len(run):
        made.append(Piece(run[place:], boxed=False))
    return made
