"""The parts of a program as the analysis sees it: files, scopes, units of code that run together, and what happens in them."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any, NamedTuple

__all__ = ["Binding", "Class", "Element", "Event", "Scope", "Source", "Unit", "Where", "element_of"]


class Element(ast.expr):
    """Any element of what another expression gives: what a loop's target is."""

    _fields = ("value",)
    value: ast.expr


def element_of(value: ast.expr) -> ast.expr:
    """Make an expression that stands for any element of another."""
    made = Element()
    made.value = value
    return ast.copy_location(made, value)


class Binding(NamedTuple):
    """One way in which a name gets its value.

    Attributes
    ----------
    kind
        "value" of an expression; "import" of a dotted name; "from" a module, a name; "known", whose value is at hand; "more" is what the
        name had before with something added by an operator; "item" is appended to it.
    node
        The expression, where there is one.
    scope
        Where the expression is evaluated.
    detail
        What else the kind needs.
    """

    kind: str
    node: ast.expr | None
    scope: Scope
    detail: Any = None


@dataclass(slots=True, eq=False)
class Source:
    """A file of the program."""

    path: str
    dotted: str  # "folder.module"
    lines: list[str]
    scope: Scope = field(init=False)
    late_annotations: bool = False


@dataclass(slots=True, eq=False)
class Scope:
    """Where names are bound."""

    kind: str  # "module", "class", "function" or "comprehension"
    source: Source
    parent: Scope | None = None
    owner: Class | None = None  # the class whose body or method it is
    names: dict[str, list[Binding]] = field(default_factory=dict)
    elsewhere: dict[str, Scope] = field(default_factory=dict)  # names declared global or nonlocal
    stars: list[tuple[int, str]] = field(default_factory=list)

    def bind(self, name: str, binding: Binding) -> None:
        """Add a way in which a name gets its value."""
        self.elsewhere.get(name, self).names.setdefault(name, []).append(binding)


@dataclass(slots=True, eq=False)
class Event:
    """Something that happens when a unit runs."""

    kind: str  # "call", "decorate", "class", "item", "patch", "erase"
    node: ast.expr
    scope: Scope
    sure: bool  # whether nothing of the unit has a say in whether it happens
    line: int
    extra: object = None


@dataclass(slots=True, eq=False)
class Unit:
    """Code that runs as one: a module's body, a function, a lambda."""

    name: str
    source: Source
    parameters: tuple[str, ...] = ()
    rest: str = ""  # of *rest
    named_rest: str = ""  # of **rest
    scope: Scope | None = None
    bound: bool = False  # whether the first parameter is the object or class
    lookup: bool = False  # a property: reading it calls it
    script: bool = False  # runs where the module's name is that of a script
    events: list[Event] = field(default_factory=list)
    attributes: set[str] = field(default_factory=set)  # that it reads
    returns: list[tuple[ast.expr, Scope]] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Class:
    """A class that is defined in the program."""

    name: str
    scope: Scope  # of its body
    bases: list[ast.expr]
    keywords: list[ast.keyword]
    outer: Scope


class Where(NamedTuple):
    """Where the collecting of a node takes place."""

    scope: Scope
    unit: Unit
    sure: bool = True
    loop: ast.For | None = None
    line: int = 0  # the line that text given to exec stands in
