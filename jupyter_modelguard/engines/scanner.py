"""Scan one file: every engine that knows its content says what it would do, and every byte is accounted for.

This runs in the limited worker. What a file is, its content says and never its name. A file can be several things at once (a zip archive
behind a pickle, a YAML document that is a pickle too): every engine that takes it is heard, and the worst counts. What no engine knows,
what goes beyond a limit and what an engine could not read is not inspected, with the reason.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.byte_ranges import complete, united
from jupyter_modelguard.engines.content import Content
from jupyter_modelguard.engines.merging import ENGINE, merged_reports, missed_report
from jupyter_modelguard.engines.planted import with_planted
from jupyter_modelguard.engines.registry import engines
from jupyter_modelguard.errors import ScanError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import IO

    from jupyter_modelguard.engines.engine import Engine
    from jupyter_modelguard.types import ScanReport

__all__ = ["Scanner", "scan_file"]

_DEEPEST: Final = 8  # containers in one another
_MOST_MEMBERS: Final = 10_000  # that are looked into, of a file and all that lies in it
_MOST_UNPACKED: Final = 1 << 30  # bytes, of a file and all that lies in it
_BLOCK: Final = 1 << 20  # bytes
_LONGEST: Final = 200  # characters of what a parser says


def scan_file(path: str, folders: Sequence[str] = (), known: Sequence[Engine] | None = None) -> ScanReport:
    """Scan one regular file in this process.

    Parameters
    ----------
    path
        Of the file.
    folders
        From which whoever asked would import before the installed libraries.
    known
        The engines to ask; all of them by default.
    """
    started = time.perf_counter()
    try:
        content = Content.of_file(path)
    except OSError as error:
        return missed_report(path, "unknown", 0, f"it could not be read: {error}")
    report = complete(Scanner(known).scan(content), content.size)
    report = with_planted(report, folders)
    return replace(report, target=path, size=content.size, seconds=time.perf_counter() - started)


class Scanner:
    """Scans one file and what lies in it, within limits that count for all of it together.

    Parameters
    ----------
    known
        The engines to ask; those of this package and of the installed ones by default.
    members
        How many parts are looked into at the most.
    unpacked
        How many bytes may be unpacked at the most.
    """

    def __init__(
        self, known: Sequence[Engine] | None = None, members: int = _MOST_MEMBERS, unpacked: int = _MOST_UNPACKED
    ) -> None:
        self._known = engines() if known is None else known
        self._members = members
        self._unpacked = unpacked

    def scan(self, content: Content) -> ScanReport:
        """Scan a file, or a part of one."""
        self._members -= 1
        if content.depth > _DEEPEST:
            return _missed(content, f"lies deeper than {_DEEPEST} containers")
        if self._members < 0:
            return _missed(content, "the file has more parts than are looked into")
        if not content.size:
            return _nothing(content)  # no loader takes it, and folders have many: marks of packages, and of folders that are kept
        reports = [report for engine in self._known if (report := self._ask(engine, content)) is not None]
        if not reports:
            return _missed(content, "its content is of no format that is known here")
        if len(reports) == 1:
            return reports[0]
        merged = merged_reports(content.name, reports[0].format, reports, content.size)
        return replace(merged, coverage=replace(merged.coverage, ranges=united(reports, content.size)))

    def look_into(self, content: Content, name: str, opened: Callable[[], IO[bytes]]) -> ScanReport:
        """Unpack a member of a container and scan it.

        Parameters
        ----------
        content
            The container.
        name
            Of the member.
        opened
            Opens the member; whatever it or reading raises means that the member was not inspected.
        """
        try:
            with opened() as stream:
                data = self.unpack(stream)
        except Exception as error:  # noqa: BLE001 as for engines
            said = str(error) if isinstance(error, ScanError) else f"could not be read: {str(error) or type(error).__name__}"
            return missed_report(name, "unknown", 0, said[:_LONGEST])
        return self.scan(content.inside(data, name))

    def unpack(self, stream: IO[bytes]) -> bytes:
        """Read a stream to its end.

        Raises
        ------
        ScanError
            With it, more would have been unpacked than a scan may.
        """
        pieces = bytearray()
        while piece := stream.read(_BLOCK):
            self._unpacked -= len(piece)
            if self._unpacked < 0:
                raise ScanError("it grows to more than a scan may unpack")
            pieces += piece
        return bytes(pieces)

    def _ask(self, engine: Engine, content: Content) -> ScanReport | None:
        try:
            return engine.scan(content, self) if engine.takes(content) else None
        except (MemoryError, RecursionError) as error:
            return _missed(content, f"{engine.name.partition(' ')[0]}: too large or too deeply nested ({type(error).__name__})")
        except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001 a stranger's bytes: parsers raise anything at all, and none of it is "clean"
            said = str(error) if isinstance(error, ScanError) else f"it could not be read: {str(error) or type(error).__name__}"
            return replace(_missed(content, said[:_LONGEST]), format=engine.name.partition(" ")[0], engines=(engine.name,))


def _missed(content: Content, sentence: str) -> ScanReport:
    return missed_report(content.name, "unknown", content.size, sentence)


def _nothing(content: Content) -> ScanReport:
    from jupyter_modelguard.types import ScanReport

    return ScanReport(content.name, "empty", engines=(ENGINE,))
