"""Read a torch zip archive the way torch's own reader does, and say wherever another reader could see something else.

torch.load takes the first member's folder as the archive's name, finds members through the central directory and without regard to case,
and never looks at a local header's name. Whatever is not exactly as torch.save writes it is reported: a stored member whose local and
central headers disagree, a name that comes twice, a wrong checksum, data before or between.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import struct
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["TorchArchive", "differences", "has_directory", "is_zip", "read_archive"]

_WIDE = 0xFFFFFFFF  # what zip64 writes where the real size stands in its own field
_HEADER = struct.Struct("<6xHH4xIIIHH")
_LOCAL_HEAD = 30  # bytes of a local header before the name
_END_RECORD = 22  # bytes of the record that ends an archive without a comment
_WIDE_END_RECORD = 56 + 20  # bytes of the record before it in zip64, and of the locator that leads to that
_DIRECTORY_END = 1 << 18  # bytes at the end in which the directory's end may stand; the longest comment takes 64 KiB
_LARGEST_RECORD = 1 << 30  # bytes of data.pkl that are read at all
_SMALL_RECORDS = 1 << 26  # bytes of all other members that are not tensors, together


@dataclass(frozen=True, slots=True)
class TorchArchive:
    """The code-bearing part of a torch zip."""

    members: dict[str, bytes] = field(repr=False)  # by name, without the archive's folder; no tensor records
    digest: str
    script: bool  # whether torch runs TorchScript from it
    missed: tuple[str, ...]

    @property
    def pickle(self) -> bytes:
        """The stream that torch.load reads; empty if there is none."""
        return self.members.get("data.pkl", b"")


def is_zip(head: bytes) -> bool:
    """Whether torch.load takes this for a zip: it looks at the first four bytes alone."""
    return head.startswith(b"PK\x03\x04")


def has_directory(file: BinaryIO, base: int) -> bool:
    """Whether the mark that every reader of zips looks for, torch's too, stands near the end; without one nobody reads a member."""
    end = file.seek(0, io.SEEK_END)
    file.seek(max(base, end - _DIRECTORY_END))
    return b"PK\x05\x06" in file.read(_DIRECTORY_END)


def read_archive(file: BinaryIO, known: zipfile.ZipFile | None = None) -> TorchArchive:
    """Read everything but the tensor records.

    Parameters
    ----------
    file
        Positioned where the archive starts.
    known
        The directory, where somebody has read it from this very position already.

    Raises
    ------
    zipfile.BadZipFile
        If there is no central directory that Python can read.
    """
    base = file.tell()
    missed: list[str] = []
    window = _Window(file, base)
    with contextlib.nullcontext(known) if known is not None else zipfile.ZipFile(window) as archive:
        members = archive.infolist()
        names = [member.filename for member in members]
        lowered = [name.lower() for name in names]
        script = any(name.rpartition("/")[2] == "constants.pkl" or "code" in name.split("/")[:-1] for name in lowered)
        prefix = names[0].partition("/")[0] if names else ""
        inside = f"{prefix}/"
        records = {  # a name outside the folder must not pass for one inside
            name.removeprefix(inside) if name.startswith(inside) else f"/{name}": member
            for name, member in zip(names, members, strict=True)
        }
        packed = {name for name in records if script and name.startswith("code/")}
        missed += _differences(window, archive, {records[name].filename for name in packed})
        missed += [f"the archive has no {name}" for name in ("data.pkl", "constants.pkl")[: 1 + script] if name not in records]
        contents, wrong = _contents(window, records, ("data/", "constants/") if script else ("data/",), packed)
        missed += wrong
    return TorchArchive(contents, _digest(prefix, records, contents), script, tuple(dict.fromkeys(missed)))


def differences(file: BinaryIO) -> tuple[str, ...]:
    """Say where torch's reader could see something else in an archive than Python's; raises like `read_archive`."""
    window = _Window(file, file.tell())
    with zipfile.ZipFile(window) as archive:
        return tuple(dict.fromkeys(_differences(window, archive, set())))


def _differences(window: _Window, archive: zipfile.ZipFile, packed: set[str]) -> list[str]:
    members = archive.infolist()
    names = [member.filename for member in members]
    found = []
    if not members:
        found.append("the archive is empty")
    if len({name.lower() for name in names}) != len(names):
        found.append("two members of the archive share a name")
    prefix = names[0].partition("/")[0] if names else ""
    if any(not name.startswith(f"{prefix}/") for name in names):
        found.append("members of the archive lie in different folders")
    if archive.comment:
        found.append("the archive carries a comment")
    elif not _is_only_directory(window, archive.start_dir, len(members)):
        found.append("the archive ends in a way that readers understand differently")
    return found + _headers(window, members, archive.start_dir, packed)


def _is_only_directory(window: _Window, start: int, count: int) -> bool:
    """Whether every reader is led to the directory that was read.

    The record of large archives is found by some through its locator, and by others (Python) because it stands right before that; the place
    of the directory is read by some, and counted back from the end by others.
    """
    end = window.seek(0, io.SEEK_END) - _END_RECORD
    window.seek(max(0, end - _WIDE_END_RECORD))
    tail = window.read(_WIDE_END_RECORD + _END_RECORD)
    last, wide = tail[-_END_RECORD:], tail[:-_END_RECORD]
    if last[:4] != b"PK\x05\x06":
        return False
    found = struct.unpack("<8xHHII", last[:20])
    if wide[-20:-16] == b"PK\x06\x07":
        end -= _WIDE_END_RECORD
        disk, place, disks = struct.unpack("<4xIQI", wide[-20:])
        if (disk, place, disks) != (0, end, 1) or wide[:12] != struct.pack("<4sQ", b"PK\x06\x06", 44):
            return False
        found = struct.unpack("<24xQQQQ", wide[:56])
    on_disk, members, size, place = found
    return bool(on_disk == members == count and place == start and place + size == end)


