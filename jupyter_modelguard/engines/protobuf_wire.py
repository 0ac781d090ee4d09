"""Read the wire format of protocol buffers: fields one behind the other, https://protobuf.dev/programming-guides/encoding/.

Nothing recurses, and nothing is copied.
"""

from __future__ import annotations

import contextlib
import mmap
import re
from pathlib import PurePath
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from jupyter_modelguard.artifacts.parts_read import WatchedFile
from jupyter_modelguard.errors import ScanError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_modelguard.engines.content import Content

__all__ = ["BYTES", "DEEPEST", "GROUP", "LARGEST", "VARINT", "Bytes", "Field", "buffer", "fields", "inside", "varint"]

Bytes: TypeAlias = bytes | memoryview

LARGEST: Final = (1 << 31) - 1
"""Bytes that a message may have, as the format's own library has it."""

DEEPEST: Final = 150
"""Messages in one another; the format's own library stops at 100."""

_PICKLED: Final = re.compile(rb"\x80[\x00-\x05]")
_MOST_ASIDE: Final = 1_000_000  # fields that are passed over before one that matters
_MOST_TRIED: Final = 100_000
_SUFFIXES: Final = frozenset({".pb", ".onnx", ".meta"})
_LONGEST: Final = 10  # bytes of a number
_LONGEST_TAG: Final = 5
_TAG: Final = 0xFFFFFFFF  # readers drop what is beyond that
_MORE: Final = 0x80
VARINT, _FIXED64, BYTES, GROUP, _GROUP_END, _FIXED32 = range(6)
_WIDTHS: Final = {_FIXED64: 8, _FIXED32: 4}


class Field(NamedTuple):
    """One field of a message as it stands in the bytes."""

    number: int
    wire: int
    start: int  # of its content
    end: int
    value: int = 0  # of a number of variable length


@contextlib.contextmanager
def buffer(content: Content) -> Iterator[Bytes]:
    """Give all bytes of a content without reading them.

    Raises
    ------
    ScanError
        There are more than a message may have.
    """
    if content.size > LARGEST:
        raise ScanError("it is larger than its format allows")
    if content.source.path is None:
        yield content.source.data
        return
    shift = content.source.offset % mmap.ALLOCATIONGRANULARITY
    place = content.source.offset - shift
    with (
        WatchedFile(content.source.path) as file,
        mmap.mmap(file.fileno(), content.size + shift, access=mmap.ACCESS_READ, offset=place) as mapped,
        memoryview(mapped) as whole,
        whole[shift : shift + content.size] as view,
    ):
        yield view


def fields(data: Bytes, start: int, end: int) -> Iterator[Field]:
    """Read the fields of a message one by one.

    Raises
    ------
    ScanError
        The bytes are none.
    """
    while start < end:
        tag, start = varint(data, start, end, _LONGEST_TAG)
        number, wire = (tag & _TAG) >> 3, tag & 7
        if not number:
            raise ScanError("a field has no number")
        if wire == VARINT:
            value, after = varint(data, start, end)
            yield Field(number, wire, start, after, value)
        elif wire == BYTES:
            length, start = varint(data, start, end)
            after = start + length
            yield Field(number, wire, start, min(after, end))
        elif wire == GROUP:
            after = _behind_group(data, start, end, number)
            yield Field(number, wire, start, after)
        elif wire in _WIDTHS:
            after = start + _WIDTHS[wire]
            yield Field(number, wire, start, min(after, end))
        else:
            raise ScanError("a field is of no type")
        start = after
        if start > end:
            raise ScanError("a field is cut off")


def inside(data: Bytes, span: tuple[int, int], numbers: frozenset[int], content: Content | None = None) -> list[Field]:
    """Find the first messages or texts in a message that stand in one of these fields.

    Parameters
    ----------
    data, span
        The bytes, and where in them the message lies.
    numbers
        Of the fields.
    content
        What is looked at, where it is the whole of it.

    Returns
    -------
    list of Field
        Nothing where the bytes are no message to their end.

    Raises
    ------
    ScanError
        Whether they are cannot be said in reasonable time.
    """
    found: list[Field] = []
    try:
        for count, field in enumerate(fields(data, *span)):
            if field.wire == BYTES and field.number in numbers and len(found) < _MOST_TRIED:
                found.append(field)
            if count > _MOST_ASIDE and not found:
                break
        else:
            return found
    except ScanError:
        return []
    if content is not None and _says_otherwise(content):
        return []
    raise ScanError(f"more than {_MOST_ASIDE:,} fields lead nowhere")


def varint(data: Bytes, start: int, end: int, longest: int = _LONGEST) -> tuple[int, int]:
    """Read a number of variable length, and say where it ends.

    Raises
    ------
    ScanError
        It does not end in time.
    """
    value = 0
    for place in range(start, min(end, start + longest)):
        byte = data[place]
        value |= (byte & 0x7F) << 7 * (place - start)
        if byte < _MORE:
            return value & (1 << 64) - 1, place + 1
    raise ScanError("a number is cut off")


def _behind_group(data: Bytes, start: int, end: int, number: int) -> int:
    """Find the end of a group, which no format of this century has, but which every reader skips."""
    waiting = [number]
    while waiting:
        tag, start = varint(data, start, end, _LONGEST_TAG)
        number, wire = (tag & _TAG) >> 3, tag & 7
        if not number:
            raise ScanError("a field has no number")
        if wire == VARINT:
            _, start = varint(data, start, end)
        elif wire == BYTES:
            length, start = varint(data, start, end)
            start += length
        elif wire == GROUP and len(waiting) < DEEPEST:
            waiting.append(number)
        elif wire == _GROUP_END and waiting[-1] == number:
            waiting.pop()
        elif wire in _WIDTHS:
            start += _WIDTHS[wire]
        else:
            raise ScanError("a group is broken")
        if start > end:
            raise ScanError("a field is cut off")
    return start


def _says_otherwise(content: Content) -> bool:
    """Whether name and first bytes say something else: tables of noughts and ones can be read as fields, and so can long pickles."""
    named = PurePath(content.source.path or content.name).suffix in _SUFFIXES
    return not named and (content.head.isascii() or _PICKLED.match(content.head) is not None)
