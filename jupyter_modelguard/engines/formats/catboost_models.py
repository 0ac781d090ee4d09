"""CatBoost's models: a FlatBuffer that names the parts behind it, and these parts, all of them tables of numbers and words.

Nothing in them is called. The core's end, its version and the names of the parts are read; what the core's trees hold is left to
the verifier that CatBoost runs before it believes them. Tables of categories and what is made of embeddings are walked one by one. The
collection of words has no lengths to walk by: it reaches to the mark of its end, or to the end of the file where more follows it.
https://github.com/catboost/catboost/blob/master/catboost/libs/model/model.cpp
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.formats.bounded_file import BoundedFile, lying_report
from jupyter_modelguard.engines.formats.gguf_reader import LieError
from jupyter_modelguard.errors import ScanError
from jupyter_modelguard.types import Coverage, ScanReport

if TYPE_CHECKING:
    from typing import BinaryIO

    from jupyter_modelguard.engines.content import Content
    from jupyter_modelguard.engines.scanner import Scanner

__all__ = ["ENGINE"]

_MARK: Final = b"CBM1"
_START: Final = 8  # bytes of the mark and the core's length
_VERSION: Final = b"FlabuffersModel_v1"
_TABLES: Final = b"static_provider_v1"
_WORDS: Final = b"text_process_v2\0"  # a collection begins with its own name
_EMBEDDINGS: Final = b"embed_process_1\0"
_COLLECTIONS: Final = frozenset({_WORDS, _EMBEDDINGS})
_CALCULATOR: Final = b"EmbedCalcerV1\0\0\0"
_DISCRIMINANT, _NEIGHBOURS = 3, 4  # kinds of what is made of embeddings
_TEXTS_END: Final = b"___ILLEGAL_GUID\0"  # the name of the part that ends a collection for texts
_VERSION_FIELD, _PARTS_FIELD = 0, 3
_MOST_PARTS: Final = 8
_MOST_TABLES: Final = 1_000_000
_LONGEST: Final = 100  # bytes of a name
_LONG: Final = 0xFFFFFFFF  # where a length stands in the eight bytes behind


class CatboostModels:
    """Reads the core's root and walks the parts behind it."""

    name = "catboost 1"

    def takes(self, content: Content) -> bool:
        """By the magic bytes."""
        return content.head.startswith(_MARK)

    def scan(self, content: Content, scanner: Scanner) -> ScanReport:
        """Walk one model."""
        del scanner
        with content.open() as opened:
            file = BoundedFile(opened, content.size)
            try:
                file.take(len(_MARK), "a mark")
                core = file.number("<I", "the length of the core")
                file.skip(core, "a core")
                parts = _Core(opened, core).parts()
                opened.seek(file.at)
                _walk(file, parts)
            except LieError as error:
                return lying_report(content, self.name, "catboost", str(error))
        return ScanReport(
            content.name, "catboost", size=content.size, coverage=Coverage(ranges=file.ranges), engines=(self.name,)
        )


class _Core:
    """The root of a FlatBuffer: a table of fields, each found by an offset that is held against the core's end."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size

    def parts(self) -> list[bytes]:
        """Name the parts behind the core."""
        version = self._field(_VERSION_FIELD)
        if version is None or self._text(version) != _VERSION:
            raise ScanError("its core is of a version that is not known here")
        place = self._field(_PARTS_FIELD)
        if place is None:
            return []
        place += self._number("<I", place)
        count = self._number("<I", place)
        if count > _MOST_PARTS:
            raise LieError(f"says that {count:,} parts follow")
        return [self._text(place + 4 * number) for number in range(1, count + 1)]

    def _field(self, number: int) -> int | None:
        root = self._number("<I", 0)
        fields = root - self._number("<i", root)
        where = 4 + 2 * number
        if where + 2 > self._number("<H", fields):
            return None
        offset = self._number("<H", fields + where)
        return root + offset if offset else None

    def _text(self, place: int) -> bytes:
        place += self._number("<I", place)
        length = self._number("<I", place)
        if length > _LONGEST:
            raise LieError(f"has a name of {length:,} bytes in its core")
        return self._read(place + 4, length)

    def _number(self, layout: str, place: int) -> int:
        (value,) = struct.unpack(layout, self._read(place, struct.calcsize(layout)))
        return int(value)

    def _read(self, place: int, count: int) -> bytes:
        if not 0 <= place <= self._size - count:
            raise LieError(f"points at byte {place:,} of a core of {self._size:,}")
        self._file.seek(_START + place)
        return self._file.read(count)


def _walk(file: BoundedFile, parts: list[bytes]) -> None:
    for number, part in enumerate(parts):
        if part == _TABLES:
            count = _length(file, "a count")
            if not count <= min(file.left // 4, _MOST_TABLES):
                raise LieError(f"says that {count:,} tables follow, where {file.left:,} bytes are left")
            for _ in range(count):
                file.skip(_length(file, "the length of a table"), "a table")
        elif part in _COLLECTIONS:
            _collection(file, part, parts[number + 1 :])
            return
        else:
            raise ScanError(f"a part is called {part[:40]!r}, which is not known here")


def _collection(file: BoundedFile, part: bytes, following: list[bytes]) -> None:
    """Take a collection, and others that follow it, to the end of the file."""
    if file.take(len(part), "a collection") != part:
        raise LieError(f"names a collection {part!r} that does not follow")
    file.skip(file.number("<Q", "the length of a header"), "a header")
    if not set(following) <= _COLLECTIONS - {part}:
        raise ScanError("parts stand in an order that CatBoost does not write")
    if part == _EMBEDDINGS and not following:
        _embeddings(file)
    elif part == _WORDS and not following:
        file.skip(max(file.left - len(_TEXTS_END), 0), "words")
        if file.take(len(_TEXTS_END), "the end of a collection") != _TEXTS_END:
            raise LieError("is cut off in its collection of words")
    else:
        file.skip(file.left, "numbers")


def _embeddings(file: BoundedFile) -> None:
    while file.left:
        file.skip(file.number("<Q", "the length of a name"), "a name")
        if file.take(len(_CALCULATOR), "a mark") != _CALCULATOR:
            raise ScanError("what is made of its embeddings is of a version that is not known here")
        kind = file.number("<I", "a kind")
        file.skip(file.number("<Q", "the length of settings"), "settings")
        if kind == _NEIGHBOURS:
            file.skip(4 * _length(file, "a count"), "classes")
            file.skip(_length(file, "the length of an index"), "an index")
            file.skip(4 * _length(file, "a count"), "points")
        elif kind != _DISCRIMINANT:
            raise ScanError(f"what is made of its embeddings is of kind {kind:,}, which is not known here")


def _length(file: BoundedFile, what: str) -> int:
    short = file.number("<I", what)
    return file.number("<Q", what) if short == _LONG else short


ENGINE: Final = CatboostModels()
