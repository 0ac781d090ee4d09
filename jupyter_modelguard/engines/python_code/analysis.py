"""The analysis of a program as a whole."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.python_code.collecting import Collector
from jupyter_modelguard.engines.python_code.effects import Effects
from jupyter_modelguard.engines.python_code.imports import Imported, imports_of
from jupyter_modelguard.engines.python_code.linking import Linker
from jupyter_modelguard.engines.python_code.parsing import parsed
from jupyter_modelguard.engines.python_code.program import Program
from jupyter_modelguard.engines.python_code.reaching import Reach, reached
from jupyter_modelguard.engines.python_code.resolving import Resolver
from jupyter_modelguard.types import Phase

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jupyter_modelguard.engines.python_code.model import Unit

__all__ = ["Analysis", "Found", "analysed"]

_FRAMES: Final = 8_000  # of Python's stack, for names that are passed on many times
_FUEL: Final = 1_000_000  # steps that names are followed; the largest models of transformers take a tenth
_LONGEST_LINE: Final = 300
_MOST_FOUND: Final = 2_000


@dataclass(frozen=True, slots=True)
class Found:
    """A capability that a line of a file uses.

    Attributes
    ----------
    rule, name, sentence
        Of the finding; what is used, and what that can do.
    path, line, code
        Where.
    phase
        When the line would run.
    sure
        Whether it would in any case.
    hidden
        Whether the name does not stand in the file as it is.
    more
        Other lines of the file that use the same, where only the first is told.
    """

    rule: str
    name: str
    sentence: str
    path: str
    line: int
    code: str
    phase: Phase
    sure: bool = False
    hidden: bool = False
    more: int = 0


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was found in a program.

    Attributes
    ----------
    found
        What its lines use.
    imports
        The modules that it imports and does not hold.
    unread
        Why a file could not be read, one sentence for each.
    missed
        What else was not looked at.
    """

    found: tuple[Found, ...]
    imports: tuple[Imported, ...]
    unread: tuple[str, ...]
    missed: tuple[str, ...] = ()


def analysed(files: tuple[tuple[str, bytes], ...]) -> Analysis:
    """Analyse the files of a program, given by path and content."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _FRAMES))
    try:
        return _analysed(files)
    except RecursionError:
        return Analysis((), (), tuple(f"{path}: is nested too deeply to be read" for path, _ in files))
    finally:
        sys.setrecursionlimit(limit)


def _analysed(files: tuple[tuple[str, bytes], ...]) -> Analysis:
    program = Program()
    collector = Collector(program)
    unread = []
    for path, content in files:
        tree = parsed(content)
        if isinstance(tree, str):
            unread.append(f"{path}: {tree}")
            continue
        source, body = program.add_source(path, content)
        collector.collect(source, body, tree)
    resolver = Resolver(program, _FUEL)
    Linker(program, collector, resolver).link()
    effects = Effects(program, resolver)
    when = reached(program, resolver, effects)
    found = list(_found(program, effects, when))
    missed = list(resolver.missed)
    if len(found) > _MOST_FOUND:
        missed.append(f"{len(found) - _MOST_FOUND:,} more lines that use something")
        found = found[:_MOST_FOUND]
    return Analysis(tuple(found), tuple(imports_of(program, when)), tuple(unread), tuple(missed))


def _found(program: Program, effects: Effects, when: dict[Unit, Reach]) -> Iterator[Found]:
    every = []
    for unit in program.units:
        reach = when.get(unit, Reach(Phase.METHOD, sure=False))
        for use, event in effects.uses_of(unit):
            lines = unit.source.lines
            code = lines[event.line - 1].strip()[:_LONGEST_LINE] if 0 < event.line <= len(lines) else ""
            sure = reach.sure and event.sure
            every.append(
                Found(use.rule, use.name, use.sentence, unit.source.path, event.line, code, reach.phase, sure, use.hidden)
            )
    every.sort(key=lambda one: (one.phase.rank, one.path, one.line))
    return _grouped(every)


def _grouped(every: Iterable[Found]) -> Iterator[Found]:
    """Tell each line that runs by itself, and the first of those of a file that only run if something calls them."""
    later: dict[tuple[str, str, str], Found] = {}
    lines: set[tuple[str, str, int]] = set()
    for one in every:
        if (place := (one.path, one.rule, one.line)) in lines:
            continue
        lines.add(place)
        if one.phase is not Phase.METHOD:
            yield one
            continue
        key = (one.path, one.rule, one.name)
        before = later.get(key)
        later[key] = one if before is None else replace(before, more=before.more + 1)
    yield from later.values()
