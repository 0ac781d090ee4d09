"""An engine of a format of its own, for tests of what is done with engines, and a way to try an engine on bytes in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.byte_ranges import complete
from jupyter_modelguard.engines.content import Content
from jupyter_modelguard.engines.scanner import Scanner
from jupyter_modelguard.policy.named import named_use
from jupyter_modelguard.types import ScanReport

if TYPE_CHECKING:
    from jupyter_modelguard.engines.engine import Engine

__all__ = ["FakeEngine", "scanned_by"]

MAGIC: Final = b"FAKE\x00"


class FakeEngine:
    """Takes files that begin with `FAKE` and a zero byte; what follows names what a load would call, one dotted name a line.

    It is also the shortest engine there is, to begin one's own with.

    Parameters
    ----------
    name
        Name and version, as reports list it.
    """

    def __init__(self, name: str = "fake 1") -> None:
        self.name = name
        self.seen: list[str] = []

    def takes(self, content: Content) -> bool:
        """By the first bytes."""
        return content.head.startswith(MAGIC)

    def scan(self, content: Content, scanner: Scanner) -> ScanReport:
        """Say what would be called."""
        del scanner
        self.seen.append(content.name)
        names = content.read()[len(MAGIC) :].decode("utf-8").split()
        uses = tuple(named_use(name, "is called when the file is loaded") for name in names)
        return ScanReport(content.name, "fake", size=content.size, globals=uses, engines=(self.name,))


def scanned_by(engine: Engine, data: bytes) -> ScanReport:
    """Scan bytes with one engine and no other, in this process: only for bytes that a test made."""
    content = Content.of_bytes(data)
    return complete(Scanner([engine]).scan(content), content.size)
