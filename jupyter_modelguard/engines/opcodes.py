"""The opcodes of a proved stream with their positions, for people who want to see the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_modelguard.artifacts.copy import StreamCopy

__all__ = ["CopyFile"]


class CopyFile:
    """Reads a copy as one file; what was skipped reads as zeros.

    Parameters
    ----------
    copy
        The code-bearing bytes.
    hollow
        Whether a payload that was skipped as a whole reads as something that has its length alone, and takes no memory.
    """

    def __init__(self, copy: StreamCopy, *, hollow: bool = False) -> None:
        self._hollow = hollow
        self._segments = copy.segments
        self._length = copy.length
        self._at = 0
        self._here: tuple[int, bytes] = (0, b"")  # the segment that was read from last

    def tell(self) -> int:
        """Give the position in the stream, in bytes."""
        return self._at

    def read(self, size: int, /) -> bytes:
        """Read up to `size` bytes."""
        first, content = self._here
        place = self._at - first
        if place >= 0 and 0 <= size <= len(content) - place:  # nearly always: this runs a few times for every opcode
            self._at += size
            return content[place : place + size]
        size = max(0, min(size, self._length - self._at))
        end = self._at + size
        if self._hollow and size and not any(start < end and self._at < start + len(data) for start, data in self._segments):
            self._at = end
            return cast("bytes", _Payload(size))
        pieces = []
        for start, data in self._segments:
            if start >= end:
                break
            if start + len(data) <= self._at:
                continue
            if start > self._at:
                pieces.append(bytes(start - self._at))
                self._at = start
            self._here = start, data
            piece = data[self._at - start : end - start]
            pieces.append(piece)
            self._at += len(piece)
        if self._at < end:
            pieces.append(bytes(end - self._at))
            self._at = end
        return b"".join(pieces)

    def readline(self) -> bytes:
        """Read to the end of a line, within one segment."""
        for start, data in self._segments:
            if start <= self._at < start + len(data):
                end = data.find(b"\n", self._at - start)
                line = data[self._at - start : end + 1 if end >= 0 else len(data)]
                self._at += len(line)
                return line
        return b""


class _Payload:
    """Has as many bytes as it says, for a parser that asks for no more than that."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[int]:
        return iter(())  # what it becomes as a bytearray is not looked at
