"""What calls what in a pickle: its opcodes followed with words in place of objects.

The walk builds nothing and looks nothing up. It keeps, for every object that a load would have on the stack, the words for it and the
calls that made it, so that each opcode can be said in a sentence ("call os.system('touch canary')") and the calls stand in a tree, each
above those that it is made of. A stream that does not add up (and would not load either) ends the walk; what was followed until there
stays.
"""

from __future__ import annotations

import _compat_pickle
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jupyter_modelguard.types import CallNode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["CallTree", "name_in_words", "words_of"]

_MOST_CALLS = 20_000  # that are followed
_MOST_ROWS = 300  # of the tree that is given
_DEEPEST = 24
_LONGEST = 120  # characters of the words for one object
_MOST_LISTED = 8  # items of a tuple that are put in words
_SYSTEM = frozenset({"posix", "nt"})  # what pickles say where people say os
_SAID = {
    "FRAME": "start of a block",
    "PROTO": "pickle protocol",
    "READONLY_BUFFER": "make a buffer read-only",
    "STOP": "end of the pickle",
}
_FRESH = {
    "EMPTY_DICT": ("{}", "make a dict"),
    "EMPTY_LIST": ("[]", "make a list"),
    "EMPTY_SET": ("set()", "make a set"),
    "EMPTY_TUPLE": ("()", "make a tuple"),
    "NEWFALSE": ("False", "push False"),
    "NEWTRUE": ("True", "push True"),
    "NONE": ("None", "push None"),
}
_FILLED = {"[]": "[…]", "{}": "{…}", "set()": "{…}"}
_PACKED = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_BRACKETS = {"LIST": "[]", "DICT": "{}", "FROZENSET": "{}"}


class _LostError(Exception):
    """The stream does not add up."""


@dataclass(slots=True)
class _Call:
    name: str
    arguments: str
    position: int
    flagged: bool
    parts: list[_Call] = field(default_factory=list)
    attached: bool = False


@dataclass(slots=True)
class _Object:
    words: str
    calls: list[_Call] = field(default_factory=list)  # that made what is in it, and stand below no other call yet
    made_by: _Call | None = None


_MARK = _Object("a mark")


