"""One run of the interpreter's own unpickler over a stream, with stand-ins for everything the stream names.

It is the C implementation of `pickle` that reads the opcodes, so there is no second parser to be told a different story. Nothing is
imported and nothing of the stream is called.
"""

from __future__ import annotations

import copyreg
import gc
import pickle
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.engines.storages import LOAD_FROM_BYTES, read_storage
from jupyter_modelguard.engines.stubs import THEMSELVES, Stubs
from jupyter_modelguard.policy.catalogue import capability_of, closed, inert, looked_up, told_apart
from jupyter_modelguard.policy.checks import CONTENT
from jupyter_modelguard.policy.names import normalise
from jupyter_modelguard.policy.record import BUILTINS, MISSING, OBJECTS, PLAIN, GlobalMark, is_global

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterable, Iterator

    from jupyter_modelguard.artifacts.copy import StreamCopy
    from jupyter_modelguard.engines.reader import StreamReader
    from jupyter_modelguard.policy.grammar import Grammar

__all__ = ["Tracer", "no_extensions"]

_FEW = 20_000  # light objects up to this number are looked at one by one


class Tracer:
    """Reads streams of one artifact and reports what they do to a grammar.

    Parameters
    ----------
    grammar
        Who judges.
    light
        Whether classes that no list knows get the light stand-in.
    persistent
        Makes what a persistent id stands for; without it persistent ids end the trace.
    rename
        How the loader itself renames globals before it resolves them.
    """

    def __init__(
        self,
        grammar: Grammar,
        *,
        light: bool = False,
        persistent: Callable[[Any], Any] | None = None,
        rename: Callable[[str, str], tuple[str, str]] | None = None,
        on_build: Callable[[Any, Any], None] | None = None,
    ) -> None:
        self.named: dict[tuple[str, str], Any] = {}
        self.stubs = Stubs(grammar, on_build, self._nested)
        self._grammar = grammar
        self._light = light
        self._persistent = persistent
        self._rename = rename
        self.results: list[Any] = []  # of each stream, in order
        self._reader: StreamReader | None = None

    def find(self, module: str, name: str) -> Any:
        """Give the stand-in for a global."""
        if self._rename is not None:
            module, name = self._rename(module, name)
        stub = self.named.get((module, name))
        if stub is None:
            qualified = normalise(module, name)
            stub = THEMSELVES.get(qualified) if qualified in closed() else None
            if stub is None and self._light and qualified not in inert() and capability_of(qualified) is None:
                self._grammar.newobj_light(qualified)
                stub = self.stubs.light(qualified)
            elif stub is None:
                stub = self.stubs.watched(qualified)
            self.named[module, name] = stub
            row = inert().get(qualified)
            if row is not None and self._reader is not None:
                self._reader.keeps_payloads |= qualified == LOAD_FROM_BYTES
                self._reader.freezes |= row.check in CONTENT
        return stub

    def load(self, reader: StreamReader) -> Any:
        """Read one pickle; raises what the unpickler raises."""
        self._reader = reader
        self._grammar.passed_over = reader.passed_over
        with no_extensions():
            result = _Unpickler(reader, self.find, self._persistent).load()
        self.results.append(result)
        return result

    def sealed(self, copy: StreamCopy) -> StreamCopy:
        """Add to a copy what was looked at of the payloads that it leaves out."""
        return copy if self._reader is None or copy.whole else replace(copy, seals=self._reader.passed_over.seals)

    def _nested(self, stub: Any, arguments: tuple[Any, ...]) -> None:
        """Read the stream that a call is going to read by itself."""
        if stub.qualified != LOAD_FROM_BYTES or [type(argument) for argument in arguments] != [bytes]:
            return  # a call that is refused as it stands
        if self._reader is None or self._reader.passed_over.holds(arguments[0]):
            self._grammar.problem(LOAD_FROM_BYTES, "is given bytes that were not looked at")
            return

        def read(file: io.BytesIO, persistent: Callable[[Any], Any]) -> Any:
            return _Unpickler(file, self.find, persistent).load()

        wrong = read_storage(read, lambda: object.__new__(stub), arguments[0], self._grammar)
        if wrong:
            self._grammar.problem(LOAD_FROM_BYTES, wrong)

    def settle(self) -> None:
        """Report what can only be seen when all is read: attributes of light objects, and globals that stand as values."""
        self.stubs.settle()
        ordered = any(stub is OrderedDict for stub in self.named.values())
        if self._light or ordered:
            everything = gc.get_objects()  # what was there before the trace is frozen, so these are few
            self._report_light(everything)
            self._report_attributes(everything)
            del everything  # it would count as a container that holds every global
        stubs = [stub for stub in (*self.named.values(), *self.stubs.methods.values()) if is_global(stub)]
        self._grammar.values(self._standing(stubs))

    def _report_light(self, everything: list[Any]) -> None:
        arrays: set[int] | None = None
        for (module, name), stub in self.named.items():
            if not is_global(stub) or not self.stubs.is_light(stub):
                continue
            states = [vars(made) for made in everything if type(made) is stub]
            if not states:
                continue
            keys = set(chain.from_iterable(states))
            if len(states) <= _FEW:
                kinds = {(key, type(value)) for state in states for key, value in state.items()}
            else:
                kinds = {(key, kind) for key in keys for kind in set(map(type, _column(states, key)))}
            objects: set[tuple[Any, Any]] = {(key, kind) for key, kind in kinds if kind not in BUILTINS}
            objects -= {pair for pair in objects if issubclass(pair[1], GlobalMark) and self._all_idle(_column(states, pair[0]))}
            if arrays is None and objects:
                arrays = self._grammar.arrays_of_objects()
            if arrays:
                objects |= {(key, OBJECTS) for state in states for key, value in state.items() if id(value) in arrays}
            objects |= {pair for key in told_apart() & keys for pair in _told_apart(states, key)}
            self._grammar.light(normalise(module, name), len(states), keys, objects)
            for key in looked_up() & keys:
                for state in states:
                    self._grammar.inside(normalise(module, name), state.get(key))
            named = {key for key, kind in objects if isinstance(kind, type) and issubclass(kind, GlobalMark)}
            if named:
                self._grammar.values(
                    value for state in states for key, value in state.items() if key in named and is_global(value)
                )

    def _all_idle(self, values: Iterable[Any]) -> bool:
        """Whether all globals among some values do nothing whatever they are called with."""
        return all(self._grammar.is_idle(value) for value in values if is_global(value))

    def _report_attributes(self, everything: list[Any]) -> None:
        """Report objects among the attributes that BUILD gave an OrderedDict: one could stand in for a method."""
        for made in everything:
            if type(made) is OrderedDict and vars(made):
                for key, value in vars(made).items():
                    if type(value) not in BUILTINS:
                        self._grammar.stray(f"an OrderedDict is given an object as its attribute {key!r:.60}")

    def _standing(self, stubs: list[Any]) -> Iterable[Any]:
        """Find the globals that containers, attributes or results hold."""
        if not stubs:
            return
        allowed = self._grammar.argument_tuples
        allowed |= {id(self.named), id(self.stubs.methods), id(stubs)} | {id(stub.__mro__) for stub in stubs}
        wanted = {id(stub): stub for stub in stubs if not self._grammar.is_value(stub)}
        suspects = list(wanted.values())
        allowed |= {id(wanted), id(suspects)}
        for result in self.results:
            if is_global(result):
                yield result
        if not suspects:
            return
        ours = object()  # marks the tuple that carries the arguments of this very call
        for holder in gc.get_referrers(ours, *suspects):
            if type(holder) is tuple and holder[0] is ours:
                continue
            if type(holder) in _HOLDERS and id(holder) not in allowed:
                inside = chain(holder, holder.values()) if isinstance(holder, dict) else holder
                yield from (wanted[id(item)] for item in inside if id(item) in wanted)


