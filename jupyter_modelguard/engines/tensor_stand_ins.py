"""Stand-ins that remember what a stream does to them, and what torch would make of that.

Every global of the stream becomes a class made here. Calling it, giving it a state or putting items into it only writes that down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.engines.array_stand_ins import array_of, as_bytes, is_array, is_number_type, objects_of
from jupyter_modelguard.engines.storages import LOAD_FROM_BYTES
from jupyter_modelguard.engines.tensor_layout import TYPES, Layout, Storage

if TYPE_CHECKING:
    from jupyter_modelguard.engines.tensor_reader import TensorReader

__all__ = ["StandIn"]

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
            plain = len(self.arguments) == 1 and self.state is None and not self.items and not self.listed
            given = as_bytes(self.arguments[0]) if plain else None
            self._stored = (None if given is None else self.reader.stored(given),)
        return self._stored[0]

    def inside(self) -> list[tuple[Any, Any]] | None:
        """List what it holds, by key, attribute or place; None if there is nothing to look for."""
        if self.is_leaf:
            return None
        if (objects := objects_of(self)) is not None:
            return list(enumerate(objects))
        found: list[tuple[Any, Any]] = list(enumerate(self.listed))
        if self.name in _RECONSTRUCTORS:
            found += [("", item) for item in self.arguments[2:] if _holds(item)]  # what a class derived from dict or list holds
        states = self.state if type(self.state) is tuple and len(self.state) == 2 else (self.state,)  # noqa: PLR2004 attributes and slots
        if (mapping := self.mapping()) is not None:
            found += mapping.items()
        if mapping is None or (self.items and self.name not in _MAPPINGS):
            for state in states:
                found += state.items() if type(state) is dict else [("", state)] if _holds(state) else []
        if self.name not in _MAPPINGS | _RECONSTRUCTORS:
            known = "args." if found else ""
            found += [(f"{known}{place}", item) for place, item in enumerate(self.arguments) if _holds(item)]
        return found or None

    def mapping(self) -> dict[Any, Any] | None:
        """Give what it holds by key; None if it is no mapping and no object with attributes."""
        if self.name in _MAPPINGS:
            pairs = self.arguments[0] if self.arguments and type(self.arguments[0]) in (list, tuple, dict) else ()
            return {**dict(pairs), **self.items}
        if self.items:
            return self.items
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
