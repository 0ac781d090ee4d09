"""Read one pickle stream out of something that cannot be rewound, and not a byte more.

A pipe or a socket may carry further streams, and reading ahead would steal their bytes or wait for ever. So the opcodes are walked one
at a time, which reads exactly up to STOP.
"""

from __future__ import annotations

import pickletools
from typing import Any

__all__ = ["record_stream"]


class _Recorder:
    """Hands on `read` and `readline` and keeps what went through."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.kept = bytearray()

    def read(self, size: int) -> bytes:
        data = bytes(self._file.read(size))
        self.kept += data
        return data

    def readline(self) -> bytes:
        data = bytes(self._file.readline())
        self.kept += data
        return data


def record_stream(file: Any) -> bytes:
    """Return the bytes of the next stream; of a broken one, what could be read of it."""
    recorder: Any = _Recorder(file)
    try:
        for _ in pickletools.genops(recorder):
            pass
    except (ValueError, AttributeError, TypeError, OverflowError):
        pass  # the loader itself says what is wrong with it, from the same bytes
    return bytes(recorder.kept)
