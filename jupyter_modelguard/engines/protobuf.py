"""Read protocol buffers by a table of their messages, without the library that belongs to them.

The wire format is all there is: https://protobuf.dev/programming-guides/encoding/. Nothing recurses, nothing is copied that is not asked
for, and what the table does not know is told. Where a reader would let the last of two values win, both are seen; where it would merge two
messages, both are walked: what is found is never less than what a loader reads.
"""

from __future__ import annotations

import contextlib
import mmap
from collections import Counter
from collections.abc import Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from jupyter_modelguard.artifacts.parts_read import WatchedFile
from jupyter_modelguard.errors import ScanError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_modelguard.engines.content import Content

__all__ = ["LARGEST", "Bytes", "Field", "Message", "Schema", "Walk", "buffer", "fields", "inside"]

Schema: TypeAlias = Mapping[str, Mapping[int, str]]
"""For each message its fields: "name" is text or bytes, "name#" a number or several (of which packed ones are left out), "name%"
whole numbers that are not, "name>Kind" a message. Where "!" follows the name, it stands once."""

Bytes: TypeAlias = bytes | memoryview

LARGEST: Final = (1 << 31) - 1
"""Bytes that a message may have, as the format's own library has it."""

_MOST_FIELDS: Final = 20_000_000
_DEEPEST: Final = 150  # messages in one another; the format's own library stops at 100
_MOST_ASIDE: Final = 1_000_000  # fields that are passed over before one that matters
_MOST_TRIED: Final = 100_000
_SUFFIXES: Final = frozenset({".pb", ".onnx", ".meta"})
_LONGEST: Final = 10  # bytes of a number
_LONGEST_TAG: Final = 5
_TAG: Final = 0xFFFFFFFF  # readers drop what is beyond that
_MOST_ODD: Final = 3  # that are told
_MORE: Final = 0x80
_VARINT, _FIXED64, _BYTES, _GROUP, _GROUP_END, _FIXED32 = range(6)
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
        tag, start = _varint(data, start, end, _LONGEST_TAG)
        number, wire = (tag & _TAG) >> 3, tag & 7
        if not number:
            raise ScanError("a field has no number")
        if wire == _VARINT:
            value, after = _varint(data, start, end)
            yield Field(number, wire, start, after, value)
        elif wire == _BYTES:
            length, start = _varint(data, start, end)
            after = start + length
            yield Field(number, wire, start, min(after, end))
        elif wire == _GROUP:
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
            if field.wire == _BYTES and field.number in numbers and len(found) < _MOST_TRIED:
                found.append(field)
            if count > _MOST_ASIDE and not found:
                break
        else:
            return found
    except ScanError:
        return []
    if content is not None and content.head.isascii() and PurePath(content.source.path or content.name).suffix not in _SUFFIXES:
        return []  # tables of noughts and ones can be read as fields, too
    raise ScanError(f"more than {_MOST_ASIDE:,} fields lead nowhere")


def _varint(data: Bytes, start: int, end: int, longest: int = _LONGEST) -> tuple[int, int]:
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
        tag, start = _varint(data, start, end, _LONGEST_TAG)
        number, wire = (tag & _TAG) >> 3, tag & 7
        if not number:
            raise ScanError("a field has no number")
        if wire == _VARINT:
            _, start = _varint(data, start, end)
        elif wire == _BYTES:
            length, start = _varint(data, start, end)
            start += length
        elif wire == _GROUP and len(waiting) < _DEEPEST:
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


