"""Reach the bytes of a load: a path, a file object or bytes become one source that can be looked at and then loaded from.

A regular file is looked at where it lies and read again from the proved copy. Whatever else can be read and rewound (a `BytesIO`, a
decompressing reader) is read to its end once, and those very bytes are looked at and loaded.
"""

from __future__ import annotations

import io
import os
import tempfile
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from jupyter_modelguard.artifacts.content import digest_of_bytes, digest_of_file
from jupyter_modelguard.artifacts.lease import holds, lease
from jupyter_modelguard.artifacts.private_copy import empty_copy
from jupyter_modelguard.artifacts.recording import record_stream
from jupyter_modelguard.artifacts.regular_file import open_regular, path_to, regular_descriptor, state_of
from jupyter_modelguard.artifacts.replay import replay
from jupyter_modelguard.artifacts.source import StreamSource

if TYPE_CHECKING:
    from jupyter_modelguard.artifacts.copy import StreamCopy
    from jupyter_modelguard.artifacts.parts_read import PartsRead

__all__ = ["Reached", "file_name", "path_of", "position"]

_READ = 1 << 26  # bytes a system call
_COPIED = 1 << 25  # bytes; copying that many takes some 10 ms
_INLINE = 1 << 20  # bytes; what is larger travels to the worker through a private file instead of its pipe


def path_of(target: object) -> str | None:
    """Return the path that a load was given, resolved once to an exact `str`, or None if it was given no path.

    Raises
    ------
    TypeError
        If `__fspath__` yields neither `str` nor `bytes`.
    """
    if isinstance(target, (str, bytes, os.PathLike)):
        path = os.fsdecode(os.fspath(target))
        return os.path.abspath(str.__str__(path))
    return None


def file_name(file: object) -> str:
    """Return the absolute path that a file object says it has, or an empty string."""
    name = getattr(file, "name", "")
    if type(name) is not str or not name:
        return ""
    return name if name[0] == "/" else os.path.abspath(name)


def position(file: Any) -> int | None:
    """Return where a file object stands, or None if there is no way back to it: a pipe, a socket, a decompressor that only goes on."""
    try:
        start = file.tell()
        seekable = getattr(file, "seekable", None)
        return start if type(start) is int and (seekable is None or seekable()) else None
    except Exception:  # noqa: BLE001 whatever the caller's object raises
        return None


