"""What a stream does to the classes that no list knows.

Nothing of it is refused here but what no class could make harmless; the rest is collected for a process that has the classes, where
`engines.inspection` judges it.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from jupyter_modelguard.policy.catalogue import looked_up, told_apart
from jupyter_modelguard.policy.record import ATOMS, BUILTINS, MISSING, PLAIN, OpenClass, is_global, is_made, is_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from jupyter_modelguard.types import QualifiedName

__all__ = ["OpenUses"]

_OBJECT = "__object__"
_MOST_VALUES = 1000  # of one class; a lookup table that is asked for more is asked about


class _World(Protocol):
    def kind(self, kind: Any, value: Any = None) -> str | QualifiedName: ...
    def problem(self, name: QualifiedName, sentence: str) -> None: ...
    def values(self, stubs: Iterable[Any]) -> None: ...
    def is_idle(self, stub: Any) -> bool: ...


@dataclass(slots=True)
class _Use:
    called: bool = False
    made: bool = False
    arguments: int = 0
    given: bool = False
    copied: bool = True
    values: set[Any] | None = field(default_factory=set)
    sought: set[str] = field(default_factory=set)
    built: bool = False
    listed: bool = False
    keys: set[str] = field(default_factory=set)
    slots: set[str] = field(default_factory=set)
    objects: set[tuple[str, str | QualifiedName]] = field(default_factory=set)
    appended: bool = False
    added: bool = False
    indexed: bool = False
    members: set[tuple[str, str | QualifiedName]] = field(default_factory=set)
    inside: set[tuple[str, str | QualifiedName]] = field(default_factory=set)
    hashed: bool = False
    free: bool = False


class OpenUses:
    """Collects the uses of classes, by name.

    Parameters
    ----------
    world
        Says what values are, and is told of what cannot be harmless.
    """

    def __init__(self, world: _World) -> None:
        self._world = world
        self._uses: dict[QualifiedName, _Use] = {}
        self._states: list[tuple[QualifiedName, Any]] = []
        self._copies: list[tuple[QualifiedName, dict[Any, Any]]] = []
        self._looked_up = looked_up()
        self._told_apart = told_apart()
        self._kept: list[Any] = []  # arguments, held so that globals in them are found

    def named(self, name: QualifiedName) -> _Use:
        """Note that a class is named."""
        return self._uses.setdefault(name, _Use())

    def call(self, name: QualifiedName, arguments: tuple[Any, ...], keywords: dict[str, Any], *, by_new: bool) -> None:
        """Take a call, or a bare `__new__`."""
        use = self.named(name)
        use.called |= not by_new
        use.made |= by_new
        use.arguments = max(use.arguments, len(arguments))
        if keywords:
            self._world.problem(name, "is given named arguments, which is not reviewed")
            return
        if not arguments:
            use.values = None
            return
        self._kept.append(arguments)
        use.copied &= len(arguments) == 1 and type(arguments[0]) in (str, bytes)
        if not all(is_plain(argument) for argument in arguments):
            use.given = True
            use.values = None
        if use.values is not None:
            if len(arguments) == 1 and len(use.values) < _MOST_VALUES and _is_immutable(arguments[0]):
                use.values.add(arguments[0])
            else:
                use.values = None

    def attribute(self, name: QualifiedName, attribute: str) -> None:
        """Take a `getattr` on the class itself."""
        self.named(name).sought.add(attribute)

    def build(self, name: QualifiedName, state: Any, *, again: bool = False) -> None:
        """Take the state that BUILD gives an object."""
        use = self.named(name)
        use.built = True
        slots: Any = None
        if type(state) is tuple and len(state) == 2:  # noqa: PLR2004 (attributes, slots)
            state, slots = state
            if type(slots) is not dict and (slots is not None or state is None):
                self._world.problem(name, "is given a state that is not a dictionary")
                return
        if type(state) is dict:
            self._attributes(name, use.keys, use.objects, state)
        elif type(state) is list and slots is None:
            use.listed = True
            self._objects(use.objects, (("", value) for value in state))
        elif state is not None or slots is None:
            self._world.problem(name, "is given a state that is not a dictionary")
            return
        if slots is not None:
            self._attributes(name, use.slots, use.objects, slots)
        self._tell_apart(use.objects, state, slots)
        if not again:
            self._states.append((name, state if slots is None else (state, slots)))

    def _attributes(
        self, name: QualifiedName, keys: set[str], objects: set[tuple[str, str | QualifiedName]], state: dict[Any, Any]
    ) -> None:
        for key, value in state.items():  # a plain loop: this runs once for every object of a stream
            if type(key) is not str:
                self._world.problem(name, "has a state whose keys are not text")
                continue
            keys.add(key)
            if is_made(value) or type(value) not in BUILTINS:
                if is_global(value) and self._world.is_idle(value):
                    continue
                objects.add((key, self._world.kind(type(value), value)))
                if is_global(value):
                    self._world.values((value,))
            elif key in self._looked_up and value:
                self.inside(name, value)

    def _tell_apart(self, objects: set[tuple[str, str | QualifiedName]], *parts: Any) -> None:
        """Note of attributes that must be one thing in each object where one of them has builtin data there, or nothing."""
        for key in self._told_apart:
            held = [part[key] for part in parts if type(part) is dict and key in part]
            if not held:
                objects.add((key, MISSING))
            elif any(not is_made(value) and type(value) in BUILTINS for value in held):
                objects.add((key, PLAIN))

    def inside(self, name: QualifiedName, content: Any) -> None:
        """Take a dictionary of a state that a method could look attributes up in."""
        if type(content) in (dict, OrderedDict):
            self._objects(self.named(name).inside, content.items())

    def copies(self, name: QualifiedName, content: dict[Any, Any], *, again: bool = False) -> None:
        """Take a dictionary whose items an instance is made with."""
        self._objects(self.named(name).members, content.items())
        if not again:
            self._copies.append((name, content))

    def items(self, name: QualifiedName, act: str, values: Any) -> None:
        """Take an APPEND ("append"), ADDITEMS ("add") or SETITEM ("index")."""
        use = self.named(name)
        use.appended |= act == "append"
        use.added |= act == "add"
        use.indexed |= act == "index"
        if act == "index":
            self._objects(use.members, (values,))

    def hash(self, name: QualifiedName) -> None:
        """Take an object as a key."""
        self.named(name).hashed = True

    def light(self, name: QualifiedName, keys: Iterable[Any], objects: Iterable[tuple[Any, type | str]], *, by_new: bool) -> None:
        """Take the states of many plain objects of one class at once, and what they hold that is no builtin."""
        use = self.named(name)
        if by_new:
            use.made = True
            use.values = None
        for key in keys:
            use.built = True
            if type(key) is str:
                use.keys.add(key)
            else:
                self._world.problem(name, "has a state whose keys are not text")
        use.objects.update(
            (key, kind if isinstance(kind, str) else self._world.kind(kind)) for key, kind in objects if type(key) is str
        )

    def finish(self, wanted: Callable[[QualifiedName], bool]) -> tuple[OpenClass, ...]:
        """Look again at states that could have changed, and give what was collected of the classes that are wanted."""
        states, self._states = self._states, []
        for name, state in states:
            self.build(name, state, again=True)
        for name, content in self._copies:
            self.copies(name, content, again=True)
        return tuple(
            OpenClass(
                name=name,
                called=use.called,
                made=use.made,
                arguments=use.arguments,
                given=use.given,
                copied=use.copied,
                values=None if use.values is None else frozenset(use.values),
                sought=frozenset(use.sought),
                built=use.built,
                listed=use.listed,
                keys=frozenset(use.keys),
                slots=frozenset(use.slots),
                objects=frozenset(use.objects),
                appended=use.appended,
                added=use.added,
                indexed=use.indexed,
                members=frozenset(use.members),
                inside=frozenset(use.inside),
                hashed=use.hashed,
                free=use.free,
            )
            for name, use in self._uses.items()
            if wanted(name)
        )

    def _objects(self, found: set[tuple[str, str | QualifiedName]], pairs: Iterable[tuple[Any, Any]]) -> None:
        for key, value in pairs:
            if is_global(value) and self._world.is_idle(value):
                continue
            text = key if type(key) is str else _OBJECT if is_made(key) else None  # an object could equal any text
            if text is not None and (is_made(value) or type(value) not in BUILTINS):
                found.add((text, self._world.kind(type(value), value)))
                if is_global(value):
                    self._world.values((value,))


def _is_immutable(value: Any) -> bool:
    kind = type(value)
    return not is_made(value) and (
        kind in ATOMS or (kind is tuple and all(not is_made(item) and type(item) in ATOMS for item in value))
    )
