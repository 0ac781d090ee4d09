"""What a call is given."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.engines.python_code import constants
from jupyter_modelguard.engines.python_code.items import constant_of
from jupyter_modelguard.engines.python_code.values import Mapping

if TYPE_CHECKING:
    from jupyter_modelguard.engines.python_code.model import Scope
    from jupyter_modelguard.engines.python_code.resolving import Given, Resolver
    from jupyter_modelguard.engines.python_code.values import Values

__all__ = ["Arguments"]

_PLAIN: Final = (ast.Name, ast.Attribute, ast.Lambda, ast.List, ast.Tuple, ast.Dict)


class Arguments:
    """What a call is given, worked out when it is asked for."""

    def __init__(
        self, resolver: Resolver, node: ast.Call | None, scope: Scope, given: Given | None, before: tuple[Values, ...] = ()
    ) -> None:
        self.resolver = resolver
        self.scope = scope
        self._node = node
        self._given = given
        self._before = before

    def all(self) -> list[Values]:
        """Give the positional ones."""
        found = list(self._before)
        for one in self._node.args if self._node is not None else ():
            if isinstance(one, ast.Starred):
                found += self.resolver.items.elements(self._of(one.value)) or [()]
            else:
                found.append(self._of(one))
        return found

    def at(self, number: int, name: str = "") -> Values:
        """Give one by place or name; nothing where it is not there."""
        if self._node is not None and not self._before and number < len(self._node.args):
            one = self._node.args[number]
            if not any(isinstance(other, ast.Starred) for other in self._node.args[: number + 1]):
                return self._of(one)
        found = self.all()
        if number < len(found):
            return found[number]
        return self.named(name)

    def is_given(self, number: int, name: str) -> bool:
        """Whether there is one, known or not."""
        if self._node is None:
            return len(self._before) > number
        spread = any(isinstance(one, ast.Starred) for one in self._node.args) or any(
            one.arg is None for one in self._node.keywords
        )
        return spread or len(self._before) + len(self._node.args) > number or any(one.arg == name for one in self._node.keywords)

    def named(self, name: str) -> Values:
        """Give one by name."""
        for one in self._node.keywords if self._node is not None else ():
            if one.arg == name:
                return self._of(one.value)
        return tuple(value for key, values in self.spread() if key == name for value in values)

    def names(self) -> list[tuple[str, Values]]:
        """Give all that have a name."""
        return [(one.arg, self._of(one.value)) for one in (self._node.keywords if self._node is not None else ()) if one.arg]

    def spread(self) -> list[tuple[str, Values]]:
        """Give what stands in dictionaries that are handed over whole."""
        found: list[tuple[str, Values]] = []
        for one in self._node.keywords if self._node is not None else ():
            if one.arg is None:
                whole = [pair for value in self._of(one.value) if isinstance(value, Mapping) for pair in value.items]
                found += [(key, values) for key, values in whole if isinstance(key, str)]
        return found

    def plain(self) -> list[ast.expr]:
        """Give the expressions that could hand on a function or the environment, and cost nothing to work out."""
        if self._node is None:
            return []
        given = [*self._node.args, *(one.value for one in self._node.keywords)]
        given = [one.value if isinstance(one, ast.Starred) else one for one in given]
        return [one for one in given if isinstance(one, _PLAIN)]

    def handed(self) -> list[Values]:
        """Give what those are."""
        return [*self._before, *map(self._of, self.plain())]

    def constants(self) -> tuple[list[Any], dict[str, Any]] | None:
        """Give all as constants; None where one is not."""
        places = [constant_of(values[-1]) if values else constants.UNKNOWN for values in self.all()]
        names = {name: constant_of(values[-1]) if values else constants.UNKNOWN for name, values in self.names()}
        if constants.UNKNOWN in places or constants.UNKNOWN in names.values():
            return None
        return places, names

    def _of(self, node: ast.expr) -> Values:
        return self.resolver.of(node, self.scope, self._given)
