"""What an import gives: files of the program, and libraries, which a file of the same name may stand in for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_modelguard.engines.python_code.model import Scope, Source
from jupyter_modelguard.engines.python_code.values import Module, Ref

if TYPE_CHECKING:
    from jupyter_modelguard.engines.python_code.program import Program
    from jupyter_modelguard.engines.python_code.resolving import Resolver
    from jupyter_modelguard.engines.python_code.values import Value, Values

__all__ = ["Modules"]


class Modules:
    """Gives modules and what is imported from them.

    Parameters
    ----------
    resolver, program
        For what names stand for, and the files.
    """

    def __init__(self, resolver: Resolver, program: Program) -> None:
        self._resolver = resolver
        self._program = program
        self._folders: dict[str, Module] = {}

    def of(self, dotted: str) -> Values:
        """Give a module by its name: a library, and a file of the program that could stand in for it."""
        source = self._program.find(dotted)
        if source is not None:
            return (Module(source), Ref(dotted))
        if any(one.startswith(f"{dotted}.") for one in self._program.sources):
            return (self._folder(dotted), Ref(dotted))
        return (Ref(dotted),)

    def _folder(self, dotted: str) -> Module:
        if dotted not in self._folders:
            made = Source(dotted.replace(".", "/"), dotted, [])
            made.scope = Scope("module", made)
            self._folders[dotted] = Module(made)
        return self._folders[dotted]

    def imported(self, source: Source, level: int, module: str, name: str) -> Values:
        """Give what `from module import name` gives."""
        dotted = self._program.relative(source, level, module) if level else module
        outside = () if level else (Ref(f"{module}.{name}"),)
        target = self._program.find(dotted)
        if target is not None and name in target.scope.names:
            return self._resolver.bound(target.scope, name) + outside
        below = self._program.find(f"{dotted}.{name}" if dotted else name)
        if below is not None:
            return (Module(below), *outside)
        if target is not None:
            return self.starred(name, target.scope) + outside
        return outside or (Ref(f"{'.' * level}{module}.{name}"),)

    def starred(self, name: str, scope: Scope) -> Values:
        """Give what a name could be that a file imports with a star."""
        found: list[Value] = []
        for level, module in scope.stars:
            dotted = self._program.relative(scope.source, level, module) if level else module
            target = self._program.find(dotted)
            if target is None:
                found.append(Ref(f"{dotted}.{name}"))
            elif target.scope is not scope and name in target.scope.names:
                found += self._resolver.bound(target.scope, name)
        return tuple(found)
