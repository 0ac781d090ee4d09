"""Zip archives: of torch, Keras or NumPy, or of whatever else somebody packed.

Readers find an archive by its end, so that anything may stand before it. A member is known by its content; what each kind of archive
leaves to others is looked at like a file of its own.
"""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.byte_ranges import INSPECTED
from jupyter_modelguard.engines.formats import keras_archives, torch_archives, torch_zips
from jupyter_modelguard.engines.formats.hdf5 import MAGIC as HDF5
from jupyter_modelguard.engines.formats.numpy_arrays import MAGIC as ARRAY
from jupyter_modelguard.engines.formats.numpy_arrays import plain_size
from jupyter_modelguard.engines.merging import merged_reports
from jupyter_modelguard.engines.part import stored_part
from jupyter_modelguard.engines.zip_layout import first_bytes, zip_ranges
from jupyter_modelguard.policy.findings import finding
from jupyter_modelguard.types import Coverage, ScanReport

if TYPE_CHECKING:
    from typing import BinaryIO

    from jupyter_modelguard.engines.content import Content
    from jupyter_modelguard.engines.scanner import Scanner

__all__ = ["ENGINE"]

_MAGIC: Final = b"PK"
_HEAD: Final = 4096  # bytes of a member that tell an array of numbers
_KINDS: Final = (torch_archives, torch_zips, keras_archives)


class Zips:
    """Says what kind of archive it is, and has the rest of its members scanned."""

    name = "zip 1"

    def takes(self, content: Content) -> bool:
        """By the record at the end, which all readers look for."""
        if content.head.startswith(_MAGIC):
            return True
        with content.open() as file:
            return zipfile.is_zipfile(file)

    def scan(self, content: Content, scanner: Scanner) -> ScanReport:
        """Scan an archive as what it is, and all members that are nothing of its kind."""
        with content.open_buffered() as file, zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            kinds = [kind for kind in _KINDS if kind.matches(names)]
            reports = [kind.scan(content, scanner, archive) for kind in kinds]
            others = [
                member
                for member in archive.infolist()
                if not any(kind.knows(member.filename) for kind in kinds) or _begins_array(file, archive, member)
            ]
            reports += [_member(content, scanner, file, archive, member) for member in others]
            ranges = zip_ranges(file, archive, kinds[0].byte_kind if kinds else lambda _: INSPECTED)
        format_name = reports[0].format if kinds else "npz" if names and all(name.endswith(".npy") for name in names) else "zip"
        whole = ScanReport(content.name, format_name, size=content.size, coverage=Coverage(0, 0), engines=(self.name,))
        merged = merged_reports(content.name, format_name, [*reports, whole], content.size)
        digest = reports[0].digest if kinds else merged.digest
        return replace(merged, digest=digest, coverage=replace(merged.coverage, ranges=ranges))


def _begins_array(file: BinaryIO, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bool:
    """Whether NumPy would take a member for an array: it looks at every member by its content, also at what another reader wrote."""
    try:
        return first_bytes(file, archive, member, len(ARRAY)) == ARRAY
    except Exception:  # noqa: BLE001 nobody else can read it either, which those whose member it is say
        return False


def _member(content: Content, scanner: Scanner, file: BinaryIO, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> ScanReport:
    name = member.filename
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts:
        outside = finding("archive-path", f"{name:.80} would be unpacked outside its folder", name)
        return ScanReport(name, "zip", findings=(outside,))
    if member.is_dir() and not member.file_size:
        return ScanReport(name, "zip", coverage=Coverage(0, 0))
    try:
        plain = plain_size(first_bytes(file, archive, member, _HEAD)) == member.file_size
    except Exception:  # noqa: BLE001 whoever unpacks all of it says why
        plain = False
    if plain:
        return ScanReport(name, "npy", size=member.file_size)
    if (part := stored_part(content, member, HDF5)) is not None:
        return scanner.scan(part)  # weights of gigabytes, where they are
    return scanner.look_into(content, name, lambda: archive.open(member))


ENGINE: Final = Zips()
