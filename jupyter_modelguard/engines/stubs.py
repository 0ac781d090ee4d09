"""What the unpickler is handed in place of everything a stream names.

`find_class` answers with a class made here, so that every opcode which would act on a real class or object acts on a stand-in that
reports to the grammar instead. Two kinds: *watched* stand-ins report each act as it happens; *light* ones let the C unpickler make objects
and fill their attributes at full speed and are looked at afterwards. A light class can do only that: whatever else a stream does to one
raises, and the trace starts again with watched stand-ins.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.engines.storages import LOAD_FROM_BYTES
from jupyter_modelguard.policy.record import GlobalMark, Made
from jupyter_modelguard.types import QualifiedName

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.policy.grammar import Grammar

__all__ = ["THEMSELVES", "LightActError", "Stubs"]

# Closed globals stand for themselves: they are harmless, and what they do with their arguments is then exactly what a load does.
THEMSELVES: dict[QualifiedName, type] = {
    QualifiedName("collections", "OrderedDict"): OrderedDict,
    QualifiedName("builtins", "set"): set,
    QualifiedName("builtins", "frozenset"): frozenset,
    QualifiedName("builtins", "complex"): complex,
}

# None of these is ever proved harmless; objects of the classes that they make stand in the stream all the same, and the rest behind them.
_MAKE_CLASSES: Final = frozenset(
    QualifiedName(*name.split(":"))
    for name in (
        "cloudpickle.cloudpickle:_make_skeleton_class",
        "cloudpickle.cloudpickle:_make_skeleton_enum",
        "dill._dill:_create_type",
        "joblib.externals.cloudpickle.cloudpickle:_make_skeleton_class",
        "joblib.externals.cloudpickle.cloudpickle:_make_skeleton_enum",
        "types:new_class",
    )
)


class LightActError(Exception):
    """A light stand-in was asked for more than it records."""


class Stubs:
    """Makes the stand-ins of one trace.

    Parameters
    ----------
    grammar
        Who is told.
    on_build
        Called after BUILD gave an object its state; joblib's reader skips raw arrays there.
    on_nested
        Called after the call of a global that reads a stream of its own from its arguments.
    """

    def __init__(
        self,
        grammar: Grammar,
        on_build: Callable[[Any, Any], None] | None = None,
        on_nested: Callable[[Any, tuple[Any, ...]], None] | None = None,
    ) -> None:
        self.dropped: list[Any] = []  # light objects that the stream threw away again; each is kept here with its attributes
        self._base = _global_class(grammar, self.found, self.watched, on_nested)
        self._watched = _watched_class(grammar, self._base, on_build)
        self._grammar = grammar
        self._light: Any = None
        self.methods: dict[QualifiedName, Any] = {}  # reviewed methods and types that the stream finds without naming them

    def watched(self, name: QualifiedName) -> Any:
        """Make a stand-in that reports every act."""
        special = self._grammar.is_special(name)
        return self._base("stub", (self._watched,), {"qualified": name, "special": special, "nested": name == LOAD_FROM_BYTES})

    def found(self, name: QualifiedName) -> Any:
        """Give the stand-in for a method that `getattr` gives, or for a type that dill looks up."""
        if name in THEMSELVES:
            return THEMSELVES[name]
        if name not in self.methods:
            self.methods[name] = self.watched(name)
        return self.methods[name]

    def light(self, name: QualifiedName) -> Any:
        """Make a stand-in whose objects are only counted and looked at when all is read."""
        if self._light is None:
            self._light = _light_class(self._grammar, self._base, self.dropped)
        return self._base("stub", (self._light,), {"qualified": name, "special": False, "nested": False})

    def is_light(self, stub: Any) -> bool:
        """Whether a global is stood for by a light class."""
        return self._light is not None and self._light in type.mro(stub)

    def settle(self) -> None:
        """End the recording of dropped and hashed objects: what happens from now on is our own doing."""
        if self._light is not None:
            del self._light.__del__
        del self._base.__hash__


def _global_class(
    grammar: Grammar,
    found: Callable[[QualifiedName], Any],
    watched: Callable[[QualifiedName], Any],
    on_nested: Callable[[Any, tuple[Any, ...]], None] | None,
) -> Any:
    """Make the class of the globals themselves: what a stream does to a class or function, not to an object of it."""

    def refuse(cls: Any, *_: Any, **__: Any) -> None:
        grammar.problem(cls.qualified, "is changed itself, not an object made of it")

    class Global(GlobalMark):
        def __call__(cls, *arguments: Any, **keywords: Any) -> Any:  # noqa: N805 the methods of a metaclass
            if cls.special and not keywords:
                content = grammar.special(cls, arguments)
                if content is not None:
                    return content if isinstance(content, bytes) else found(content)
                owner = grammar.member(cls, arguments)
                if owner is not None:
                    return object.__new__(owner)
            made = object.__new__(grammar.owner(cls, arguments))
            grammar.call(cls, arguments, keywords, made, by_new=False)
            if cls.nested and on_nested is not None:
                on_nested(cls, arguments)
            return watched(cls.qualified) if cls.qualified in _MAKE_CLASSES else made

        # INST and OBJ without arguments ask for this to decide whether to call the class or its `__new__`; let it be a call.
        __getinitargs__ = property(lambda _: refuse)

        def __setattr__(cls, name: str, value: Any) -> None:  # noqa: N805
            refuse(cls)

        __setstate__ = append = extend = add = __setitem__ = refuse

        def __hash__(cls) -> int:  # noqa: N805
            # A type's own hash runs no code, but the real thing may be any object or have a metaclass with a hash of its own.
            if not grammar.is_value(cls):
                grammar.problem(cls.qualified, "makes a key itself, which is not reviewed")
            return type.__hash__(cls)

    return Global


def _watched_class(  # noqa: C901 one method for each act of the unpickler
    grammar: Grammar, base: Any, on_build: Callable[[Any, Any], None] | None
) -> Any:
    class Watched(Made, metaclass=base):  # type: ignore[metaclass] # it is made for this trace
        qualified: QualifiedName

        def __new__(cls, *arguments: Any, **keywords: Any) -> Any:
            made = object.__new__(cls)
            grammar.call(cls, arguments, keywords, made, by_new=True)
            return made

        def __init__(self, *_: Any, **__: Any) -> None:
            pass

        def __setstate__(self, state: Any) -> None:
            grammar.build(self, state)
            if on_build is not None:
                on_build(self, state)

        def append(self, item: Any) -> None:
            grammar.items(self, "append", (item,))

        def extend(self, items: Any) -> None:
            grammar.items(self, "append", items)

        def add(self, item: Any) -> None:
            hash(item)
            grammar.items(self, "add", (item,))

        def __setitem__(self, key: Any, value: Any) -> None:
            hash(key)
            grammar.items(self, "index", (key, value))

        def __call__(self, *_: Any, **__: Any) -> Any:
            # nothing vouches for its global from here on; what the stream does with the outcome still has to be shown
            grammar.problem(type(self).qualified, "makes an object that is called")
            return object.__new__(type(self))

        def __setattr__(self, name: str, value: Any) -> None:
            grammar.problem(type(self).qualified, "makes an object whose attributes are set one by one, past its state")

        def __hash__(self) -> int:
            grammar.hashed(type(self))
            return object.__hash__(self)

        def __eq__(self, other: object) -> bool:
            return self is other

    return Watched


def _light_class(grammar: Grammar, base: Any, dropped: list[Any]) -> Any:
    class Light(Made, metaclass=base):  # type: ignore[metaclass] # it is made for this trace
        qualified: QualifiedName

        def __setattr__(self, name: str, value: Any) -> None:
            raise LightActError

        def __del__(self) -> None:
            dropped.append(self)

        def __hash__(self) -> int:
            grammar.hashed(type(self))
            return object.__hash__(self)

    return Light