def _headers(window: _Window, members: list[zipfile.ZipInfo], directory: int, squeezed: set[str]) -> list[str]:
    wrong = []
    if members and min(member.header_offset for member in members) != 0:
        wrong.append("there is data before the archive")
    end = 0
    for member in sorted(members, key=lambda one: one.header_offset):
        central = member.orig_filename.encode("utf-8" if member.flag_bits & 0x800 else "cp437", "replace")
        window.seek(member.header_offset)
        head = window.read(_LOCAL_HEAD + len(central))  # with a name of another length, they disagree
        if len(head) < _LOCAL_HEAD or head[:4] != b"PK\x03\x04":
            wrong.append(f"{member.filename}: no local header where the directory says")
            continue
        flags, method, crc, packed, size, name_length, extra_length = _HEADER.unpack_from(head)
        name = head[_LOCAL_HEAD:] if name_length == len(central) else None
        if name != central or method != member.compress_type or "\0" in member.orig_filename or "\\" in member.orig_filename:
            wrong.append(f"{member.filename}: local and central headers disagree")
        described_later = flags & 0x8 and crc == packed == size == 0
        wide = packed == size == _WIDE
        if (
            not described_later
            and not (wide and crc == member.CRC)
            and (crc, packed, size)
            != (
                member.CRC,
                member.compress_size,
                member.file_size,
            )
        ):
            wrong.append(f"{member.filename}: local and central headers disagree")
        if member.flag_bits & 0x1:
            wrong.append(f"{member.filename}: encrypted")
        if member.compress_type != zipfile.ZIP_STORED and member.filename not in squeezed:
            wrong.append(f"{member.filename}: compressed, which torch.save never does")
        start = member.header_offset + _LOCAL_HEAD + name_length + extra_length
        if member.header_offset < end or start + member.compress_size > directory:
            wrong.append(f"{member.filename}: overlaps another part of the archive")
        end = start + member.compress_size
    return wrong


def _record(window: _Window, member: zipfile.ZipInfo, limit: int, *, packed: bool = False) -> tuple[bytes, list[str]]:
    """Read one member from its place and check it against its checksum; torch compresses code alone."""
    deflated = packed and member.compress_type == zipfile.ZIP_DEFLATED
    if not deflated and (member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size):
        return b"", [f"{member.filename}: not stored as it is"]
    if max(member.file_size, member.compress_size) > limit:
        return b"", [f"{member.filename}: larger than {limit >> 20} MiB"]
    window.seek(member.header_offset)
    head = window.read(_LOCAL_HEAD)
    name_length, extra_length = struct.unpack("<26xHH", head) if len(head) == _LOCAL_HEAD else (0, 0)
    window.seek(member.header_offset + _LOCAL_HEAD + name_length + extra_length)
    data = window.read(member.compress_size)
    if deflated:
        try:
            data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, member.file_size + 1)
        except zlib.error:
            return b"", [f"{member.filename}: cannot be decompressed"]
    if len(data) != member.file_size:
        return data, [f"{member.filename}: cut off"]
    return data, [] if zlib.crc32(data) == member.CRC else [f"{member.filename}: wrong checksum"]


def _contents(
    window: _Window, records: dict[str, zipfile.ZipInfo], tensors: tuple[str, ...], packed: set[str]
) -> tuple[dict[str, bytes], list[str]]:
    """Read every member that is no tensor."""
    contents: dict[str, bytes] = {}
    wrong: list[str] = []
    left = _SMALL_RECORDS
    for name, member in records.items():
        if name.startswith(tensors):
            continue
        limit = _LARGEST_RECORD if name == "data.pkl" else left
        contents[name], problems = _record(window, member, limit, packed=name in packed)
        if name != "data.pkl":
            left -= len(contents[name])
        wrong += problems
    return contents, wrong


def _digest(prefix: str, records: dict[str, zipfile.ZipInfo], contents: dict[str, bytes]) -> str:
    """sha256 over data.pkl, every other member that is no tensor, the names and the format."""
    state = hashlib.sha256(b"torch-zip\0")
    for name in sorted(records):
        encoded = f"{prefix}/{name}".encode("utf-8", "surrogatepass")
        state.update(b"%d:" % len(encoded) + encoded)
        if name in contents:
            state.update(b"=%d:" % len(contents[name]) + contents[name])
    return state.hexdigest()


class _Window(io.RawIOBase):
    """A file from some position on, as if it began there."""

    def __init__(self, file: BinaryIO, base: int) -> None:
        self._file = file
        self._base = base
        self._at = 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence == io.SEEK_END:
            self._at = self._file.seek(0, io.SEEK_END) - self._base + offset
        else:
            self._at = offset if whence == io.SEEK_SET else self._at + offset
        if self._at < 0:
            raise ValueError("a position before the start")
        return self._at

    def read(self, size: int = -1) -> bytes:
        self._file.seek(self._base + self._at)
        pieces = []
        left = size
        while left != 0:
            piece = self._file.read(left if left > 0 else -1)
            if not piece:
                break
            pieces.append(piece)
            self._at += len(piece)
            left = left - len(piece) if left > 0 else -1
        return b"".join(pieces)
