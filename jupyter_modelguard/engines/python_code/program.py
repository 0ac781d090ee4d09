"""A program: its files, and what was collected from all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jupyter_modelguard.engines.python_code.model import Binding, Scope, Source, Unit

if TYPE_CHECKING:
    import ast

    from jupyter_modelguard.engines.python_code.model import Class, Event

__all__ = ["Program", "dotted_path"]


@dataclass(slots=True, eq=False)
class Program:
    """What was collected.

    Attributes
    ----------
    sources
        The files, by dotted name.
    bodies
        Their module-level code, in the same order.
    attributes, items
        What any object's attribute of a name, or anything's item under a text, was ever given.
    function_of, class_of, scope_of
        What was made of a node.
    """

    sources: dict[str, Source] = field(default_factory=dict)
    bodies: list[Unit] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)
    classes: list[Class] = field(default_factory=list)
    attributes: dict[str, list[Binding]] = field(default_factory=dict)
    items: dict[str, list[Binding]] = field(default_factory=dict)
    calls: list[tuple[Event, Unit]] = field(default_factory=list)
    function_of: dict[ast.AST, Unit] = field(default_factory=dict)
    class_of: dict[ast.AST, Class] = field(default_factory=dict)
    scope_of: dict[ast.AST, Scope] = field(default_factory=dict)

    def add_source(self, path: str, content: bytes) -> tuple[Source, Unit]:
        """Make room for a file."""
        lines = content.decode("utf-8", "replace").splitlines()
        source = Source(path, dotted_path(path), lines)
        source.scope = Scope("module", source)
        body = Unit("", source, scope=source.scope)
        self.sources[source.dotted] = source
        self.bodies.append(body)
        self.units.append(body)
        return source, body

    def find(self, dotted: str) -> Source | None:
        """Give the file of a module; also of one whose folder is not part of its name."""
        return self.sources.get(dotted)

    def relative(self, source: Source, level: int, module: str) -> str:
        """Give the dotted name that a relative import in a file means."""
        parts = source.dotted.split(".") if source.dotted else []
        if source.path.rpartition("/")[2] != "__init__.py":
            parts = parts[:-1]
        parts = parts[: max(0, len(parts) - level + 1)]
        return ".".join([*parts, *([module] if module else [])])

    def add(self, event: Event, unit: Unit) -> None:
        """Note what happens in a unit."""
        unit.events.append(event)
        if event.kind in {"call", "decorate", "patch"}:
            self.calls.append((event, unit))


def dotted_path(path: str) -> str:
    """Give the module name of a file: "folder/module.py" is "folder.module"."""
    name = path.removesuffix(".py").strip("/").replace("/", ".")
    return "" if name == "__init__" else name.removesuffix(".__init__")
