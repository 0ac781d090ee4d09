"""Read a stream again from the copy that was proved, payloads from the file.

The reader serves every byte an opcode can stand in from the copy, so a file that was rewritten since cannot change what runs. Only
the payloads that the trace skipped come from the file: bytes of arrays and strings, never opcodes. Parts of them that the proof went by
are sealed, and served only as they were then.
"""

from __future__ import annotations

import bisect
import io
import os
from operator import attrgetter
from typing import TYPE_CHECKING, BinaryIO

from jupyter_modelguard.artifacts.copy import Seal

if TYPE_CHECKING:
    from jupyter_modelguard.artifacts.copy import StreamCopy

__all__ = ["replay"]

_BUFFER = 1 << 16  # bytes; what the C unpickler is handed at a time


def replay(copy: StreamCopy, descriptor: int, base: int, name: str = "", *, tail: bool = False) -> BinaryIO:
    """Open the proved bytes for one load.

    Parameters
    ----------
    copy
        The code-bearing bytes.
    descriptor
        An open file descriptor that the payloads are read from; this reader neither moves nor closes it.
    base
        Where the stream starts in that file, in bytes.
    name
        What libraries that ask for the file's name are told.
    tail
        Whether to serve the file's bytes behind the copy too, for formats that keep raw arrays there.

    Returns
    -------
    BinaryIO
        A seekable buffered reader at the start of the stream. It raises an `OSError` where a sealed part is not what it was.
    """
    if copy.whole and not tail:
        return _NamedBytes(b"".join(data for _, data in copy.segments), name)
    return io.BufferedReader(_ReplayRaw(copy, descriptor, base, name, tail=tail), _BUFFER)


class _NamedBytes(io.BytesIO):
    """Bytes in memory that know which file they were."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


class _ReplayRaw(io.RawIOBase):
    """The raw side of the reader: segments from memory, gaps and the tail from the file."""

    def __init__(self, copy: StreamCopy, descriptor: int, base: int, name: str, *, tail: bool) -> None:
        self._starts = [offset for offset, _ in copy.segments]
        self._segments = copy.segments
        self._seals = copy.seals
        self._unsealed = (-1, b"")  # the last sealed part that was served in pieces, and its place
        self._length = copy.length
        self._descriptor = descriptor
        self._base = base
        self._position = 0
        self._end = max(os.fstat(descriptor).st_size - base, copy.length) if tail else copy.length
        self.name = name

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._end}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override] # the base names a wider protocol
        view = memoryview(buffer).cast("B")
        wanted = min(len(view), self._end - self._position)
        if wanted <= 0:
            return 0
        index = bisect.bisect_right(self._starts, self._position) - 1
        if index >= 0:
            start, data = self._segments[index]
            inside = self._position - start
            if inside < len(data):
                count = min(wanted, len(data) - inside)
                view[:count] = data[inside : inside + count]
                self._position += count
                return count
        gap_end = self._starts[index + 1] if index + 1 < len(self._starts) else self._end
        count = self._from_file(view[: min(wanted, gap_end - self._position)])
        self._position += count
        return count

    def _from_file(self, view: memoryview) -> int:
        """Read on in a payload, up to the next place where a sealed part begins or ends."""
        index = bisect.bisect_right(self._seals, self._position, key=attrgetter("offset"))
        seal = self._seals[index - 1] if index else None
        if seal is not None and self._position < seal.offset + seal.length:
            return self._from_sealed(seal, view)
        if index < len(self._seals):
            view = view[: self._seals[index].offset - self._position]
        return os.preadv(self._descriptor, [view], self._base + self._position)

    def _from_sealed(self, seal: Seal, view: memoryview) -> int:
        inside = self._position - seal.offset
        if not inside and len(view) >= seal.length:
            self._fill(seal, view[: seal.length])  # where it is going to be used: nobody else can change it there
            return seal.length
        if self._unsealed[0] != seal.offset:
            part = bytearray(seal.length)
            self._fill(seal, memoryview(part))
            self._unsealed = (seal.offset, bytes(part))
        piece = self._unsealed[1][inside : inside + len(view)]
        view[: len(piece)] = piece
        return len(piece)

    def _fill(self, seal: Seal, view: memoryview) -> None:
        got = 0
        while got < len(view):
            count = os.preadv(self._descriptor, [view[got:]], self._base + seal.offset + got)
            if not count:
                break
            got += count
        if got < len(view) or Seal.of(seal.offset, view) != seal:
            view[:] = bytes(len(view))
            raise OSError(f"{self.name or 'The file'} was changed after it was looked at. Load it again.")
