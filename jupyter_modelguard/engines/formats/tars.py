"""Tar archives: each file in one is looked at; links and names that lead out of it are findings."""

from __future__ import annotations

import tarfile
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.byte_ranges import INSPECTED
from jupyter_modelguard.engines.formats.torch_tars import MEMBERS, member_report
from jupyter_modelguard.engines.merging import merged_reports, missed_report
from jupyter_modelguard.policy.findings import finding
from jupyter_modelguard.types import ByteRange, ScanReport

if TYPE_CHECKING:
    from jupyter_modelguard.engines.content import Content
    from jupyter_modelguard.engines.scanner import Scanner

__all__ = ["ENGINE"]

_MARK: Final = slice(257, 262)  # where every tar of this century says "ustar"
_BLOCK: Final = 512
_MOST_MEMBERS: Final = 10_000


class Tars:
    """Has every regular file of an archive scanned."""

    name = "tar 1"

    def takes(self, content: Content) -> bool:
        """By the mark in the first header, or a header whose sum is right."""
        return content.head[_MARK] == b"ustar" or _begins_tar(content.head[:_BLOCK])

    def scan(self, content: Content, scanner: Scanner) -> ScanReport:
        """Scan the members."""
        reports = [ScanReport(content.name, "tar", size=content.size, engines=(self.name,))]
        pickled: dict[str, list[ScanReport]] = {}  # of an old torch, by member
        end = 0
        with content.open() as file, tarfile.open(fileobj=file, mode="r:") as archive:
            for number, member in enumerate(archive):
                if number >= _MOST_MEMBERS:
                    reports.append(missed_report(content.name, "tar", 0, f"more than {_MOST_MEMBERS:,} members"))
                    break
                reports.append(_member(content, scanner, archive, member, pickled))
            if pickled.keys() == MEMBERS:
                reports += [report for found in pickled.values() for report in found]
            end = archive.offset
            file.seek(end)
            empty = all(not block.strip(b"\0") for block in iter(lambda: file.read(1 << 20), b""))
        merged = merged_reports(content.name, "tar", reports, content.size)
        # what stands behind the last member is nothing but the zeros that fill an archive up, or belongs to nothing
        ranges = (ByteRange(0, content.size if empty else min(end, content.size), INSPECTED),)
        return replace(merged, coverage=replace(merged.coverage, ranges=ranges))


def _begins_tar(block: bytes) -> bool:
    """Whether readers take a block for the header of a member, which Python's own module knows best: it need have no mark."""
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except Exception:  # noqa: BLE001 a stranger's bytes; what is no header is no tar
        return False
    return True


def _member(
    content: Content,
    scanner: Scanner,
    archive: tarfile.TarFile,
    member: tarfile.TarInfo,
    pickled: dict[str, list[ScanReport]],
) -> ScanReport:
    name = member.name
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        return ScanReport(
            name, "tar", findings=(finding("archive-path", f"{name:.80} would be unpacked outside its folder", name),)
        )
    if member.issym() or member.islnk():
        leads = f"{name:.80} is a link to {member.linkname:.80}"
        return ScanReport(name, "tar", findings=(finding("archive-link", leads, name),))
    stream = archive.extractfile(member) if member.isreg() else None
    if stream is None:
        if member.isdir():
            return ScanReport(name, "tar")
        return missed_report(name, "tar", 0, "is neither a file nor a folder")
    data = scanner.unpack(stream)
    if name in MEMBERS:
        pickled.setdefault(name, []).append(member_report(name, data))
    return scanner.scan(content.inside(data, name))


ENGINE: Final = Tars()
