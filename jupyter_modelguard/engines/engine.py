"""What every engine is: it knows one format, and says what a file of it would do.

Other packages bring engines for formats of their own through the entry point group `jupyter_modelguard.engines`, each an object with
these three members. An engine runs in the limited worker, never in the kernel. It may raise whatever its parser raises: what it could not
read is reported as not inspected. It runs nothing of what it reads, and imports nothing that the file names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from jupyter_modelguard.engines.content import Content
    from jupyter_modelguard.engines.scanner import Scanner
    from jupyter_modelguard.types import ScanReport

__all__ = ["Engine"]


class Engine(Protocol):
    """One format's engine.

    Attributes
    ----------
    name
        Name and version, as reports list it: "gguf 1".
    """

    name: str

    def takes(self, content: Content) -> bool:
        """Whether this looks like the engine's format: by its first bytes, in no time.

        Several engines may take one file, since a file can be several things; each says what it is to those who read it so.
        """

    def scan(self, content: Content, scanner: Scanner) -> ScanReport | None:
        """Say what the content would do when it is loaded.

        Parameters
        ----------
        content
            What the engine took.
        scanner
            For what lies inside: `scanner.scan(content.inside(data, name))` gives the report of a member, and `scanner.unpack` reads a
            compressed stream within the limits of this scan.

        Returns
        -------
        ScanReport or None
            Its `target` is `content.name`. `coverage.ranges` says of each byte whether it was inspected or is data; without
            any, the engine vouches for all of them. None if it is not of this format after all.

        Raises
        ------
        Exception
            Of any kind: then the content was not inspected, and the message says why.
        """
