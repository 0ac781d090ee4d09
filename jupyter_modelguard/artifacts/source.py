"""Where the bytes of a stream lie, in a form that a worker process can be told."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import BinaryIO

from jupyter_modelguard.artifacts.parts_read import WatchedFile

__all__ = ["StreamSource"]


@dataclass(frozen=True, slots=True)
class StreamSource:
    """Bytes in a regular file from `offset` on, or in memory.

    Parameters
    ----------
    path
        A regular file of this machine; None when `data` holds the bytes.
    offset
        Where the stream starts in the file, in bytes.
    data
        The bytes themselves, for what is small and has no file.
    """

    path: str | None = None
    offset: int = 0
    data: bytes = field(default=b"", repr=False)

    def open(self) -> BinaryIO:
        """Open for reading, unbuffered and watched where there is a file, positioned at the start of the stream."""
        if self.path is None:
            return io.BytesIO(self.data)
        file = WatchedFile(self.path)
        file.seek(self.offset)
        return file

    def open_buffered(self) -> BinaryIO:
        """Open for reading in many small pieces, positioned at the start of the stream."""
        if self.path is None:
            return io.BytesIO(self.data)
        file = open(self.path, "rb")  # noqa: SIM115 the caller closes it
        file.seek(self.offset)
        return file
