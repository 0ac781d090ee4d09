"""The format that XGBoost wrote before version 3, and read up to 3.0: structures of C as they stood in memory.

A header names the objective and the booster, trees or weights follow, then pairs of texts. Nothing in it is called. Its counts are
held against the bytes that are left, which XGBoost did not do.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.formats.bounded_file import BoundedFile, lying_report
from jupyter_modelguard.engines.formats.gguf_reader import LieError
from jupyter_modelguard.errors import ScanError
from jupyter_modelguard.types import Coverage, ScanReport

if TYPE_CHECKING:
    from jupyter_modelguard.engines.content import Content
    from jupyter_modelguard.engines.scanner import Scanner

__all__ = ["ENGINE"]

_MARK: Final = b"binf"  # which need not be there
_HEADER: Final = 136  # bytes: settings, counts of what follows, and room for more
_NAMES: Final = re.compile(  # of the objective and the booster, each with its length before it
    rb"(?P<length>[\x00-\x40])\0{7}(?P<objective>[\w:@.-]{0,64})(?P<long>[\x04\x06\x08])\0{7}(?P<booster>gbtree|gblinear|dart)"
)
_TREES: Final = 160  # bytes of settings before the trees
_TREE: Final = 148  # bytes of settings before each tree
_NODE: Final = 20 + 16  # bytes of a node and of its statistics
_LINEAR: Final = 136  # bytes of settings before the weights
_MOST_TEXTS: Final = 1_000_000


class XgboostBinary:
    """Walks a model to its end."""

    name = "xgboost-binary 1"

    def takes(self, content: Content) -> bool:
        """By the names behind the header."""
        return _names(content.head) is not None

    def scan(self, content: Content, scanner: Scanner) -> ScanReport | None:
        """Walk one model."""
        del scanner
        names = _names(content.head)
        if names is None:
            return None
        with content.open_buffered() as opened:
            file = BoundedFile(opened, content.size)
            try:
                _walk(file, names)
            except LieError as error:
                return lying_report(content, self.name, "xgboost-binary", str(error))
        return ScanReport(
            content.name, "xgboost-binary", size=content.size, coverage=Coverage(ranges=file.ranges), engines=(self.name,)
        )


def _names(head: bytes) -> re.Match[bytes] | None:
    found = _NAMES.match(head, _HEADER + len(_MARK) * head.startswith(_MARK))
    if found is None or found["length"][0] != len(found["objective"]) or found["long"][0] != len(found["booster"]):
        return None
    return found


def _walk(file: BoundedFile, names: re.Match[bytes]) -> None:
    file.take(names.start() - _HEADER, "a mark")
    header = struct.unpack("<34i", file.take(_HEADER, "a header"))
    attributes, metrics, version = header[3:6]
    file.take(names.end() - names.start(), "names")
    if names["booster"] == b"gblinear":
        file.take(_LINEAR, "settings")
        file.skip(4 * file.number("<Q", "a count"), "weights")
    else:
        trees = struct.unpack("<i", file.take(_TREES, "settings")[:4])[0]
        if not 0 <= trees * _TREE <= file.left:
            raise LieError(f"says that {trees:,} trees follow, where {file.left:,} bytes are left")
        for _ in range(trees):
            settings = struct.unpack("<37i", file.take(_TREE, "a tree"))
            if version < 1 and settings[5]:
                raise ScanError("a tree of a version before 1.0 has vectors for leaves, which is not read here")
            file.skip(_NODE * settings[1], "nodes")
        file.skip(4 * trees, "what the trees belong to")
        if names["booster"] == b"dart" and trees:
            file.skip(4 * file.number("<Q", "a count"), "weights")
    if attributes:
        _texts(file, 2)
    if version < 1 and names["objective"] == b"count:poisson":
        _texts(file, 1, count=1)
    if metrics:
        _texts(file, 1)


def _texts(file: BoundedFile, each: int, count: int | None = None) -> None:
    count = each * file.number("<Q", "a count") if count is None else count
    if count > _MOST_TEXTS:
        raise LieError(f"says that {count:,} texts follow")
    for _ in range(count):
        file.skip(file.number("<Q", "the length of a text"), "text")


ENGINE: Final = XgboostBinary()
