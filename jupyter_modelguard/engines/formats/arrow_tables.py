"""Arrow's files and streams (Feather, too), and Parquet: columns of numbers and text, which are data, and what describes them.

A column may be of an extension type, and one of those was a pickle, which pyarrow unpickled by itself until 14.0.1 (CVE-2023-47248).
https://arrow.apache.org/docs/format/Columnar.html, https://github.com/apache/parquet-format
"""

from __future__ import annotations

import base64
import binascii
import struct
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.byte_ranges import DATA, INSPECTED
from jupyter_modelguard.engines.thrift import fields
from jupyter_modelguard.errors import ScanError
from jupyter_modelguard.policy.findings import finding
from jupyter_modelguard.types import ByteRange, Coverage, ScanReport

if TYPE_CHECKING:
    from typing import BinaryIO

    from jupyter_modelguard.engines.content import Content
    from jupyter_modelguard.engines.scanner import Scanner
    from jupyter_modelguard.types import Finding

__all__ = ["ENGINE"]

_ARROW: Final = b"ARROW1"
_ARROW_START: Final = _ARROW + b"\x00\x00"
_PARQUET: Final = b"PAR1"
_GOES_ON: Final = b"\xff\xff\xff\xff"  # stands before each message
_PICKLED: Final = b"arrow.py_extension_type"
_LARGEST_HEAD: Final = 64 << 20  # bytes that describe columns
_MOST_MESSAGES: Final = 1_000_000
_BODY_FIELD: Final = 10  # of a message's table of fields: the length of its body
_HEADER_TYPES: Final = frozenset({1, 2, 3, 4, 5})  # what a message may be
_FILE_PATH: Final = (4, 1, 1)  # of the description of a Parquet file: groups of rows, their columns, the file of one
_NOTE: Final = (5, 2)  # and of what its writer noted; Arrow notes its own description, in base64


class ArrowTables:
    """Reads what describes the columns."""

    name = "arrow 1"

    def takes(self, content: Content) -> bool:
        """By the magic bytes; a stream by the first of its messages."""
        return content.head.startswith((_ARROW_START, _PARQUET)) or _begins_stream(content.head)

    def scan(self, content: Content, scanner: Scanner) -> ScanReport | None:
        """Scan a table; None where it is none after all."""
        del scanner
        with content.open() as file:
            if content.head.startswith(_PARQUET):
                kind, ranges, footer = "parquet", *_parquet(file, content.size)
                findings, heads = _described(footer)
            else:
                kind, ranges, heads = "arrow", *_messages(file, content)
                findings = []
        if any(_PICKLED in head for head in heads):
            title = "a column's type is a pickle, which older versions of pyarrow load by themselves"
            findings.append(finding("arrow-python-type", title, "", _PICKLED.decode()))
        return ScanReport(
            content.name, kind, "", content.size, tuple(findings), (), Coverage(ranges=ranges), engines=(self.name,)
        )


def _decoded(data: bytes) -> bytes:
    try:
        return base64.b64decode(data[: len(data) // 4 * 4])
    except binascii.Error:
        return b""


def _begins_stream(head: bytes) -> bool:
    if not head.startswith(_GOES_ON) or len(head) < 32:  # noqa: PLR2004 less is no schema
        return False
    (length,) = struct.unpack_from("<i", head, 4)
    try:
        return 16 <= length <= _LARGEST_HEAD and _message(head[8:])[0] == 1  # noqa: PLR2004 a schema comes first
    except (ScanError, struct.error):
        return False


def _messages(file: BinaryIO, content: Content) -> tuple[tuple[ByteRange, ...], list[bytes]]:
    """Walk the messages of a file or stream: each has a head that is read, and a body that is data."""
    is_file = content.head.startswith(_ARROW_START)
    place = len(_ARROW_START) if is_file else 0
    ranges = [ByteRange(0, place, INSPECTED)]
    heads: list[bytes] = []
    left = _LARGEST_HEAD
    for _ in range(_MOST_MESSAGES):
        file.seek(place)
        start = file.read(8)
        if len(start) < 8 or start[:4] != _GOES_ON or start[4:] == bytes(4):  # noqa: PLR2004
            break
        (length,) = struct.unpack_from("<i", start, 4)
        left -= length
        if length < 0 or left < 0:
            raise ScanError("what describes its columns is too large")
        head = file.read(length)
        body = _message(head)[1]
        heads.append(head)
        ranges += [
            ByteRange(place, place + 8 + length, INSPECTED),
            ByteRange(place + 8 + length, place + 8 + length + body, DATA),
        ]
        place += 8 + length + body
        if body < 0 or place > content.size:
            raise ScanError("it is cut off")
    end = place + 8 if start == _GOES_ON + bytes(4) else place
    ranges.append(ByteRange(place, end, INSPECTED))
    if is_file:
        footer = _footer(file, end, content.size)
        heads.append(footer)
        ranges.append(ByteRange(end, content.size, INSPECTED))
    return tuple(ranges), heads


def _footer(file: BinaryIO, start: int, size: int) -> bytes:
    file.seek(size - 10)
    length, magic = struct.unpack("<i6s", file.read(10))
    if magic != _ARROW or length != size - 10 - start:
        raise ScanError("its end does not follow its columns")
    file.seek(start)
    return file.read(length)


def _message(head: bytes) -> tuple[int, int]:
    """Read from a message's flatbuffer of which type it is, and how long its body is."""
    (root,) = struct.unpack_from("<I", head, 0)
    (back,) = struct.unpack_from("<i", head, root)
    table = root - back
    if table < 0:
        raise ScanError("a message is broken")
    (width,) = struct.unpack_from("<H", head, table)
    kind_at = struct.unpack_from("<H", head, table + 6)[0] if width > 6 else 0  # noqa: PLR2004
    body_at = struct.unpack_from("<H", head, table + _BODY_FIELD)[0] if width > _BODY_FIELD else 0
    kind = head[root + kind_at] if kind_at and root + kind_at < len(head) else 0
    if kind not in _HEADER_TYPES:
        raise ScanError("a message is of no type")
    return kind, struct.unpack_from("<q", head, root + body_at)[0] if body_at else 0


def _parquet(file: BinaryIO, size: int) -> tuple[tuple[ByteRange, ...], bytes]:
    file.seek(size - 8)
    length, magic = struct.unpack("<I4s", file.read(8))
    if magic != _PARQUET or not 0 < length <= min(size - 12, _LARGEST_HEAD):
        raise ScanError("it does not end as its format does")
    file.seek(size - 8 - length)
    footer = file.read(length)
    end = size - 8 - length
    ranges = (ByteRange(0, 4, INSPECTED), ByteRange(4, end, DATA), ByteRange(end, size, INSPECTED))
    return ranges, footer


def _described(footer: bytes) -> tuple[list[Finding], list[bytes]]:
    """Look for columns that lie in other files, and for Arrow's own description; walking it also shows that it is whole."""
    found: dict[str, Finding] = {}
    heads = []
    for path, data in fields(footer):
        if path == _FILE_PATH:
            name = data.decode("utf-8", "backslashreplace")
            posix = PurePosixPath(name.replace("\\", "/"))
            if posix.is_absolute() or ".." in posix.parts or ":" in name:
                found.setdefault(name, finding("table-outside", f"a column is read from {name:.80}", "", name[:200]))
        elif path == _NOTE:
            heads += [data, _decoded(data)]
    return list(found.values())[:20], heads


ENGINE: Final = ArrowTables()
