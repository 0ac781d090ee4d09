"""The modules that a program imports and does not hold: what an import of its files runs besides them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from jupyter_modelguard.engines.python_code.reaching import Reach
from jupyter_modelguard.types import Phase

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jupyter_modelguard.engines.python_code.model import Unit
    from jupyter_modelguard.engines.python_code.program import Program

__all__ = ["Imported", "imports_of"]


class Imported(NamedTuple):
    """A module of another library that a line imports."""

    top: str  # "numpy"
    path: str
    line: int
    code: str
    phase: Phase


def imports_of(program: Program, when: Mapping[Unit, Reach]) -> Iterator[Imported]:
    """Give the first line that imports each, the first to run first."""
    seen: dict[str, Imported] = {}
    for unit in program.units:
        phase = when.get(unit, Reach(Phase.METHOD, sure=False)).phase
        for event in unit.events:
            if event.kind != "import":
                continue
            for level, module, _ in event.extra:  # type: ignore[attr-defined]
                top = module.partition(".")[0]
                if level or not top or any(name.partition(".")[0] == top for name in program.sources):
                    continue
                lines = unit.source.lines
                code = lines[event.line - 1].strip()[:200] if 0 < event.line <= len(lines) else ""
                one = Imported(top, unit.source.path, event.line, code, phase)
                if top not in seen or phase.rank < seen[top].phase.rank:
                    seen[top] = one
    yield from seen.values()
