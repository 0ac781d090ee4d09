"""XGBoost's own format since version 1.6, its default since 2.1: Universal Binary JSON, as far as XGBoost writes it.

There is nothing in it but names, texts and numbers; `xgboost` calls nothing that stands there. What it cannot be is taken at its word:
lengths and counts are held against the bytes that are left. https://ubjson.org, https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.formats.bounded_file import BoundedFile, lying_report
from jupyter_modelguard.engines.formats.gguf_reader import LieError
from jupyter_modelguard.errors import ScanError
from jupyter_modelguard.types import Coverage, ScanReport

if TYPE_CHECKING:
    from jupyter_modelguard.engines.content import Content
    from jupyter_modelguard.engines.scanner import Scanner

__all__ = ["ENGINE"]

_START: Final = b"{L"  # an object, and the length of its first key in eight bytes
_NO_TEXT: Final = frozenset(range(9)) | {0x7F}  # that length's first byte, which tells the file from text that begins so
_WIDTHS: Final = {b"Z": 0, b"T": 0, b"F": 0, b"i": 1, b"U": 1, b"C": 1, b"I": 2, b"l": 4, b"d": 4, b"L": 8, b"D": 8}
_NUMBERS: Final = frozenset(b"iUIldLD")  # that an array may have all its elements be
_OBJECT: Final = -1  # what is open: an object, a list to its mark, or a list of so many more values
_LIST: Final = -2
_DEEPEST: Final = 200  # of which models have about ten; XGBoost's own reader recurses
_MOST_VALUES: Final = 5_000_000


class XgboostUbjson:
    """Walks a model to the end of the file."""

    name = "xgboost-ubjson 1"

    def takes(self, content: Content) -> bool:
        """By an object whose first key has a length, which text has not."""
        head = content.head
        return head.startswith(_START) and len(head) > len(_START) and head[len(_START)] in _NO_TEXT

    def scan(self, content: Content, scanner: Scanner) -> ScanReport:
        """Walk one model."""
        del scanner
        with content.open_buffered() as opened:
            file = BoundedFile(opened, content.size)
            try:
                _walk(file)
            except LieError as error:
                return lying_report(content, self.name, "xgboost-ubjson", str(error))
        return ScanReport(
            content.name, "xgboost-ubjson", size=content.size, coverage=Coverage(ranges=file.ranges), engines=(self.name,)
        )


def _walk(file: BoundedFile) -> None:  # noqa: C901, PLR0912 one branch a mark
    """Read one value to its end."""
    file.take(1, "an object")
    waiting = [_OBJECT]
    values = 0
    while waiting:
        values += 1
        if values > _MOST_VALUES:
            raise ScanError(f"it has more than {_MOST_VALUES:,} values")
        if waiting[-1] == 0:
            waiting.pop()
            continue
        mark = file.take(1, "a value")
        if waiting[-1] == _OBJECT:
            if mark == b"}":
                waiting.pop()
                continue
            if mark != b"L":
                raise ScanError(f"a key begins with {mark!r}, which XGBoost does not write")
            _text(file)
            mark = file.take(1, "a value")
        elif waiting[-1] == _LIST and mark == b"]":
            waiting.pop()
            continue
        elif waiting[-1] > 0:
            waiting[-1] -= 1
        if mark in _WIDTHS:
            file.take(_WIDTHS[mark], "a number")
        elif mark == b"S":
            if file.take(1, "a length") != b"L":
                raise ScanError("the length of a text is written as XGBoost does not write it")
            _text(file)
        elif mark == b"{":
            waiting.append(_OBJECT)
        elif mark == b"[":
            waiting += _list(file)
        else:
            raise ScanError(f"a value begins with {mark!r}, which XGBoost does not write")
        if len(waiting) > _DEEPEST:
            raise ScanError(f"it is nested deeper than {_DEEPEST} values")


def _text(file: BoundedFile) -> None:
    length = file.number(">q", "the length of a text")
    if length > 1 << 20:
        file.skip(length, "text")
    else:
        file.take(length, "text")


def _list(file: BoundedFile) -> list[int]:
    """Read how a list begins; one of numbers is passed over at once, and nothing of it stays open."""
    mark = file.peek()
    if mark not in (b"$", b"#"):
        return [_LIST]
    file.take(1, "a list")
    kind = b""
    if mark == b"$":
        kind = file.take(1, "the type of a list")
        mark = file.take(1, "a list")
    if mark != b"#" or file.take(1, "a count") != b"L":
        raise ScanError("the count of a list is written as XGBoost does not write it")
    count = file.number(">q", "a count")
    if not kind:
        if not 0 <= count <= file.left:
            raise LieError(f"says that {count:,} values follow, where {file.left:,} bytes are left")
        return [count]
    if kind[0] not in _NUMBERS:
        raise ScanError(f"a list of {kind!r}, which XGBoost does not write")
    file.skip(count * _WIDTHS[kind], "numbers")
    return []


ENGINE: Final = XgboostUbjson()