class CallTree:
    """Follows the streams of a file one after the other: feed it every opcode, and ask for the rows at the end.

    Parameters
    ----------
    flagged
        Names of globals that nothing vouches for, in full.
    """

    def __init__(self, flagged: Iterable[str]) -> None:
        self._flagged = frozenset(name_in_words(*name.rpartition(".")[::2]) for name in flagged)
        self._stack: list[_Object] = []
        self._memo: dict[int, _Object] = {}
        self._calls: list[_Call] = []
        self._lost = False
        self.marked = False  # whether the last opcode looks up or calls what is flagged

    def feed(self, opcode: str, argument: object, position: int) -> str:
        """Follow one opcode, and say what it does; empty where that is not known any more."""
        self.marked = False
        if self._lost:
            return ""
        try:
            for follow in (self._say, self._remember, self._make, self._collect):
                said = follow(opcode, argument, position)
                if said:
                    return said
        except (_LostError, IndexError):
            self._lost = True
            return ""
        self._push(words_of(argument))
        kind = "text" if isinstance(argument, str) else "bytes" if isinstance(argument, (bytes, bytearray)) else "a number"
        return f"push {kind}"

    def rows(self) -> tuple[CallNode, ...]:
        """Give the tree from the top; neighbours that differ in nothing but their arguments share a line."""
        rows: list[CallNode] = []
        waiting = _folded([call for call in self._calls if not call.attached], 0)
        while waiting and len(rows) < _MOST_ROWS:
            depth, call, count = waiting.pop()
            rows.append(CallNode(depth, call.name, call.arguments, call.position, count, call.flagged))
            if depth < _DEEPEST:
                waiting += _folded(call.parts, depth + 1)
        return tuple(rows)

    def _say(self, opcode: str, argument: object, _position: int) -> str:
        """Follow what makes nothing, or something that is there at once."""
        if opcode in _SAID:
            if opcode == "STOP":
                self._stack, self._memo = [], {}
            return f"{_SAID[opcode]} {argument}" if opcode == "PROTO" else _SAID[opcode]
        if opcode in _FRESH:
            words, said = _FRESH[opcode]
            self._push(words)
            return said
        if opcode in {"GLOBAL", "STACK_GLOBAL"}:
            if opcode == "GLOBAL":
                name = name_in_words(*str(argument).partition(" ")[::2])
            else:
                last, module = self._pop().words, self._pop().words
                name = name_in_words(module[1:-1], last[1:-1])  # without the quotes
            self._push(name)
            self.marked = name in self._flagged
            return f"look up {name}"
        if opcode in {"EXT1", "EXT2", "EXT4"}:
            self._push(f"registered name {argument}")
            return "look up a registered name"
        return ""

    def _remember(self, opcode: str, argument: object, _position: int) -> str:
        """Follow what takes an object a second time, or not at all."""
        if opcode in {"MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT"}:
            self._memo[len(self._memo) if opcode == "MEMOIZE" else _number(argument)] = self._stack[-1]
            return "remember this object"
        if opcode in {"GET", "BINGET", "LONG_BINGET"}:
            known = self._memo.get(_number(argument))
            if known is None:
                raise _LostError
            self._stack.append(known)
            return f"take again {known.words}"
        if opcode in {"DUP", "MARK"}:
            self._stack.append(_MARK if opcode == "MARK" else self._stack[-1])
            return "start of a group" if opcode == "MARK" else "take the last object again"
        if opcode in {"POP", "POP_MARK"}:
            self._stack.pop() if opcode == "POP" else self._since_mark()
            return "drop the last object" if opcode == "POP" else "drop a group"
        return ""

    def _make(self, opcode: str, argument: object, position: int) -> str:
        """Follow what calls, and what fills an object that a call made."""
        if opcode in {"REDUCE", "NEWOBJ"}:
            arguments, called = self._pop(), self._pop()
            return self._call(called.words, _in_brackets(arguments.words), (called, arguments), position)
        if opcode == "NEWOBJ_EX":
            named, arguments, called = self._pop(), self._pop(), self._pop()
            words = f"{_in_brackets(arguments.words)[:-1]}, **{named.words})"
            return self._call(called.words, words, (called, arguments, named), position)
        if opcode in {"INST", "OBJ"}:
            given = self._since_mark()
            called = _Object(name_in_words(*str(argument).partition(" ")[::2])) if opcode == "INST" else given.pop(0)
            return self._call(called.words, f"({', '.join(one.words for one in given)})", (called, *given), position)
        if opcode == "BUILD":
            state, built = self._pop(), self._stack[-1]
            _put(state, built)
            return f"set the state of {built.words}"
        if opcode in {"PERSID", "BINPERSID"}:
            key = self._pop() if opcode == "BINPERSID" else _Object(words_of(argument))
            self._stack.append(_Object(_short(f"<kept elsewhere: {key.words}>"), key.calls))
            return "ask the loader for an object kept elsewhere"
        return ""

    def _collect(self, opcode: str, _argument: object, _position: int) -> str:
        """Follow what packs objects together."""
        if opcode in _PACKED or opcode in {"TUPLE", *_BRACKETS}:
            items = [self._pop() for _ in range(_PACKED[opcode])][::-1] if opcode in _PACKED else self._since_mark()
            made = _Object(_listed(items) if opcode.startswith("TUPLE") else "…".join(_BRACKETS[opcode]))
            for item in items:
                _put(item, made)
            self._stack.append(made)
            return f"pack {len(items):,} as a {opcode.rstrip('123').lower()}"
        if opcode in {"APPEND", "APPENDS", "ADDITEMS", "SETITEM", "SETITEMS"}:
            single = {"APPEND": 1, "SETITEM": 2}.get(opcode, 0)
            items = [self._pop() for _ in range(single)][::-1] if single else self._since_mark()
            target = self._stack[-1]
            for item in items:
                _put(item, target)
            target.words = _FILLED.get(target.words, target.words)
            keys = opcode.startswith("SETITEM")
            return f"{'set' if keys else 'append'} {len(items) // (1 + keys):,} item{'s' * (len(items) != 1 + keys)} of {target.words}"
        return ""

    def _call(self, name: str, arguments: str, made_of: Sequence[_Object], position: int) -> str:
        if len(self._calls) >= _MOST_CALLS:
            raise _LostError
        words = _short(f"{name}{arguments}")
        self.marked = name in self._flagged
        call = _Call(name, _short(arguments), position, self.marked)
        made = _Object(words, made_by=call)
        for part in made_of:
            _put(part, made)
        made.calls = [call]
        self._calls.append(call)
        self._stack.append(made)
        return f"call {words}"

    def _push(self, words: str) -> None:
        self._stack.append(_Object(words))

    def _pop(self) -> _Object:
        last = self._stack.pop()
        if last is _MARK:
            raise _LostError
        return last

    def _since_mark(self) -> list[_Object]:
        for place in range(len(self._stack) - 1, -1, -1):
            if self._stack[place] is _MARK:
                items = self._stack[place + 1 :]
                del self._stack[place:]
                return items
        raise _LostError


