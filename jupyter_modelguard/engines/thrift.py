"""Walk a structure of Thrift's compact protocol: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md.

Nothing recurses, and the bytes must be one structure to their end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.errors import ScanError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["fields"]

_DEEPEST: Final = 64
_MOST_VALUES: Final = 20_000_000
_LONGEST: Final = 10  # bytes of a number
_MORE: Final = 0x80
_STOP, _TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(13)
_WIDTHS: Final = {_BYTE: 1, _DOUBLE: 8}
_MANY: Final = 15  # stands for a count of its own


def fields(data: bytes) -> Iterator[tuple[tuple[int, ...], bytes]]:
    """Give every text of a structure by the numbers of the fields that lead to it; lists count for nothing on the way.

    Raises
    ------
    ScanError
        The bytes are no structure.
    """
    walk = _Walk(data)
    for _ in range(_MOST_VALUES):
        if not walk.open:
            break
        found = walk.step()
        if found is not None:
            yield found
    if walk.open or walk.place != len(data):
        raise ScanError("its description is not whole")


@dataclass(slots=True)
class _Open:
    """A structure or list that has not ended.

    Attributes
    ----------
    field
        The number of the field it stands in; 0 in a list.
    of
        The type of a list's values; nothing for a structure.
    count
        How many of those are to come; of a structure the number of its last field.
    """

    field: int
    of: int | None = None
    count: int = 0


class _Walk:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.place = 0
        self.open = [_Open(0)]

    def step(self) -> tuple[tuple[int, ...], bytes] | None:
        """Read one value, and give it if it is a text."""
        top = self.open[-1]
        if top.of is not None:
            if not top.count:
                self.open.pop()
                return None
            top.count -= 1
            return self._value(top.of, 0, alone=True)
        head = self._byte()
        if head & 15 == _STOP:
            self.open.pop()
            return None
        if head >> 4:
            top.count += head >> 4
        else:
            number = self._number()
            top.count = number >> 1 ^ -(number & 1)
        return self._value(head & 15, top.count, alone=False)

    def _value(self, kind: int, number: int, *, alone: bool) -> tuple[tuple[int, ...], bytes] | None:
        if kind in {_TRUE, _FALSE}:
            self.place += alone  # else its type says it all
        elif kind in _WIDTHS:
            self.place += _WIDTHS[kind]
        elif kind in {_I16, _I32, _I64}:
            self._number()
        elif kind == _BINARY:
            length = self._number()
            start, self.place = self.place, self.place + length
            if self.place > len(self._data):
                raise ScanError("its description is cut off")
            path = (*(one.field for one in self.open), number)
            return tuple(one for one in path if one), self._data[start : self.place]
        elif kind in {_LIST, _SET, _STRUCT}:
            if len(self.open) > _DEEPEST:
                raise ScanError("its description is nested too deeply")
            self.open.append(_Open(number) if kind == _STRUCT else self._list(number))
        else:
            raise ScanError("its description has a value of no type that it should")
        return None

    def _list(self, number: int) -> _Open:
        head = self._byte()
        return _Open(number, head & 15, self._number() if head >> 4 == _MANY else head >> 4)

    def _byte(self) -> int:
        if self.place >= len(self._data):
            raise ScanError("its description is cut off")
        self.place += 1
        return self._data[self.place - 1]

    def _number(self) -> int:
        value = 0
        for shift in range(0, 7 * _LONGEST, 7):
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < _MORE:
                return value
        raise ScanError("its description is cut off")