_HOLDERS = frozenset({tuple, list, dict, set, frozenset, OrderedDict})


def _told_apart(states: list[dict[str, Any]], key: str) -> Iterator[tuple[str, str]]:
    """Say of an attribute that must be one thing in each object whether some hold builtin data there, or nothing."""
    column = list(_column(states, key))
    if len(column) < len(states):
        yield key, MISSING
    if any(type(value) in BUILTINS for value in column):
        yield key, PLAIN


def _column(states: list[dict[str, Any]], key: Any) -> Iterable[Any]:
    return [state[key] for state in states if key in state]


@contextmanager
def no_extensions() -> Iterator[None]:
    """Forget the codes that `copyreg.add_extension` gave to globals: EXT opcodes would hand the real things to the stream."""
    tables: tuple[dict[Any, Any], ...] = tuple(vars(copyreg)[name] for name in _EXTENSION_TABLES)
    kept = [dict(table) for table in tables]
    for table in tables:
        table.clear()
    try:
        yield
    finally:
        for table, content in zip(tables, kept, strict=True):
            table.update(content)


_EXTENSION_TABLES = ("_extension_registry", "_inverted_registry", "_extension_cache")


class _Unpickler(pickle.Unpickler):
    def __init__(
        self, reader: StreamReader | io.BytesIO, find: Callable[[str, str], Any], persistent: Callable[[Any], Any] | None
    ) -> None:
        # latin1 reads any string of a Python 2 pickle; what is ASCII reads the same in whatever encoding the loader is given.
        # Out-of-band buffers are the caller's own objects; which bytes they hold decides nothing.
        super().__init__(reader, encoding="latin1", buffers=repeat(b""))
        self._find = find
        self._persistent = persistent

    def find_class(self, module: str, name: str) -> Any:
        return self._find(module, name)

    def persistent_load(self, pid: Any) -> Any:
        if self._persistent is None:
            raise pickle.UnpicklingError("persistent ids need a loader that knows them")
        return self._persistent(pid)
