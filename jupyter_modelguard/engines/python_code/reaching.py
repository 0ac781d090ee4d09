"""When each function of a program runs: from what an import runs, and from the methods that libraries call, by name."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from jupyter_modelguard.engines.python_code.values import Func, Inst, Kind
from jupyter_modelguard.policy.code_phases import phase_of_method
from jupyter_modelguard.types import Phase

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jupyter_modelguard.engines.python_code.effects import Effects
    from jupyter_modelguard.engines.python_code.model import Class, Source, Unit
    from jupyter_modelguard.engines.python_code.program import Program
    from jupyter_modelguard.engines.python_code.resolving import Resolver
    from jupyter_modelguard.engines.python_code.values import Values

__all__ = ["Reach", "reached"]

_ENTRY_FILES = frozenset({"hubconf.py"})
_SURE = frozenset({"__init__", "__new__", "__post_init__", "__setstate__", "from_pretrained", "_from_config"})
_FUNCTIONS = frozenset({"generate", "load", "load_model"})  # of a module, that libraries call like methods
_OF_IMPORTS = frozenset({"__getattr__", "__dir__"})  # of a module: whoever takes a class from it may call them


class Reach(NamedTuple):
    """When a unit runs.

    Attributes
    ----------
    phase
        The first one.
    sure
        Whether nothing but the load itself has a say in whether it does.
    """

    phase: Phase
    sure: bool


def reached(program: Program, resolver: Resolver, effects: Effects) -> dict[Unit, Reach]:
    """Give the units that run, with the first phase in which each does; the others only run if something calls them."""
    found: dict[Unit, Reach] = {}
    lookups: dict[str, list[Unit]] = {}
    for unit in program.units:
        if unit.lookup:
            lookups.setdefault(unit.name.rpartition(".")[2], []).append(unit)
    roots = {phase: list(_roots(program, resolver, phase)) for phase in (Phase.IMPORT, Phase.LOAD, Phase.SOON)}
    for phase, starts in roots.items():
        for sure in (True, False):
            waiting = deque(unit for unit, certain in starts if certain or not sure)
            while waiting:
                unit = waiting.popleft()
                if unit in found:
                    continue
                found[unit] = Reach(phase, sure)
                calls = effects.calls_of(unit)
                waiting += [target for target, certain in calls if certain or not sure]
                if not sure:
                    waiting += [one for name in unit.attributes & lookups.keys() for one in lookups[name]]
            if sure:  # what a certain unit may call is uncertain
                starts += [
                    (target, False)
                    for unit, reach in list(found.items())
                    if reach.phase is phase
                    for target, _ in effects.calls_of(unit)
                ]
                starts += [
                    (one, False) for unit in list(found) for name in unit.attributes & lookups.keys() for one in lookups[name]
                ]
    return found


def _roots(program: Program, resolver: Resolver, phase: Phase) -> Iterator[tuple[Unit, bool]]:
    if phase is Phase.IMPORT:
        yield from _of_an_import(program, resolver)
        return
    for source in program.sources.values():
        if source.path.rpartition("/")[2] in _ENTRY_FILES:
            if phase is Phase.LOAD:
                yield from _entry_points(program, resolver, source)
        else:
            for name in _FUNCTIONS & source.scope.names.keys():
                if phase_of_method(name) is phase:
                    yield from ((unit, False) for unit in _units(resolver.bound(source.scope, name)))
    for info in program.classes:
        yield from _methods(resolver, info, phase)


def _of_an_import(program: Program, resolver: Resolver) -> Iterator[tuple[Unit, bool]]:
    if _may_be_renamed(program):
        yield from ((unit, False) for unit in program.units if unit.script)
    for body in program.bodies:
        yield body, True
        for name in _OF_IMPORTS & body.source.scope.names.keys():
            yield from ((unit, False) for unit in _units(resolver.bound(body.source.scope, name)))


def _may_be_renamed(program: Program) -> bool:
    """Whether the code gives a module another name, which could be that of a script."""
    return any(
        "__name__" in names
        for names in (program.items, program.attributes, *(one.scope.names for one in program.sources.values()))
    )


def _entry_points(program: Program, resolver: Resolver, source: Source) -> Iterator[tuple[Unit, bool]]:
    """Give what a caller can name: every public function of the file, also one that is put there by an item."""
    for name in source.scope.names:
        if not name.startswith("_"):
            yield from ((unit, True) for unit in _units(resolver.bound(source.scope, name)))
    for name in program.items:
        yield from ((unit, False) for unit in _units(resolver.item(name)))


def _methods(resolver: Resolver, info: Class, phase: Phase) -> Iterator[tuple[Unit, bool]]:
    for name in info.scope.names:
        values = resolver.bound(info.scope, name)
        read = any(isinstance(one, Func) and one.unit.lookup for one in values)
        if phase_of_method(name) is phase or (read and phase is Phase.LOAD):
            yield from ((unit, name in _SURE) for unit in _units(values))


def _units(values: Values) -> Iterable[Unit]:
    return [one.unit for one in values if isinstance(one, Func)]


def instantiated(resolver: Resolver, value: Kind | Inst) -> Iterator[tuple[Unit, str]]:
    """Give the methods that Python itself calls on an object: of making it, comparing, showing and ending it."""
    seen = set()
    waiting = [value.info]
    names: set[str] = set()
    while waiting:
        info = waiting.pop()
        if info in seen:
            continue
        seen.add(info)
        names |= {name for name in info.scope.names if name.startswith("__") and name.endswith("__")}
        waiting += [one.info for base in info.bases for one in resolver.of(base, info.outer) if isinstance(one, Kind)]
    for name in names - {"__call__", "__init_subclass__", "__class_getitem__"}:
        yield from ((unit, name) for unit in _units(resolver.special(value.info, name)))
