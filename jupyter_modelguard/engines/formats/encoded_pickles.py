"""Pickles that text holds as base64: some libraries (Stable-Baselines3) keep objects so inside JSON, and unpickle them at load."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.merging import merged_reports, missed_report

if TYPE_CHECKING:
    from jupyter_modelguard.engines.content import Content
    from jupyter_modelguard.engines.scanner import Scanner
    from jupyter_modelguard.types import ScanReport

__all__ = ["ENGINE"]

_LARGEST: Final = 256 << 20  # bytes of text
_MOST: Final = 1_000  # pickles of one text
# What the first bytes of protocols 2 to 5 become, and what may follow, lines that were broken by a writer of JSON or of mail among it.
_ENCODED: Final = re.compile(rb"(?<![A-Za-z0-9+/_-])gA[I-X][A-Za-z0-9+/_-]+(?:(?:\\r|\\n|\r|\n)+[A-Za-z0-9+/_-]+)*={0,2}")
_BREAKS: Final = re.compile(rb"\\r|\\n|[\r\n]")


class EncodedPickles:
    """Decodes what could be a pickle, and has it scanned."""

    name = "base64 1"

    def takes(self, content: Content) -> bool:
        """By the lack of zeros, which text has none of."""
        return b"\x00" not in content.head and content.size <= _LARGEST

    def scan(self, content: Content, scanner: Scanner) -> ScanReport | None:
        """Scan the pickles of a text; None where there are none."""
        data = content.read()
        if b"gA" not in data or b"\x00" in data:
            return None
        reports = []
        for number, found in enumerate(_ENCODED.finditer(data)):
            if number == _MOST:
                reports.append(missed_report(content.name, "text", 0, f"more than {_MOST:,} pickles in base64"))
                break
            report = _scanned(content, scanner, found.group(), found.start())
            if report is not None:
                reports.append(report)
        return merged_reports(content.name, "text", reports, content.size) if reports else None


def _scanned(content: Content, scanner: Scanner, text: bytes, place: int) -> ScanReport | None:
    """Scan what a piece of text decodes to; None where that is no pickle."""
    plain = _BREAKS.sub(b"", text).rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    try:
        decoded = base64.b64decode(plain[: len(plain) // 4 * 4] + _filled(plain[len(plain) // 4 * 4 :]))
    except binascii.Error:
        return None
    report = scanner.scan(content.inside(decoded, f"base64 at byte {place:,}"))
    read = report.format == "pickle" and not report.coverage.missed
    return report if report.globals or read else None


def _filled(rest: bytes) -> bytes:
    """Complete the last group of four, which writers may leave open; a single letter means nothing."""
    return rest + b"=" * (4 - len(rest)) if len(rest) > 1 else b""


ENGINE: Final = EncodedPickles()
