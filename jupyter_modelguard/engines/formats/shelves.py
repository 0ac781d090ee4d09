"""Shelves in the form that Python has everywhere: pickles in one file, and in another, which lies beside it, where they begin.

`shelve` reads each from its place, whatever stands before it: text, for example, which nobody would take for a pickle.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.merging import merged_reports
from jupyter_modelguard.errors import ScanError

if TYPE_CHECKING:
    from jupyter_modelguard.engines.content import Content
    from jupyter_modelguard.engines.scanner import Scanner
    from jupyter_modelguard.types import ScanReport

__all__ = ["ENGINE"]

_VALUES: Final = ".dat"
_PLACES: Final = ".dir"
_LARGEST: Final = 4 << 20  # bytes of the file of places
_SHORTEST: Final = 2  # bytes of a pickle


class Shelves:
    """Has what the file of places names scanned, each like a file of its own."""

    name = "shelf 1"

    def takes(self, content: Content) -> bool:
        """By the names that both files must have."""
        if content.depth or content.source.path is None or not content.source.path.endswith(_VALUES):
            return False
        return _places(content.source.path).is_file()

    def scan(self, content: Content, scanner: Scanner) -> ScanReport | None:
        """Scan the values; None where the other file has no places."""
        places = _read(_places(str(content.source.path)))
        if not places:
            return None
        reports = []
        with content.open() as file:
            for key, start, length in places:
                file.seek(start)
                value = file.read(length)
                if len(value) >= _SHORTEST:
                    reports.append(scanner.scan(content.inside(value, key)))
        if not reports:
            return None
        whole = merged_reports(content.name, "shelf", reports, content.size)
        coverage = replace(whole.coverage, ranges=())
        return replace(whole, coverage=coverage, engines=(*whole.engines, self.name))


def _places(path: str) -> Path:
    return Path(path.removesuffix(_VALUES) + _PLACES)


def _read(path: Path) -> list[tuple[str, int, int]]:
    """Read places as `dbm.dumb` does, up to the first line that is none."""
    if path.stat().st_size > _LARGEST:
        raise ScanError(f"{path.name:.80}, which says where its values begin, is larger than {_LARGEST >> 20} MiB")
    found: list[tuple[str, int, int]] = []
    for line in path.read_text("latin-1").splitlines():
        try:
            key, (start, length) = ast.literal_eval(line.rstrip())
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            break
        if not (isinstance(key, str) and type(start) is int and type(length) is int and start >= 0):
            break
        found.append((key[:80], start, length))
    return found


ENGINE: Final = Shelves()
