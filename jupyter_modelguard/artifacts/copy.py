"""The code-bearing bytes of a stream: one copy for proof, digest and load.

A file can be rewritten between the look and the load, so the load must read the very bytes that were looked at. Of a raw pickle that
is everything but the large byte payloads, which no opcode can be hidden in: those are skipped, and read from the file when loading. Where
the proof went by what stands in one, the copy has a seal of that, and the load reads nothing else there.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field

__all__ = ["PASSED_OVER", "SKIP_AT_LEAST", "Seal", "StreamCopy"]

SKIP_AT_LEAST = 1 << 16  # bytes; a payload from this size on is skipped, a smaller one is cheaper to copy
PASSED_OVER = secrets.token_bytes(16)  # stands in what a trace has in place of a payload that was skipped, and in no file


@dataclass(frozen=True, slots=True)
class Seal:
    """What stood in a part of a payload when it was looked at.

    Parameters
    ----------
    offset
        Where the part starts, in bytes from the start of the stream.
    length
        Of the part, in bytes.
    digest
        sha256 of it.
    """

    offset: int
    length: int
    digest: bytes

    @classmethod
    def of(cls, offset: int, data: bytes | memoryview) -> Seal:
        """Seal some bytes."""
        return cls(offset, len(data), hashlib.sha256(data).digest())


@dataclass(frozen=True, slots=True)
class StreamCopy:
    """The bytes of one stream that can carry code.

    Parameters
    ----------
    segments
        `(offset, bytes)` pairs in order, offsets counted from the start of the stream; the gaps between them are payloads.
    length
        Bytes from the start of the stream to the end of its last opcode, where the plain load would leave the file.
    seals
        Of those parts of the payloads that the proof went by, in order; no two overlap.
    """

    segments: tuple[tuple[int, bytes], ...] = field(repr=False)
    length: int
    seals: tuple[Seal, ...] = field(default=(), repr=False)

    @property
    def whole(self) -> bool:
        """Whether nothing was skipped, so that the copy alone can be loaded."""
        return sum(len(data) for _, data in self.segments) >= self.length

    @property
    def digest(self) -> str:
        """sha256 over the segments, the seals and their places, hexadecimal."""
        state = hashlib.sha256(b"%d" % self.length)
        for offset, data in self.segments:
            state.update(b"|%d:%d|" % (offset, len(data)))
            state.update(data)
        for seal in self.seals:
            state.update(b"|seal %d:%d|" % (seal.offset, seal.length))
            state.update(seal.digest)
        return state.hexdigest()

    def is_of(self, content: bytes) -> bool:
        """Whether some bytes, from the start of the stream on, are those that were looked at."""
        view = memoryview(content)
        return all(view[at : at + len(data)] == data for at, data in self.segments) and all(
            Seal.of(seal.offset, view[seal.offset : seal.offset + seal.length]) == seal for seal in self.seals
        )
