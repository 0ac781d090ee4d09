"""The code-bearing bytes of a stream: one copy for proof, digest and load.

A file can be rewritten between the look and the load, so the load must read the very bytes that were looked at. Of a raw pickle that
is everything but the large byte payloads, which no opcode can be hidden in: those are skipped, and read from the file when loading.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field

__all__ = ["PASSED_OVER", "SKIP_AT_LEAST", "StreamCopy"]

SKIP_AT_LEAST = 1 << 16  # bytes; a payload from this size on is skipped, a smaller one is cheaper to copy
PASSED_OVER = secrets.token_bytes(16)  # stands in what a trace has in place of a payload that was skipped, and in no file


@dataclass(frozen=True, slots=True)
class StreamCopy:
    """The bytes of one stream that can carry code.

    Parameters
    ----------
    segments
        `(offset, bytes)` pairs in order, offsets counted from the start of the stream; the gaps between them are payloads.
    length
        Bytes from the start of the stream to the end of its last opcode, where the plain load would leave the file.
    """

    segments: tuple[tuple[int, bytes], ...] = field(repr=False)
    length: int

    @property
    def whole(self) -> bool:
        """Whether nothing was skipped, so that the copy alone can be loaded."""
        return sum(len(data) for _, data in self.segments) >= self.length

    @property
    def digest(self) -> str:
        """sha256 over the segments and their places, hexadecimal."""
        state = hashlib.sha256(b"%d" % self.length)
        for offset, data in self.segments:
            state.update(b"|%d:%d|" % (offset, len(data)))
            state.update(data)
        return state.hexdigest()
