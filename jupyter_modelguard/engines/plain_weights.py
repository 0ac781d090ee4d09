"""Read a plain pickle or a file of joblib, compressed or not, with stand-ins: what it holds, with the numbers in memory."""

from __future__ import annotations

import io
import mmap
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.engines.formats.compressed import opener
from jupyter_modelguard.engines.scanner import Scanner
from jupyter_modelguard.engines.tensor_reader import TensorReader
from jupyter_modelguard.errors import ScanError

if TYPE_CHECKING:
    from typing import BinaryIO

    from jupyter_modelguard.engines.tensor_layout import Storage

__all__ = ["Spool", "read_plain"]

_MAPPED: Final = 1 << 16  # bytes from which on a file is mapped, since the unpickler asks for every opcode by itself


def read_plain(file: BinaryIO, head: bytes, size: int) -> tuple[Any, int]:
    """Read the first pickle of a file.

    Parameters
    ----------
    file
        Standing at its start.
    head
        Its first bytes.
    size
        Of the file, in bytes.

    Returns
    -------
    tuple
        What the pickle holds, and how many bytes there are when the file is unpacked.

    Raises
    ------
    ScanError
        If it would grow beyond what a scan may unpack; and whatever an unpickler raises.
    """
    packed = opener(head)
    if packed is not None:
        data = Scanner(()).unpack(packed[1](file))
        if opener(data[:16]) is not None:
            raise ScanError("it is compressed more than once; unpack it first")
        return TensorReader(io.BytesIO(data), plain=True).load(), len(data)
    if size < _MAPPED:
        return TensorReader(io.BytesIO(file.read()), plain=True).load(), size
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        return TensorReader(mapped, plain=True).load(), size  # type: ignore[arg-type] # it reads like a file


class Spool:
    """Keeps the numbers of plain pickles in a file, from where they can be copied like those of any other.

    Parameters
    ----------
    path
        The file to write; None to find out what there would be.
    most
        How many bytes may be written.
    """

    def __init__(self, path: str | None, most: int) -> None:
        self._path = path
        self._left = most
        self._places: dict[int, tuple[int, Any]] = {}  # with the numbers themselves, so that none take the place of others
        self._end = 0

    def place(self, storage: Storage) -> tuple[int, int]:
        """Give the start and the length of the numbers of a storage; they are written once."""
        data = storage.data
        if data is None:
            return -1, -1
        length = len(data)
        if id(data) not in self._places:
            self._left -= length
            if self._left < 0:
                raise ScanError("written out, its tensors would be much larger than the file")
            self._write(data)
            self._places[id(data)] = self._end, data
            self._end += length
        return self._places[id(data)][0], length

    def _write(self, data: bytes | memoryview) -> None:
        if self._path is None:
            return
        try:
            with open(self._path, "ab") as file:  # noqa: PTH123 as in artifacts
                file.write(data)
        except OSError as error:
            raise ScanError(f"there is no room to keep its numbers: {error.strerror or error}") from None