class Message:
    """One message with what stands in it; the messages in it come on their own, after it.

    Attributes
    ----------
    kind
        As the table calls it.
    parent
        The message it lies in; None for the whole.
    label
        The name of its field there, with its number where there are several: "node[3]".
    start, end
        Where it lies.
    """

    __slots__ = ("_data", "_spans", "end", "kind", "label", "numbers", "parent", "start")

    def __init__(self, data: Bytes, kind: str, span: tuple[int, int], parent: Message | None, label: str) -> None:
        self._data = data
        self._spans: dict[str, list[tuple[int, int]]] = {}
        self.kind = kind
        self.parent = parent
        self.label = label
        self.start, self.end = span
        self.numbers: dict[str, list[int]] = {}

    @property
    def place(self) -> str:
        """Where it is, from the whole inwards: "graph.node[3]"."""
        labels = []
        one: Message | None = self
        while one is not None and one.label:
            labels.append(one.label)
            one = one.parent
        return ".".join(reversed(labels))

    def raw(self, name: str) -> list[bytes]:
        """Give every value of a field of text or bytes."""
        return [bytes(self._data[start:end]) for start, end in self._spans.get(name, ())]

    def texts(self, name: str) -> list[str]:
        """Give every value of a field of text; what is no text keeps its bytes as escapes."""
        return [data.decode("utf-8", "backslashreplace") for data in self.raw(name)]

    def text(self, name: str) -> str:
        """Give the value that a reader keeps, which is the last."""
        spans = self._spans.get(name)
        return bytes(self._data[slice(*spans[-1])]).decode("utf-8", "backslashreplace") if spans else ""

    def note(self, name: str, field: Field) -> None:
        """Take a field in."""
        if field.wire == _BYTES:
            self._spans.setdefault(name, []).append((field.start, field.end))
        else:
            self.numbers.setdefault(name, []).append(field.value)

    def has(self, name: str) -> bool:
        """Whether the field is there at all."""
        return name in self._spans or name in self.numbers


class Walk:
    """All messages of a file, the outer ones first.

    Parameters
    ----------
    data
        The bytes.
    schema
        The table of its messages.
    root
        The kind of the whole.
    span
        Where it lies; all of the bytes by default.

    Attributes
    ----------
    odd
        What the table does not know, as sentences; complete when the walk has ended.
    """

    def __init__(self, data: Bytes, schema: Schema, root: str, span: tuple[int, int] | None = None) -> None:
        self._data = data
        self._schema = schema
        self._root = root
        self._span = span or (0, len(data))
        self._left = _MOST_FIELDS
        self._odd: list[str] = []

    @property
    def odd(self) -> tuple[str, ...]:
        """Sentences about fields that are not in the table, or of another type than there."""
        return tuple(self._odd)

    def __iter__(self) -> Iterator[Message]:
        waiting = [(Message(self._data, self._root, self._span, None, ""), 0)]
        while waiting:
            message, depth = waiting.pop()
            if depth > _DEEPEST:
                raise ScanError("its messages are nested too deeply")
            inner = self._read(message)
            yield message
            waiting += [(one, depth + 1) for one in reversed(inner)]

    def _read(self, message: Message) -> list[Message]:
        known = self._schema[message.kind]
        inner = []
        count: Counter[str] = Counter()
        once: Counter[str] = Counter()
        for field in fields(self._data, message.start, message.end):
            self._left -= 1
            if self._left < 0:
                raise ScanError(f"it has more than {_MOST_FIELDS:,} fields")
            name, _, kind = known.get(field.number, "").partition(">")
            if name.endswith("!"):
                name = name[:-1]
                once[name] += 1
                if once[name] > 1:
                    self._tell(message, f"{name} stands more than once")
            if name.endswith("%") and field.wire == _BYTES:
                self._unpack(message, name[:-1], field)
            elif name.endswith(("#", "%")) and field.wire != _GROUP:
                if field.wire != _BYTES:
                    message.note(name[:-1], field)
            elif not name or field.wire != _BYTES:
                self._tell(message, f"field {field.number} is none that is known here")
            elif kind:
                inner.append(Message(self._data, kind, (field.start, field.end), message, f"{name}[{count[name]}]"))
                count[name] += 1
            else:
                message.note(name, field)
        return inner

    def _tell(self, message: Message, sentence: str) -> None:
        if len(self._odd) < _MOST_ODD:
            self._odd.append(f"{message.place or message.kind:.100}: {sentence}")

    def _unpack(self, message: Message, name: str, field: Field) -> None:
        place = field.start
        while place < field.end:
            self._left -= 1
            if self._left < 0:
                raise ScanError(f"it has more than {_MOST_FIELDS:,} fields")
            value, after = _varint(self._data, place, field.end)
            message.note(name, Field(field.number, _VARINT, place, after, value))
            place = after
