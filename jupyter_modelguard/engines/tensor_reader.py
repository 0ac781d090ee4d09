"""Read a stream of torch, pickle or joblib with stand-ins for all that it names."""

from __future__ import annotations

import io
import pickle
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.engines.array_stand_ins import described, objects_of, wrapped_array
from jupyter_modelguard.engines.storages import MAGIC, PROTOCOL
from jupyter_modelguard.engines.tensor_layout import TYPES, Layout, Storage
from jupyter_modelguard.engines.tensor_stand_ins import StandIn
from jupyter_modelguard.engines.tracer import no_extensions
from jupyter_modelguard.errors import ScanError

if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["TensorReader"]

_STORAGES: Final = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "UntypedStorage": "uint8",
}


class TensorReader(pickle.Unpickler):
    """Reads one stream with stand-ins for all that it names.

    Parameters
    ----------
    file
        Standing at the stream. It must not offer to peek where arrays stand between the opcodes.
    legacy
        Whether persistent ids are those of torch's old format.
    sizes
        Takes the bytes of an element of each storage, by key.
    plain
        Whether it is a plain pickle, which has no persistent ids.
    """

    def __init__(self, file: BinaryIO, *, legacy: bool = False, sizes: dict[str, int] | None = None, plain: bool = False) -> None:
        super().__init__(file, encoding="utf-8", errors="surrogateescape")
        self._file = file
        self._legacy = legacy
        self._plain = plain
        self._sizes = {} if sizes is None else sizes
        self._known: dict[str, type] = {}

    def load(self) -> Any:
        """Read it; raises whatever an unpickler raises."""
        with no_extensions():
            return super().load()

    def find_class(self, module: str, name: str) -> Any:
        """Make a stand-in."""
        full = f"{str.__str__(module)}.{str.__str__(name)}"
        if full not in self._known:
            self._known[full] = type("StandIn", (StandIn,), {"name": full, "reader": self})
        return self._known[full]

    def persistent_load(self, pid: Any) -> Any:
        """Make a storage."""
        if self._plain:
            raise ScanError("it refers to something outside it, which only the program that wrote it knows")
        if self._legacy and type(pid) is tuple and pid[:1] == ("module",) and len(pid) > 1:
            return pid[1]
        if type(pid) is not tuple or len(pid) not in ((6,) if self._legacy else (5,)) or pid[0] != "storage":
            raise ScanError("it refers to something else than storages")
        kind, key, count = pid[1], pid[2], pid[4]
        name = getattr(kind, "name", "") if isinstance(kind, type) and issubclass(kind, StandIn) else ""
        dtype = _STORAGES.get(name.rpartition(".")[2]) if name.startswith("torch.") else None
        if dtype is None and not self._legacy:
            return None  # what is made of it is named as left out; the old format cannot even be read past it
        if dtype is None or type(key) is not str or type(count) is not int or count < 0:
            raise ScanError("it has storages of a type that cannot be copied out")
        first, size = 0, TYPES[dtype][1]
        if self._legacy and pid[5] is not None:
            view = pid[5]
            if type(view) is not tuple or [type(item) for item in view] != [str, int, int] or min(view[1:]) < 0:
                raise ScanError("it has a view of a storage that torch does not write")
            first = view[1]
        if self._sizes.setdefault(key, size) != size:
            raise ScanError("it uses a storage as two types")
        return Storage(key, dtype, count, first)

    def stored(self, data: Any) -> Storage | None:
        """Read the storage that a plain pickle keeps as bytes; None if it is none."""
        return _stored(data)

    def pass_array(self, state: Any) -> tuple[tuple[Layout | None], list[Any]]:
        """Read the raw array that joblib keeps behind its description: its layout, or the objects that it holds."""
        wrapped = wrapped_array(state)
        if wrapped is None or not self._plain:
            raise ScanError("it describes an array in a way that joblib does not")
        length = wrapped[0]
        if length < 0:
            made = TensorReader(self._file, plain=True).load()
            objects = objects_of(made) if isinstance(made, StandIn) else None
            return (None,), [made] if objects is None else objects
        if state.get("numpy_array_alignment_bytes") is not None:
            padding = self._file.read(1)
            self._file.read(padding[0] if padding else 0)
        data = self._file.read(length)
        if len(data) < length:
            raise ScanError("it is cut off")
        return (described(state, data),), []


def _stored(data: Any) -> Storage | None:
    """Read a storage in bytes, which are a file of torch's old format that holds it alone; None if they are no such thing."""
    if data[:1] != b"\x80":
        return None
    file = io.BytesIO(data)
    sizes: dict[str, int] = {}
    magic, protocol, system, stored, keys = (TensorReader(file, legacy=True, sizes=sizes).load() for _ in range(5))
    if magic != MAGIC or protocol != PROTOCOL or type(system) is not dict or system.get("little_endian") is not True:
        return None
    if type(stored) is not Storage or keys != [stored.key] or stored.first:
        return None
    count, numbers = file.read(8), memoryview(data)[file.tell() :]
    length = stored.count * stored.itemsize
    if int.from_bytes(count, "little") != stored.count or len(numbers) != length:
        return None
    return Storage("", stored.dtype, stored.count, 0, numbers)
