"""Stand-ins that remember what a stream does to them, and what torch would make of that.

Every global of the stream becomes a class made here. Calling it, giving it a state or putting items into it only writes that down.
"""

from __future__ import annotations

import io
import pickle
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.engines.array_stand_ins import (
    array_of,
    as_bytes,
    described,
    is_array,
    is_number_type,
    objects_of,
    wrapped_array,
)
from jupyter_modelguard.engines.storages import LOAD_FROM_BYTES, MAGIC, PROTOCOL
from jupyter_modelguard.engines.tensor_layout import TYPES, Layout, Storage
from jupyter_modelguard.engines.tracer import no_extensions
from jupyter_modelguard.errors import ScanError

if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["StandIn", "TensorReader"]

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
_TENSORS: Final = ("torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3")
_PARAMETERS: Final = ("torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state")
_SUBCLASS: Final = "torch._tensor._rebuild_from_type_v2"
_MODULE: Final = ("_parameters", "_buffers", "_modules")
_MAPPINGS: Final = frozenset({"collections.OrderedDict", "collections.defaultdict", "builtins.dict", "__builtin__.dict"})
_WRAPPER: Final = "joblib.numpy_pickle.NumpyArrayWrapper"
_RECONSTRUCTORS: Final = frozenset({"copyreg._reconstructor", "copy_reg._reconstructor"})
_SETS: Final = frozenset({"builtins.set", "__builtin__.set"})


class StandIn:
    """An object that the stream makes of a global, and what it was given.

    Attributes
    ----------
    arguments
        Of the call, or of the constructor.
    state
        What BUILD gave it.
    items, listed
        What was put into it, by key and one after the other.
    changed
        Whether it was given a state more than once.
    """

    name = ""
    reader: TensorReader

    def __new__(cls, *arguments: Any, **_: Any) -> Any:
        """Write the arguments down, whatever way the stream asks for an object."""
        made = object.__new__(cls)
        made.arguments, made.state, made.items, made.listed, made.changed = arguments, None, {}, [], False
        made._found, made._stored = (), ()
        return made

    def __init__(self, *_: Any, **__: Any) -> None:
        self.arguments: tuple[Any, ...]
        self.state: Any
        self.items: dict[Any, Any]
        self.listed: list[Any]
        self.changed: bool
        self._found: tuple[Layout | None, ...]
        self._stored: tuple[Storage | None, ...]

    def __setstate__(self, state: Any) -> None:
        self.changed = self.state is not None
        self.state = state
        if self.name == _WRAPPER:
            self._found, self.listed = self.reader.pass_array(state)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.items[key] = value

    def append(self, item: Any) -> None:
        """Take an item of a list or of a set."""
        self.listed.append(item)

    add = append

    def __call__(self, *arguments: Any) -> Any:
        """Stand for what an object that is called would give."""
        return StandIn(*arguments)

    @property
    def is_tensor(self) -> bool:
        """Whether torch or NumPy would make a tensor or an array of it that can be copied out."""
        return self.tensor() is not None

    @property
    def looks_like_tensor(self) -> bool:
        """Whether it is some other tensor or array."""
        if self.is_tensor or objects_of(self) is not None:
            return False
        return (
            self.name.startswith(("torch._utils._rebuild_", _SUBCLASS))
            or is_array(self)
            or (self.name == _WRAPPER and not self.listed)
        )

    @property
    def is_leaf(self) -> bool:
        """Whether there is nothing to look for in it."""
        return is_number_type(self) or self.name == str(LOAD_FROM_BYTES)

    def tensor(self) -> Layout | None:
        """Say where the tensor lies; None if it is none."""
        if not self._found:
            self._found = (self._tensor(),)
        if self.name == _WRAPPER and (self.items or self.listed or self.changed):
            return None
        return self._found[0]

    def _tensor(self) -> Layout | None:
        given = self.arguments
        if is_array(self):
            return array_of(self)
        if self.state is not None or self.items or self.listed:
            return None  # a tensor that was changed after it was made holds other numbers than its storage
        if self.name in _PARAMETERS:
            return given[0].tensor() if given and isinstance(given[0], StandIn) else None
        if self.name == _SUBCLASS:
            function = given[0] if given else None
            kind = getattr(function, "name", "") if isinstance(function, type) and issubclass(function, StandIn) else ""
            if kind not in _TENSORS + _PARAMETERS or len(given) < 3 or type(given[2]) is not tuple:  # noqa: PLR2004 (function, class, arguments, state)
                return None
            return function(*given[2]).tensor()  # type: ignore[no-any-return, misc] # a stand-in's own constructor
        return _layout(self.name, given) if self.name in _TENSORS else None

    def storage(self) -> Storage | None:
        """Give the storage that a plain pickle keeps as bytes; it is read once, and its tensors share it."""
        if not self._stored:
            self._stored = (_stored(self),)
        return self._stored[0]

    def inside(self) -> list[tuple[Any, Any]] | None:
        """List what it holds, by key, attribute or place; None if there is nothing to look for."""
        if self.is_leaf:
            return None
        if (objects := objects_of(self)) is not None:
            return list(enumerate(objects))
        found = list(enumerate(self.listed))
        if self.name in _RECONSTRUCTORS:
            found += [("", item) for item in self.arguments[2:] if _holds(item)]  # what a class derived from dict or list holds
        states = self.state if type(self.state) is tuple and len(self.state) == 2 else (self.state,)  # noqa: PLR2004 attributes and slots
        if (mapping := self.mapping()) is not None:
            found += mapping.items()
        if mapping is None or (self.items and self.name not in _MAPPINGS):
            for state in states:
                found += state.items() if type(state) is dict else [("", state)] if _holds(state) else []
        if mapping is None and self.name not in _RECONSTRUCTORS:
            found += [(place, item) for place, item in enumerate(self.arguments) if _holds(item)]
        return found or None

    def mapping(self) -> dict[Any, Any] | None:
        """Give what it holds by key; None if it is no mapping and no object with attributes."""
        if self.name in _MAPPINGS or self.items:
            pairs = self.arguments[0] if self.arguments and type(self.arguments[0]) in (list, tuple, dict) else ()
            return {**dict(pairs), **self.items}
        return self.state if type(self.state) is dict else None

    def module(self) -> tuple[dict[Any, Any], ...] | None:
        """Give what a `torch.nn.Module` has in its state dict, part by part; None if it is none."""
        state = self.state
        if type(state) is not dict or any(key not in state for key in _MODULE):
            return None
        parameters, buffers, modules = (_as_mapping(state[key]) for key in _MODULE)
        if parameters is None or buffers is None or modules is None:
            return None
        passing = _as_set(state.get("_non_persistent_buffers_set"))
        return (
            {key: value for key, value in parameters.items() if value is not None},
            {key: value for key, value in buffers.items() if value is not None and key not in passing},
            {key: value for key, value in modules.items() if value is not None},
        )


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


