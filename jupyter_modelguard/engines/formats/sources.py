"""Python source: no load runs it by itself, so that it is worth a note, with what it could do if something imports it."""

from __future__ import annotations

import ast
import hashlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.errors import ScanError
from jupyter_modelguard.policy.findings import finding
from jupyter_modelguard.types import CodeFile, ScanReport, Severity

if TYPE_CHECKING:
    from jupyter_modelguard.engines.content import Content
    from jupyter_modelguard.engines.scanner import Scanner

__all__ = ["ENGINE", "FORMAT"]

FORMAT: Final = "python-source"
_LARGEST: Final = 4 << 20  # bytes
_STATEMENT: Final = re.compile(
    rb"^[ \t]*(?:import|from|def|class|async|with|for|if|try|@\w|exec|eval|__import__)\b", re.MULTILINE
)


class Sources:
    """Tells Python from other text, and says what it could do."""

    name = "python-source 1"

    def takes(self, content: Content) -> bool:
        """By a line that could begin a statement."""
        return b"\x00" not in content.head and content.size <= _LARGEST

    def scan(self, content: Content, scanner: Scanner) -> ScanReport | None:
        """Read the source; None where it is no Python."""
        del scanner
        data = content.read()
        if not _STATEMENT.search(data):
            return None
        try:
            ast.parse(data)
        except (SyntaxError, ValueError):
            return None
        except (RecursionError, MemoryError):
            raise ScanError("Python that is nested too deeply to be read") from None
        from jupyter_modelguard.engines.code import scan_code  # a third of what the scanner needs to start

        digest = hashlib.sha256(data).hexdigest()
        name = content.name or "the file"
        could = scan_code(name, (CodeFile(name, digest, data),))
        found = [finding("python-source", "Python source, which runs only if something imports it")]
        found += [replace(one, severity=Severity.LOW) for one in could.findings if one.rule != "remote-code"]
        return ScanReport(content.name, FORMAT, digest, content.size, tuple(found), coverage=could.coverage, engines=(self.name,))


ENGINE: Final = Sources()
