"""Whether a stream uses each global only as the reviewed lists allow.

The trace reports every act of the stream here as it happens, and again asks at its end, because a list or dictionary that was harmless
when it was handed over can be changed by a later opcode. The rules, by their letters in the design:

(a) a global stands as the callable or class of a call, in an argument position reviewed for it, or is listed as a value;
(b) a state is an exact builtin, and its keys hide no method of the class behind an object;
(c) APPEND, ADDITEMS and SETITEM act on exact builtins, reviewed classes, or classes that inspection clears;
(d) nothing sets attributes past the state, and nothing builds on a global;
(e) persistent ids are plain and name a listed storage type;
(f) what applies its arguments is listed with their pattern;
(g) a numpy data type is what numpy's checked constructor makes of it;
(h) numbers are bounded;
(i) what hashes through Python code is reviewed or cleared by inspection.

A class that no list knows is not refused: everything the stream does to it is collected, for a process that has the class.
"""

from __future__ import annotations

import builtins
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.policy.catalogue import capability_of, closed, inert
from jupyter_modelguard.policy.checks import CONTENT
from jupyter_modelguard.policy.names import importable, normalise
from jupyter_modelguard.policy.open_uses import OpenUses
from jupyter_modelguard.policy.record import is_global, name_of
from jupyter_modelguard.policy.reviewed_uses import ReviewedUses
from jupyter_modelguard.types import GlobalUse, Judgement, QualifiedName

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jupyter_modelguard.policy.catalogue import InertRow
    from jupyter_modelguard.policy.record import OpenClass