def words_of(argument: object) -> str:
    """Put an opcode's argument in words, however large it is."""
    if isinstance(argument, (bytes, bytearray, str)) and len(argument) > _LONGEST:
        return f"{argument[:_LONGEST]!r}… {len(argument):,} in all"
    if isinstance(argument, int) and argument.bit_length() > 4 * _LONGEST:
        return f"a number of {argument.bit_length():,} bits"
    return repr(argument)


def _put(item: _Object, into: _Object) -> None:
    """Put one object into another: the calls that made it go with it, once, below the call that makes the other."""
    if item is into:
        return
    for call in item.calls:
        if call.attached or call is into.made_by:
            continue
        if into.made_by is None:
            into.calls.append(call)
        else:
            call.attached = True
            into.made_by.parts.append(call)
    item.calls = []


def _folded(calls: Sequence[_Call], depth: int) -> list[tuple[int, _Call, int]]:
    """Count neighbours of one name that nothing flags and nothing stands below; the last comes first, as a stack wants it."""
    folded: list[tuple[int, _Call, int]] = []
    for call in calls:
        last = folded[-1][1] if folded else None
        alike = last is not None and last.name == call.name and not call.flagged
        if last is not None and alike and _shape(last) == _shape(call):
            folded[-1] = depth, last, folded[-1][2] + 1
        else:
            folded.append((depth, call, 1))
    return folded[::-1]


def _shape(call: _Call) -> list[tuple[str, bool, int]]:
    return [(part.name, part.flagged, len(part.parts)) for part in call.parts]


def name_in_words(module: str, name: str) -> str:
    """Say a global as people know it: Python 3's name for it, and os for its platform's modules."""
    module, name = _compat_pickle.NAME_MAPPING.get((module, name), (_compat_pickle.IMPORT_MAPPING.get(module, module), name))
    return _short(f"{'os' if module in _SYSTEM else module}.{name}")


def _in_brackets(words: str) -> str:
    if not words.startswith("("):
        return f"(*{words})"
    return f"{words[:-2]})" if words.endswith(",)") else words


def _listed(items: Sequence[_Object]) -> str:
    shown = [item.words for item in items[:_MOST_LISTED]]
    return _short(f"({', '.join([*shown, *(['…'] if len(items) > _MOST_LISTED else [])])}{',' * (len(items) == 1)})")


def _number(argument: object) -> int:
    if not isinstance(argument, int):
        raise _LostError
    return argument


def _short(words: str) -> str:
    return words if len(words) <= 2 * _LONGEST else f"{words[: 2 * _LONGEST]}…"
