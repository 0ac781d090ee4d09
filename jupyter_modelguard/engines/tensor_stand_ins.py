"""Stand-ins that remember what a stream does to them, and what torch would make of that.

Every global of the stream becomes a class made here. Calling it, giving it a state or putting items into it only writes that down.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.engines.tracer import no_extensions
from jupyter_modelguard.errors import ScanError

if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["Layout", "StandIn", "Storage", "TensorReader"]

_TYPES: Final = {  # of torch: as safetensors calls it, and bytes of an element
    "float64": ("F64", 8),
    "float32": ("F32", 4),
    "float16": ("F16", 2),
    "bfloat16": ("BF16", 2),
    "int64": ("I64", 8),
    "int32": ("I32", 4),
    "int16": ("I16", 2),
    "int8": ("I8", 1),
    "uint8": ("U8", 1),
    "bool": ("BOOL", 1),
    "float8_e4m3fn": ("F8_E4M3", 1),
    "float8_e5m2": ("F8_E5M2", 1),
}
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
_SETS: Final = frozenset({"builtins.set", "__builtin__.set"})


@dataclass(frozen=True, slots=True)
class Storage:
    """The numbers that tensors are views of."""

    key: str
    dtype: str  # of torch: "float32"
    count: int
    first: int = 0  # where a view of another storage starts in it, in elements

    @property
    def itemsize(self) -> int:
        """Bytes of an element."""
        return _TYPES[self.dtype][1]


@dataclass(frozen=True, slots=True)
class Layout:
    """A tensor as its storage holds it; sizes in elements of its own type."""

    storage: Storage
    dtype: str  # as safetensors calls it
    itemsize: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int

    @property
    def reaches(self) -> int:
        """Elements from the start of the storage to the end of the tensor."""
        if 0 in self.shape:
            return 0
        return self.offset + 1 + sum((length - 1) * stride for length, stride in zip(self.shape, self.strides, strict=True))


class StandIn:
    """An object that the stream makes of a global; `arguments`, `state` and `items` are what it was given."""

    name = ""

    def __new__(cls, *arguments: Any, **_: Any) -> Any:
        """Write the arguments down, whatever way the stream asks for an object."""
        made = object.__new__(cls)
        made.arguments, made.state, made.items = arguments, None, {}
        return made

    def __init__(self, *_: Any, **__: Any) -> None:
        self.arguments: tuple[Any, ...]
        self.state: Any
        self.items: dict[Any, Any]

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __setitem__(self, key: Any, value: Any) -> None:
        self.items[key] = value

    def append(self, _: Any) -> None:
        """Take an item of a list; none is looked for there."""

    def __call__(self, *arguments: Any) -> Any:
        """Stand for what an object that is called would give."""
        return StandIn(*arguments)

    @property
    def is_tensor(self) -> bool:
        """Whether torch would make a tensor of it that can be copied out."""
        return self.tensor() is not None

    @property
    def looks_like_tensor(self) -> bool:
        """Whether it is some other tensor."""
        return self.name.startswith(("torch._utils._rebuild_", _SUBCLASS)) and not self.is_tensor

    def tensor(self) -> Layout | None:
        """Say where the tensor lies; None if it is none."""
        given = self.arguments
        if self.name in _PARAMETERS:
            return given[0].tensor() if given and isinstance(given[0], StandIn) else None
        if self.name == _SUBCLASS:
            function = given[0] if given else None
            kind = getattr(function, "name", "") if isinstance(function, type) and issubclass(function, StandIn) else ""
            if kind not in _TENSORS + _PARAMETERS or len(given) < 3 or type(given[2]) is not tuple:  # noqa: PLR2004 (function, class, arguments, state)
                return None
            return function(*given[2]).tensor()  # type: ignore[no-any-return, misc] # a stand-in's own constructor
        return _layout(self.name, given) if self.name in _TENSORS else None

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
        Standing at the stream.
    legacy
        Whether persistent ids are those of torch's old format.
    sizes
        Takes the bytes of an element of each storage, by key.
    """

    def __init__(self, file: BinaryIO, *, legacy: bool, sizes: dict[str, int] | None = None) -> None:
        super().__init__(file, encoding="utf-8", errors="surrogateescape")
        self._legacy = legacy
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
            self._known[full] = type("StandIn", (StandIn,), {"name": full})
        return self._known[full]

    def persistent_load(self, pid: Any) -> Any:
        """Make a storage."""
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
        first, size = 0, _TYPES[dtype][1]
        if self._legacy and pid[5] is not None:
            view = pid[5]
            if type(view) is not tuple or [type(item) for item in view] != [str, int, int] or min(view[1:]) < 0:
                raise ScanError("it has a view of a storage that torch does not write")
            first = view[1]
        if self._sizes.setdefault(key, size) != size:
            raise ScanError("it uses a storage as two types")
        return Storage(key, dtype, count, first)


def _layout(name: str, given: tuple[Any, ...]) -> Layout | None:
    if len(given) < 4 or type(given[0]) is not Storage:  # noqa: PLR2004 (storage, offset, shape, strides)
        return None
    storage, offset, shape, strides = given[:4]
    dtype = storage.dtype
    if name.endswith("_v3"):
        kind = given[6] if len(given) > 6 else None  # noqa: PLR2004 behind requires_grad and hooks
        dtype = getattr(kind, "name", "").removeprefix("torch.") if isinstance(kind, type) else ""
    if dtype not in _TYPES or type(shape) is not tuple or type(strides) is not tuple or len(shape) != len(strides):
        return None
    if any(type(number) is not int or number < 0 for number in (offset, *shape, *strides)):
        return None
    known, itemsize = _TYPES[dtype]
    if storage.first and itemsize != storage.itemsize:
        return None
    return Layout(storage, known, itemsize, shape, strides, offset + storage.first)


def _as_mapping(value: Any) -> dict[Any, Any] | None:
    return value if type(value) is dict else value.mapping() if isinstance(value, StandIn) else None


def _as_set(value: Any) -> frozenset[Any]:
    if isinstance(value, StandIn) and value.name in _SETS and value.arguments and type(value.arguments[0]) is list:
        return frozenset(item for item in value.arguments[0] if type(item) is str)
    return frozenset(value) if type(value) in (set, frozenset) else frozenset()
