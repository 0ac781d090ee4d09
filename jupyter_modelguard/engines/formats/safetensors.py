"""safetensors: a bounded header of JSON, and numbers that it places inside the file.

The rules are those of the format's own reader: a header of at most 100 MB, tensors that follow each other without gaps or overlaps to the
end of the file. https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.engines.byte_ranges import DATA, INSPECTED
from jupyter_modelguard.errors import ScanError
from jupyter_modelguard.types import ByteRange, Coverage, ScanReport

if TYPE_CHECKING:
    from jupyter_modelguard.engines.content import Content
    from jupyter_modelguard.engines.scanner import Scanner

__all__ = ["ENGINE"]

_LARGEST_HEADER: Final = 100_000_000  # bytes, as the format's own library has it
_LENGTH: Final = 8  # bytes of the header's length
_METADATA: Final = "__metadata__"


class Safetensors:
    """Checks that the header is bounded and every tensor lies inside the file."""

    name = "safetensors 1"

    def takes(self, content: Content) -> bool:
        """By a length that fits, and JSON behind it."""
        head = content.head
        return head[_LENGTH : _LENGTH + 1] == b"{" and 2 <= struct.unpack("<Q", head[:_LENGTH])[0] <= content.size - _LENGTH  # noqa: PLR2004 "{}"

    def scan(self, content: Content, scanner: Scanner) -> ScanReport:
        """Scan the header."""
        del scanner
        (length,) = struct.unpack("<Q", content.head[:_LENGTH])
        if length > _LARGEST_HEADER:
            raise ScanError("its header is larger than the format allows")
        header = json.loads(content.read(_LENGTH + length)[_LENGTH:], object_pairs_hook=_once)
        if not isinstance(header, dict):
            raise ScanError("its header is no JSON object")
        start = _LENGTH + length
        ranges = [ByteRange(0, start, INSPECTED)]
        for name, tensor in header.items():
            if name != _METADATA:
                first, last = tensor["data_offsets"]
                if not (type(first) is int and type(last) is int and 0 <= first <= last <= content.size - start):
                    raise ScanError(f"{name!r:.80}: lies outside the file")
                ranges.append(ByteRange(start + first, start + last, DATA))
        return ScanReport(
            content.name, "safetensors", size=content.size, coverage=Coverage(ranges=tuple(ranges)), engines=(self.name,)
        )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ScanError("a name stands twice in its header")
    return found


ENGINE: Final = Safetensors()