def _stored(made: Any) -> Storage | None:
    """Read the storage that a plain pickle keeps as a file of torch in itself; None if it is no such thing."""
    data = as_bytes(made.arguments[0]) if len(made.arguments) == 1 and made.state is None else None
    if data is None or data[:1] != b"\x80":
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


def _layout(name: str, given: tuple[Any, ...]) -> Layout | None:
    if len(given) < 4:  # noqa: PLR2004 (storage, offset, shape, strides)
        return None
    storage, offset, shape, strides = given[:4]
    if getattr(storage, "name", "") == str(LOAD_FROM_BYTES) and isinstance(storage, StandIn):
        storage = storage.storage()
    if type(storage) is not Storage:
        return None
    dtype = storage.dtype
    if name.endswith("_v3"):
        kind = given[6] if len(given) > 6 else None  # noqa: PLR2004 behind requires_grad and hooks
        dtype = getattr(kind, "name", "").removeprefix("torch.") if isinstance(kind, type) else ""
    if dtype not in TYPES or type(shape) is not tuple or type(strides) is not tuple or len(shape) != len(strides):
        return None
    if any(type(number) is not int or number < 0 for number in (offset, *shape, *strides)):
        return None
    known, itemsize = TYPES[dtype]
    if storage.first and itemsize != storage.itemsize:
        return None
    return Layout(storage, known, itemsize, shape, strides, offset + storage.first)


def _as_mapping(value: Any) -> dict[Any, Any] | None:
    return value if type(value) is dict else value.mapping() if isinstance(value, StandIn) else None


def _as_set(value: Any) -> frozenset[Any]:
    if isinstance(value, StandIn) and value.name in _SETS and value.arguments and type(value.arguments[0]) is list:
        return frozenset(item for item in value.arguments[0] if type(item) is str)
    return frozenset(value) if type(value) in (set, frozenset) else frozenset()


def _holds(value: Any) -> bool:
    return isinstance(value, StandIn) or type(value) in (dict, list, tuple)
