"""What an engine is given to look at: a file, or a part of one that was unpacked."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.artifacts.source import StreamSource

if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["Content"]

_HEAD: Final = 4096


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes, and where they come from.

    Parameters
    ----------
    source
        Where they lie.
    size
        How many there are.
    head
        The first of them, at most 4,096: enough to tell most formats by.
    name
        Where in the file they were found: "archive/data.pkl"; empty for the file itself.
    depth
        How many containers they lie in.
    """

    source: StreamSource
    size: int
    head: bytes = field(repr=False)
    name: str = ""
    depth: int = 0

    @classmethod
    def of_file(cls, path: str) -> Content:
        """Take a regular file.

        Raises
        ------
        OSError
            It cannot be read.
        """
        with open(path, "rb") as file:  # noqa: PTH123 as in artifacts
            return cls(StreamSource(path=path), os.fstat(file.fileno()).st_size, file.read(_HEAD))

    @classmethod
    def of_bytes(cls, data: bytes, name: str = "", depth: int = 0) -> Content:
        """Take bytes in memory."""
        return cls(StreamSource(data=data), len(data), data[:_HEAD], name, depth)

    def inside(self, data: bytes, name: str) -> Content:
        """Take what was found in this one, by its name there."""
        return Content.of_bytes(data, f"{self.name}/{name}" if self.name else name, self.depth + 1)

    def open(self) -> BinaryIO:
        """Open for reading, at the start."""
        return self.source.open()

    def open_buffered(self) -> BinaryIO:
        """Open for reading in many small pieces, at the start."""
        return self.source.open_buffered()

    def read(self, size: int = -1) -> bytes:
        """Read from the start, to the end by default."""
        if self.source.path is None:
            return self.source.data if size < 0 else self.source.data[:size]
        with self.open() as file:
            return file.read(size)