class Reached:
    """The bytes of one load, in reach.

    Use as a context manager: leaving it closes what was opened for the look, never what the caller handed over.

    Attributes
    ----------
    source
        What the worker is told.
    name
        The absolute path for people and records, or an empty string for bytes in memory.
    size
        Bytes from the start of the stream to the end of what could be read.
    alone
        Whether the load reads these bytes and nothing else; said by a hook that knows.
    """

    def __init__(self, source: StreamSource, name: str, size: int, descriptor: int | None, spool: str | None = None) -> None:
        self.source = source
        self.name = name
        self.size = size
        self.alone = False
        self._descriptor = descriptor
        self._spool = spool
        self._held = False
        self._path = ""
        self._seen = None if descriptor is None or spool is not None else state_of(os.fstat(descriptor))

    @classmethod
    def at_path(cls, path: str) -> Self:
        """Reach a regular file by its path.

        Raises
        ------
        OSError
            Whatever `open` would raise; `OSError` too for FIFOs, sockets and devices, which can neither be looked at nor rewound.
        """
        descriptor = open_regular(path)
        reached = cls(StreamSource(path=path), path, os.fstat(descriptor).st_size, descriptor)
        reached._path = path
        return reached

    @classmethod
    def of_file(cls, file: BinaryIO, start: int) -> Self:
        """Reach what a seekable file object holds from `start` on; the file is left at `start`."""
        descriptor = regular_descriptor(file)
        if descriptor is not None:
            name = file_name(file)
            size = max(os.fstat(descriptor).st_size - start, 0)
            return cls(StreamSource(path=path_to(descriptor, name), offset=start), name, size, os.dup(descriptor))
        file.seek(start)
        data = file.read()
        file.seek(start)
        return cls.of_bytes(bytes(data), file_name(file))

    @classmethod
    def of_pipe(cls, file: BinaryIO) -> Self:
        """Reach one pickle stream of something that cannot be rewound; exactly its bytes are taken out of it."""
        return cls.of_bytes(record_stream(file), file_name(file))

    @classmethod
    def of_bytes(cls, data: bytes, name: str = "") -> Self:
        """Reach bytes in memory; a large block is handed to the worker through a private file."""
        if len(data) <= _INLINE:
            return cls(StreamSource(data=data), name, len(data), None)
        descriptor, spool = tempfile.mkstemp(prefix="modelguard-")
        with open(descriptor, "wb", closefd=False) as file:
            file.write(data)
        reached = cls(StreamSource(path=spool), name, len(data), descriptor, spool)
        reached._data = data
        return reached

    _data: bytes | None = None

    @property
    def data(self) -> bytes | None:
        """The bytes themselves when they are in memory already."""
        return self._data if self._spool is not None else (self.source.data if self.source.path is None else None)

    def everything(self) -> bytes:
        """Read all bytes from the start of the stream, for what could not be traced to its end."""
        if self.data is not None:
            return self.data
        assert self._descriptor is not None  # noqa: S101 only bytes in memory have none
        # not through a file object: a duplicated descriptor shares its position with the caller's
        parts, position = [], self.source.offset
        while part := os.pread(self._descriptor, _READ, position):
            parts.append(part)
            position += len(part)
        return b"".join(parts)

    def holds(self, parts: PartsRead | None) -> bool:
        """Whether what somebody read of a file stands here in the same places."""
        return parts is not None and self._descriptor is not None and parts.stand_in(self._descriptor)

    def hold(self) -> str:
        """Keep the bytes as they are until this is closed, whatever becomes of the file; raises `OSError` where there is no room.

        Where `kept` is not true any more after they were read, somebody has written to them after all.

        Returns
        -------
        str
            sha256 of all of them from the start of the stream, hexadecimal.
        """
        if self.data is not None or self._held:
            self._held = True
            return self.digest()
        assert self._descriptor is not None  # noqa: S101 only bytes in memory have none
        size = os.fstat(self._descriptor).st_size
        if size > _COPIED and self._take_lease(self._descriptor):
            digest = self.digest()
        else:
            copy, name = empty_copy(size)
            try:
                digest = digest_of_file(self._descriptor, self.source.offset, copy)
            except BaseException:
                os.close(copy)
                if name is not None:
                    os.unlink(name)
                raise
            os.close(self._descriptor)
            self._descriptor, self._spool = copy, name
        self._held = True
        return digest

    def digest(self) -> str:
        """Return the sha256 of all bytes from the start of the stream as they are by now, hexadecimal."""
        if self.data is not None:
            return digest_of_bytes(self.data)
        assert self._descriptor is not None  # noqa: S101 only bytes in memory have none
        return digest_of_file(self._descriptor, self.source.offset)

    def _take_lease(self, descriptor: int) -> bool:
        """Hold writers back by an opening of our own, whose position nobody shares; False where that cannot be had."""
        try:
            own = os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY)
        except OSError:
            return False
        until = lease(own)
        if not until:
            os.close(own)
            return False
        os.close(descriptor)
        self._descriptor = self._leased = own
        self._until = until
        return True

    _leased: int | None = None
    _until: float = 0.0

    @property
    def kept(self) -> bool:
        """Whether what is held cannot have been written to so far; always so for a copy."""
        return self._leased is None or holds(self._leased, self._until)

    def held(self) -> BinaryIO | None:
        """Open what is held, for a library that reads all of it by itself; None while nothing is."""
        if not self._held:
            return None
        if self.data is not None:
            return io.BytesIO(self.data)
        assert self._descriptor is not None  # noqa: S101 only bytes in memory have none
        file = os.fdopen(os.dup(self._descriptor), "rb")
        file.seek(self.source.offset)
        return file

    def changed(self) -> bool:
        """Whether the file is another one by now, or was written to since it was reached; never for bytes that are in hand."""
        if self._seen is None or self._held or self._descriptor is None:
            return False
        try:
            return state_of(os.stat(self._path) if self._path else os.fstat(self._descriptor)) != self._seen
        except OSError:
            return True

    def renew(self) -> None:
        """Reach what is there now; raises `OSError` where nothing is."""
        assert self._descriptor is not None  # noqa: S101 nothing else changes
        if self._path:
            descriptor = open_regular(self._path)
            os.close(self._descriptor)
            self._descriptor = descriptor
        status = os.fstat(self._descriptor)
        self.size, self._seen = max(status.st_size - self.source.offset, 0), state_of(status)

    def extend(self) -> bool:
        """Reach further, where bytes are obtained step by step; whether there was more."""
        return False

    def replay(self, copy: StreamCopy | None, *, tail: bool = False) -> BinaryIO:
        """Open the bytes that were looked at for the load; without a copy, everything that could be read. See `replay.replay`."""
        if self.data is not None:
            return io.BytesIO(self.data)
        if copy is None:
            return io.BytesIO(self.everything())
        assert self._descriptor is not None  # noqa: S101 only bytes in memory have none
        return replay(copy, self._descriptor, self.source.offset, self.name, tail=tail)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        if self._spool is not None:
            os.unlink(self._spool)
