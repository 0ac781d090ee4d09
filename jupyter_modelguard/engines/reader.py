"""How the C unpickler is fed while it is traced, and how the bytes it saw are kept.

Every byte that can be an opcode is read from the file once, handed to the unpickler and kept; large payloads are jumped over. The two
readers differ in what they offer:

`FramedReader` has no `peek`, so the unpickler asks for exactly what it needs. With the frames of protocol 4 and 5 that is one call a
frame, and shows where a frame ends. What reads across the end of a frame is refused: Python's own readers disagree about the bytes
there (one loses them, one raises, one goes on), so a trace would prove nothing about the load.

`PeekingReader` offers large pieces to look ahead in, which older protocols need for speed.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.artifacts.copy import SKIP_AT_LEAST, StreamCopy
from jupyter_modelguard.artifacts.payload import LOOK_AHEAD, PayloadsPassedOver

if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["FramedReader", "PeekingReader", "StreamReader"]

_CHUNK = 1 << 18  # bytes; more than the unpickler ever asks to peek at
_FRAME = b"\x95"
_FRAME_HEAD = 8  # bytes of a frame's length
_BYTEARRAY8, _BINBYTES8 = b"\x96", b"\x8e"
_SIZE = 8  # bytes of the length that either opcode has
_ONE_BYTE_FOLLOWS = frozenset(b"hqKCU\x80\x82\x8a\x8c")  # opcodes whose argument, or the length of it, is one byte


class StreamReader:
    """Reads on from a file's position, keeps what was read, and jumps over large payloads."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._base = file.tell()
        self._size = max(0, file.seek(0, os.SEEK_END) - self._base)
        file.seek(self._base)
        self._chunk = b""
        self._at = 0  # place in the chunk
        self.position = 0  # bytes from the start of the stream that are read or jumped over
        self.keeps_payloads = False  # whether large payloads are read too, because something looks into them
        self.freezes = (
            False  # whether large bytearrays are handed out as bytes, because something looks into what was passed over
        )
        self.passed_over = PayloadsPassedOver(file)
        self._segments: list[tuple[int, bytearray]] = [(0, bytearray())]
        self._segment = self._segments[0][1]
        self.error: tuple[str, str] | None = None  # type and message with which the unpickler itself gave the stream up

    def read(self, size: int, /) -> bytes:
        """Read exactly what an opcode or its argument needs."""
        return self.take(size)

    @property
    def size(self) -> int:
        """Bytes from the start of the stream to the end of the file."""
        return self._size

    def copy(self) -> StreamCopy:
        """Give what was read so far."""
        return StreamCopy(tuple((start, bytes(data)) for start, data in self._segments if data), self.position)

    def readline(self) -> bytes:
        """Read to the end of a line, for the text opcodes."""
        line = b""
        while True:
            end = self._chunk.find(b"\n", self._at)
            if end >= 0:
                return line + self._take(end + 1 - self._at)
            line += self._take(len(self._chunk) - self._at)
            if not self._fill(1):
                return line

    def readinto(self, buffer: memoryview) -> int:
        """Fill a payload, or leave it as it is and jump over its bytes if it is large."""
        size = len(buffer)
        if size < SKIP_AT_LEAST or self.keeps_payloads:
            data = self.take(size)
            buffer[: len(data)] = data
            return len(data)
        mark = self.passed_over.mark(self.position, size)
        buffer[: len(mark)] = mark
        return self.jump(size)

    def take(self, size: int) -> bytes:
        """Read and keep; shorter only at the end of the file."""
        self._fill(size)
        return self._take(size)

    def jump(self, size: int) -> int:
        """Go on behind `size` bytes without reading them; tells how many there were."""
        size = min(size, self._size - self.position)
        inside = len(self._chunk) - self._at
        if size < inside:
            self._at += size
        else:
            self._chunk, self._at = b"", 0
            self._file.seek(size - inside, os.SEEK_CUR)
        self.position += size
        self._segment = bytearray()
        self._segments.append((self.position, self._segment))
        return size

    def _take(self, size: int) -> bytes:
        data = self._chunk[self._at : self._at + size]
        self._at += len(data)
        self.position += len(data)
        self._segment += data
        return data

    def _fill(self, size: int) -> bool:
        """Have at least `size` bytes in the chunk if the file has them; whether there is more than nothing."""
        missing = size - (len(self._chunk) - self._at)
        if missing > 0:
            pieces = [self._chunk[self._at :]]
            wanted = max(missing, _CHUNK)
            while wanted > 0:
                piece = self._file.read(min(wanted, 1 << 26))
                if not piece:
                    break
                pieces.append(piece)
                wanted -= len(piece)
            self._chunk, self._at = b"".join(pieces), 0
        return len(self._chunk) > self._at


class FramedReader(StreamReader):
    """Answers exact requests and watches that nothing reads across the end of a frame."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.crossed = False
        self._expects = ""  # "length" after a FRAME opcode, "frame" after its length, "opcode" after its content
        self._length = -1
        self._frozen = False  # whether the last answer was such an opcode
        self._opcode = b""  # the last request, if that was for an opcode

    def read(self, size: int, /) -> bytes:
        """Read exactly what an opcode or its argument needs, and see where frames end."""
        # What was taken for an opcode and answered with another one must have been one: its length is asked for next.
        if (self._expects == "opcode" and size != 1) or (self._frozen and size != _SIZE):
            self.crossed = True
        data = self.take(size)
        if size == 1 and data == _FRAME:
            self._expects = "length"
        elif self._expects == "length" and size == _FRAME_HEAD:
            self._expects = "frame"
            self._length = int.from_bytes(data, "little")
        elif self._expects == "frame" and size == self._length:
            self._expects = "opcode"
        else:
            self._expects = ""
        self._opcode = data if size == 1 and not (self._opcode and self._opcode[0] in _ONE_BYTE_FOLLOWS) else b""
        self._frozen = self.freezes and self._opcode == _BYTEARRAY8 and self._is_large()
        return _BINBYTES8 if self._frozen else data

    def _is_large(self) -> bool:
        """Whether the payload of the opcode that was read now is going to be passed over.

        It becomes bytes, which no later opcode can change: one that would change the bytearray ends the trace.
        """
        self._fill(_SIZE)
        length = int.from_bytes(self._chunk[self._at : self._at + _SIZE], "little")
        return SKIP_AT_LEAST <= length <= self._size - self.position

    def readline(self) -> bytes:
        """Read to the end of a line, for the text opcodes."""
        self._leave()
        return super().readline()

    def readinto(self, buffer: memoryview) -> int:
        """Fill or jump over a payload."""
        self._leave()
        return super().readinto(buffer)

    def resume(self) -> None:
        """Say that somebody else read from the stream: what comes next must be an opcode, as behind a frame."""
        self.crossed |= self._frozen
        self._expects, self._frozen, self._opcode = "opcode", False, b""

    def _leave(self) -> None:
        self.crossed |= self._expects == "opcode" or self._frozen
        self._expects = ""
        self._frozen = False
        self._opcode = b""


class PeekingReader(StreamReader):
    """Lets the unpickler look ahead, and keeps what it then says it used."""

    def peek(self, _size: int) -> Any:
        """Show what comes next; at least 128 KiB of it if the file has as much."""
        self._fill(1 << 17)
        return memoryview(self._chunk)[self._at : self._at + LOOK_AHEAD]
