"""What calls give: functions that reach for names, make constants of constants, or only pass on what they are given."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.python_code import constants
from jupyter_modelguard.engines.python_code.arguments import Arguments
from jupyter_modelguard.engines.python_code.functions import Functions
from jupyter_modelguard.engines.python_code.items import value_of
from jupyter_modelguard.engines.python_code.values import (
    Bound,
    Const,
    Func,
    Inst,
    Kind,
    Mapping,
    Names,
    Part,
    Ref,
    Seq,
)

if TYPE_CHECKING:
    from jupyter_modelguard.engines.python_code.model import Scope
    from jupyter_modelguard.engines.python_code.resolving import Given, Resolver
    from jupyter_modelguard.engines.python_code.values import Value, Values

__all__ = ["Calling"]

_MOST: Final = 48  # ways of one call that are followed
_PLAIN: Final = (ast.Name, ast.Attribute, ast.Lambda, ast.List, ast.Tuple, ast.Dict)


class Calling:
    """Gives what calls give.

    Parameters
    ----------
    resolver
        For everything else.
    """

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._functions = Functions(resolver, self)

    def result(self, node: ast.Call, scope: Scope, given: Given | None) -> Values:
        """Give what a call could give."""
        found: list[Value] = []
        for one in self._resolver.of(node.func, scope, given)[:_MOST]:
            found += self.applied(one, Arguments(self._resolver, node, scope, given))
        return tuple(found)

    def called(self, values: Values, arguments: Arguments) -> list[tuple[Value, Arguments]]:
        """Say what is called in the end where values are: what `partial` and `methodcaller` stand for."""
        found: list[tuple[Value, Arguments]] = []
        for one in values:
            if not isinstance(one, Part):
                found.append((one, arguments))
            elif one.kind == "partial":
                merged = Arguments(self._resolver, None, arguments.scope, None, (*one.items[1:], *arguments.all()))
                found += [(inner, merged) for inner in one.items[0][:_MOST]]
            elif one.kind == "methodcaller":
                merged = Arguments(self._resolver, None, arguments.scope, None, one.items[1:])
                found += [(inner, merged) for inner in self.reached(arguments.at(0), one.items[0])[:_MOST]]
        return found

    def applied(self, function: Value, arguments: Arguments) -> Values:
        """Give what one function gives for arguments."""
        if isinstance(function, Ref):
            return self._applied_ref(function, arguments)
        if isinstance(function, Func):
            return self._returned(function, arguments)
        if isinstance(function, (Kind, Inst)):
            return self._of_object(function, arguments)
        if isinstance(function, Bound):
            return self._method(function, arguments)
        if isinstance(function, Part):
            return self._part(function, arguments)
        return ()

    def _returned(self, function: Func, arguments: Arguments) -> Values:
        found: list[Value] = []
        unit, given = function.unit, None
        if len(unit.returns) == 1 and unit.scope is not None and not unit.bound and unit.name == "<lambda>":
            given = {name: values for name, values in zip(unit.parameters, arguments.all(), strict=False) if values} or None
        for node, scope in unit.returns[:_MOST]:
            found += self._resolver.of(node, scope, given)
        return tuple(found)

    def _of_object(self, function: Kind | Inst, arguments: Arguments) -> Values:
        if isinstance(function, Kind):
            return (Inst(function.info),)
        called = self._resolver.special(function.info, "__call__")
        return tuple(value for one in called if isinstance(one, Func) for value in self._returned(one, arguments))

    def _applied_ref(self, function: Ref, arguments: Arguments) -> Values:
        name = function.name
        found = self._functions.result(name, arguments)
        if found is not None:
            return found
        if name in constants.FUNCTIONS:
            known = arguments.constants()
            if known is None:
                return self._passed(name, arguments)
            return value_of(constants.called(name, *known))
        return function.grown("()")

    def _passed(self, name: str, arguments: Arguments) -> Values:
        """Pass on the elements of a list that holds more than constants."""
        if name in {"builtins.list", "builtins.tuple", "builtins.sorted", "builtins.reversed"}:
            return arguments.at(0)
        return (Ref(f"{name}()"),)

    def _method(self, function: Bound, arguments: Arguments) -> Values:
        of, name = function.of, function.name
        if isinstance(of, (Names, Mapping)):
            return self._of_dictionary(of, name, arguments)
        if isinstance(of, Ref) and of.name in {"builtins.object", "builtins.type", "types.ModuleType"}:
            return self.reached(arguments.at(0), arguments.at(1))
        if isinstance(of, Ref):
            return self.reached((of,), arguments.at(0))
        if isinstance(of, Seq):
            return tuple(value for values in of.items for value in values) if name in {"pop", "__getitem__", "copy"} else ()
        if isinstance(of, Const):
            known = arguments.constants()
            return () if known is None else value_of(constants.method(of.value, name, *known))
        return ()

    def _of_dictionary(self, of: Names | Mapping, name: str, arguments: Arguments) -> Values:
        if name in {"get", "pop", "__getitem__", "setdefault"}:
            return self._resolver.items.at((of,), arguments.at(0)) + arguments.at(1)
        if name == "values" and isinstance(of, Mapping):
            return (Seq(tuple(values for _, values in of.items)),)
        if name == "items" and isinstance(of, Mapping):
            return (Seq(tuple((Seq(((Const(key),), values)),) for key, values in of.items)),)
        return ()

    def _part(self, function: Part, arguments: Arguments) -> Values:
        if function.kind == "partial":
            merged = Arguments(self._resolver, None, arguments.scope, None, (*function.items[1:], *arguments.all()))
            return tuple(value for one in function.items[0][:_MOST] for value in self.applied(one, merged))
        if function.kind == "attrgetter":
            return self.reached(arguments.at(0), function.items[0])
        if function.kind == "itemgetter":
            return self._resolver.items.at(arguments.at(0), function.items[0])
        reached = self.reached(arguments.at(0), function.items[0])  # methodcaller
        merged = Arguments(self._resolver, None, arguments.scope, None, function.items[1:])
        return tuple(value for one in reached[:_MOST] for value in self.applied(one, merged))

    def reached(self, of: Values, names: Values) -> Values:
        """Give the attribute of a name that is a constant, dots and all."""
        found: list[Value] = []
        for one in names[:_MOST]:
            if isinstance(one, Const) and isinstance(one.value, str):
                last = of
                for part in one.value.split("."):
                    last = self._resolver.attribute(last, part, pieced=one.pieced)
                found += last
        return tuple(found)
