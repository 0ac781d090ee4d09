"""Read protocol buffers by a table of their messages, without the library that belongs to them.

Nothing recurses, nothing is copied that is not asked for, and what the table does not know is told. Where a reader would let the last of
two values win, both are seen; where it would merge two messages, both are walked: what is found is never less than what a loader reads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

from jupyter_modelguard.engines.protobuf_wire import BYTES, DEEPEST, GROUP, VARINT, Field, fields, varint
from jupyter_modelguard.errors import ScanError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_modelguard.engines.protobuf_wire import Bytes

__all__ = ["Message", "Schema", "Walk"]

Schema: TypeAlias = Mapping[str, Mapping[int, str]]
"""For each message its fields: "name" is text or bytes, "name#" a number or several (of which packed ones are left out), "name%"
whole numbers that are not, "name>Kind" a message. Where "!" follows the name, it stands once."""

_MOST_FIELDS: Final = 20_000_000
_MOST_ODD: Final = 3  # that are told


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
        if field.wire == BYTES:
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
            if depth > DEEPEST:
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
            if name.endswith("%") and field.wire == BYTES:
                self._unpack(message, name[:-1], field)
            elif name.endswith(("#", "%")) and field.wire != GROUP:
                if field.wire != BYTES:
                    message.note(name[:-1], field)
            elif not name or field.wire != BYTES:
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
            value, after = varint(self._data, place, field.end)
            message.note(name, Field(field.number, VARINT, place, after, value))
            place = after