__all__ = ["Grammar", "Verdict"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the grammar makes of one stream."""

    globals: tuple[GlobalUse, ...]
    open_classes: tuple[OpenClass, ...]
    stray: tuple[str, ...]  # rules broken by no global in particular


class Grammar(ReviewedUses):
    """Judges one stream, act by act.

    Parameters
    ----------
    values
        Rows for names that only this trace knows, by name; the torch dialects add their storages.
    """

    def __init__(self, values: Mapping[QualifiedName, InertRow] | None = None) -> None:
        super().__init__({**inert(), **values} if values else inert())
        self._counts: dict[QualifiedName, int] = {}
        self._stray: list[str] = []
        self._open = OpenUses(self)
        self._kept: list[Any] = []

    # What the trace reports

    @staticmethod
    def is_special(name: QualifiedName) -> bool:
        """Whether what a global gives can be known without making an object, see `special`."""
        return name in _SPECIAL

    def special(self, stub: Any, arguments: tuple[Any, ...]) -> bytes | QualifiedName | None:
        """Give the bytes that older protocols write with a function, or the name of what a call finds: a reviewed method or type.

        None for every other call.
        """
        name = stub.qualified
        kinds = [type(argument) for argument in arguments]
        if name == _ENCODE and kinds == [str, str] and arguments[1] == "latin1":
            return bytes(arguments[0], "latin1")
        if name == _BYTES and not arguments:
            return b""
        if name == _GETATTR and len(kinds) == 2 and kinds[1] is str and is_global(arguments[0]):  # noqa: PLR2004 (class, name)
            owner = name_of(arguments[0])
            method = QualifiedName(owner.module, f"{owner.name}.{arguments[1]}")
            return method if method in self._rows and owner in self._rows else None
        if name == _LOAD_TYPE and kinds == [str]:
            found = _TYPES_OF_DILL.get(arguments[0]) or QualifiedName("builtins", arguments[0])
            return found if found in closed() or (found in self._rows and _is_type(found)) else None
        return None

    def member(self, stub: Any, arguments: tuple[Any, ...]) -> Any:
        """Judge a `getattr` on a class that no list knows: its global, of which the outcome is an object; None for every other call."""
        kinds = [type(argument) for argument in arguments]
        if stub.qualified != _GETATTR or len(kinds) != 2 or kinds[1] is not str or not is_global(arguments[0]):  # noqa: PLR2004
            return None
        owner = name_of(arguments[0])
        if owner in self._rows or capability_of(owner) is not None:
            return None
        self._counts[owner] = self._counts.get(owner, 0) + 1
        self._open.attribute(owner, arguments[1])
        return arguments[0]

    def call(self, stub: Any, arguments: tuple[Any, ...], keywords: dict[str, Any], made: Any, *, by_new: bool) -> None:
        """Judge a call, or a bare `__new__`, that makes an object."""
        name = stub.qualified
        self._counts[name] = self._counts.get(name, 0) + 1
        row = self._rows.get(name)
        if row is None:
            self._open.call(name, arguments, keywords, by_new=by_new)
        else:
            self._calls[id(made)] = (made, row, arguments)
            if row.check == "dill-array":
                self.keep_members(made, next((given for given in arguments if type(given) is tuple and len(given) > 3), ()))  # noqa: PLR2004
            if keywords:
                self.problem(name, "is given named arguments, which is not reviewed")
            elif row.bare and not by_new:
                self.problem(name, "is called, and only objects made past its constructor are reviewed")
            else:
                self._judge_call(row, arguments)
            if row.first and type(made) is not stub:
                self._outer.append((row, arguments))
                # A dictionary can be changed as soon as the call is over, and what was made of it is not.
                self._given[id(made)] = tuple(dict(given) if type(given) is dict else given for given in arguments)
                self.call(arguments[0], (), {}, made, by_new=True)
                if name == _RECONSTRUCTOR and type(arguments[-1]) is dict:
                    self._copy(name_of(arguments[0]), arguments[-1])

    def _copy(self, name: QualifiedName, content: dict[Any, Any]) -> None:
        row = self._rows.get(name)
        if row is None:
            self._open.copies(name, content)
        elif row.member and content:
            self.problem(name, "is made a copy of a dictionary, which is not reviewed")

    def build(self, made: Any, state: Any) -> None:
        """Judge a BUILD on an object."""
        name = name_of(made)
        row = self._rows.get(name)
        if row is None:
            self._open.build(name, state)
            return
        if id(made) in self._states:
            self.problem(name, "is given a state twice")
        if id(made) in self._used:
            self.problem(name, "is changed after it was used")
        # A list is taken apart at once; what it holds is the object's from then on, also if the stream puts something else in its place.
        self._states[id(made)] = (made, row, list(state) if type(state) is list else state)
        if row.makes == "numpy.ndarray":
            self.keep_members(made, state)
        elif row.makes in _TAKEN_APART and type(state) is dict:
            self._taken[id(made)] = dict(state)
        self._types.pop(id(made), None)
        self._judge_state(row, made, state)

    def items(self, made: Any, act: str, values: Any) -> None:
        """Judge an APPEND ("append"), ADDITEMS ("add") or SETITEM ("index") on an object."""
        name = name_of(made)
        self._kept.append(values)
        row = self._rows.get(name)
        if row is None:
            self._open.items(name, act, values)
        elif act not in row.items:
            self.problem(name, "is given items, which is not reviewed")
        else:
            self._items.setdefault(id(made), []).append(values)
            if row.member:
                self._members.append((row, values))
                self._judge_member(row, values)

    def hashed(self, stub: Any) -> None:
        """Judge an object as a key; `stub` is the global it was made of."""
        name = stub.qualified
        row = self._rows.get(name)
        if row is None:
            self._open.hash(name)
        elif not row.key:
            self.problem(name, "makes a key, which is not reviewed")

    def persistent(self, good: bool) -> None:  # noqa: FBT001 one fact, one argument
        """Judge a persistent id."""
        if not good:
            self.stray("a persistent id is not the description of a tensor storage")

    def stray(self, sentence: str) -> None:
        """Note a broken rule that no single global stands for."""
        if sentence not in self._stray:
            self._stray.append(sentence)

    def light(self, name: QualifiedName, count: int, keys: Iterable[Any], objects: Iterable[tuple[Any, type | str]]) -> None:
        """Take the states of many plain objects of one class at once, and what they hold that is no builtin."""
        self._open.light(name, keys, objects, by_new=count > self._counts.get(name, 0))
        self._counts[name] = max(count, self._counts.get(name, 0))

    def inside(self, name: QualifiedName, content: Any) -> None:
        """Take a dictionary among the attributes of a plain object, which a method could look attributes up in."""
        self._open.inside(name, content)

    def newobj_light(self, name: QualifiedName) -> None:
        """Note that a class of the light kind is named."""
        self._open.named(name)

    # The end

    @property
    def goes_by_views(self) -> bool:
        """Whether a row or native code goes by what stands in bytes that the stream could still change: a bytearray or a view of one."""
        rows = [(row, arguments) for _, row, arguments in self._calls.values()]
        return any(row.check in _GOES_BY_CONTENT or row.makes == "pandas.sparse" for row, _ in rows) and any(
            type(arguments[0]) in (bytearray, memoryview) for _, arguments in rows if arguments
        )

    @property
    def argument_tuples(self) -> set[int]:
        """Identities of the tuples that hold judged arguments, where a global is not a stray value."""
        judged = [arguments for _, _, arguments in self._calls.values()] + [arguments for _, arguments in self._outer]
        return {id(arguments) for arguments in (*judged, *self._given.values())}

    def values(self, stubs: Iterable[Any]) -> None:
        """Judge globals that stand in containers or attributes when all is read."""
        for stub in stubs:
            if not self.is_value(stub):
                self.problem(stub.qualified, "stands as a value, where it could be called later")

    def finish(self, named: Iterable[tuple[str, str]]) -> Verdict:
        """Judge again what could have changed, and give the verdict on each global in the order of the stream."""
        self._types.clear()
        self._judge_again()
        self._open.finish(lambda _: False)
        uses: dict[QualifiedName, GlobalUse] = {}
        for module, attribute in named:
            use = self._judge(module, attribute)
            before = uses.get(use.name)
            if before is None or _WORST.index(use.judgement) > _WORST.index(before.judgement):
                uses[use.name] = use
        opened = self._open.finish(lambda name: name in uses and uses[name].judgement is Judgement.INSPECT)
        stray = tuple(self._stray) + tuple(f"{name} {sentence}" for name, sentence in self._problems.items() if name not in uses)
        return Verdict(tuple(uses.values()), opened, stray)

    def _judge(self, module: str, attribute: str) -> GlobalUse:  # noqa: PLR0911 the first reason counts
        name = normalise(module, attribute)
        count = max(self._counts.get(name, 0), 1)
        row = self._rows.get(name)
        capability = capability_of(name) or capability_of(QualifiedName(module, attribute))
        if capability is not None and (row is None or name in self._problems or capability.judgement is Judgement.DANGEROUS):
            return GlobalUse(name, count, capability.judgement, capability.sentence)
        if name in self._problems:
            return GlobalUse(name, count, Judgement.UNKNOWN, self._problems[name])
        if module != name.module and importable(module):
            return GlobalUse(name, count, Judgement.UNKNOWN, f"a module named {module} could be imported instead")
        if name in closed():
            return GlobalUse(name, count, Judgement.CLOSED)
        if row is not None:
            return GlobalUse(name, count, Judgement.INERT, row.reason)
        if "." in attribute:
            return GlobalUse(name, count, Judgement.UNKNOWN, "a dotted name can reach anything that its module imports")
        self._open.named(name).free = name in self._free
        return GlobalUse(name, count, Judgement.INSPECT, "a class that no list knows")


def _is_type(name: QualifiedName) -> bool:
    return name.module != "builtins" or isinstance(vars(builtins).get(name.name), type)


_ENCODE = QualifiedName("_codecs", "encode")
_BYTES = QualifiedName("builtins", "bytes")
_GETATTR = QualifiedName("builtins", "getattr")
_LOAD_TYPE = QualifiedName("dill._dill", "_load_type")
# The names of dill's own for types that are reviewed; the types of Python it calls what Python calls them.
_TYPES_OF_DILL = {"PartialType": QualifiedName("functools", "partial"), "ItemGetterType": QualifiedName("operator", "itemgetter")}
_TAKEN_APART = frozenset({"pandas.array", "pandas.dtype"})  # a dictionary that such an object is given is not kept
_GOES_BY_CONTENT = CONTENT | {"blocks"}
_RECONSTRUCTOR = QualifiedName("copyreg", "_reconstructor")
_SPECIAL = frozenset({_ENCODE, _BYTES, _GETATTR, _LOAD_TYPE})
_WORST = [Judgement.CLOSED, Judgement.INERT, Judgement.INSPECT, Judgement.UNKNOWN, Judgement.DANGEROUS]
