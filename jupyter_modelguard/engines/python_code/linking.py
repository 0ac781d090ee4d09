"""Ties a program together: what functions are called with, and code that stands in texts it runs."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.python_code.arguments import Arguments
from jupyter_modelguard.engines.python_code.model import Binding, Where
from jupyter_modelguard.engines.python_code.parsing import parsed
from jupyter_modelguard.engines.python_code.values import Bound, Const, Func, Inst, Kind, Mapping, Names, Ref, Seq

if TYPE_CHECKING:
    from jupyter_modelguard.engines.python_code.collecting import Collector
    from jupyter_modelguard.engines.python_code.model import Event, Unit
    from jupyter_modelguard.engines.python_code.program import Program
    from jupyter_modelguard.engines.python_code.resolving import Resolver
    from jupyter_modelguard.engines.python_code.values import Value, Values

__all__ = ["Linker"]

_ROUNDS: Final = 4
_MOST_CALLERS: Final = 1_000  # of one parameter
_MOST_TEXTS: Final = 50
_LONGEST_TEXTS: Final = 1 << 18  # characters, of all together; that code is run is told in any case
_RUNNING: Final = frozenset(
    {"builtins.exec", "builtins.eval", "builtins.compile", "runpy.run_path", "timeit.timeit", "cProfile.run"}
)
_SETTING: Final = frozenset({"builtins.setattr", "builtins.object.__setattr__", "builtins.type.__setattr__"})
_HOLDING: Final = frozenset(
    {"types.SimpleNamespace", "argparse.Namespace", "builtins.type", "collections.namedtuple", "types.ModuleType"}
)


class Linker:
    """Ties a program together.

    Parameters
    ----------
    program, collector, resolver
        The program, what adds to it, and what answers for it.
    """

    def __init__(self, program: Program, collector: Collector, resolver: Resolver) -> None:
        self._program = program
        self._collector = collector
        self._resolver = resolver
        self._done: set[tuple[int, int]] = set()
        self._texts: set[tuple[int, object]] = set()
        self._left = _LONGEST_TEXTS
        self._changed = False

    def link(self) -> None:
        """Go through all calls until nothing new is learnt."""
        for _ in range(_ROUNDS):
            self._changed = False
            for event, unit in list(self._program.calls):
                if event.kind != "patch":
                    self._call(event, unit)
                elif isinstance(event.node, ast.Subscript) and event.extra is not None:
                    self._stored(event)
                elif isinstance(event.node, ast.Attribute) and isinstance(event.extra, ast.expr) and self._first(event, 0):
                    of = self._resolver.of(event.node.value, event.scope)
                    self._put(of, event.node.attr, Binding("value", event.extra, event.scope))
            if not self._changed:
                return
            self._resolver.forget()

    def _stored(self, event: Event) -> None:
        """Bind an item whose key has to be worked out."""
        node = event.node
        if not isinstance(node, ast.Subscript) or isinstance(node.slice, (ast.Constant, ast.Slice)):
            return
        for key in self._resolver.of(node.slice, event.scope):
            if isinstance(key, Const) and isinstance(key.value, str) and self._first(event, hash(key.value)):
                binding = Binding("value", event.extra, event.scope)  # type: ignore[arg-type]
                self._program.items.setdefault(key.value, []).append(binding)
                self._changed = True

    def _put(self, of: Values, name: str, binding: Binding) -> None:
        """Bind an attribute that is set from outside: of a class, it is what calls of the class find."""
        for one in of:
            if isinstance(one, Kind):
                one.info.scope.bind(name, binding)
                self._changed = True

    def _call(self, event: Event, unit: Unit) -> None:
        node = event.node
        if not isinstance(node, ast.Call):
            return
        values = self._resolver.of(node.func, event.scope)
        if not values:
            return
        arguments = Arguments(self._resolver, node, event.scope, None)
        for value, given in self._resolver.calling.called(values, arguments):
            if isinstance(value, Ref):
                self._known(value, event, unit, given)
            elif isinstance(value, Bound):
                self._updated(value, event, given)
            elif isinstance(value, (Func, Kind, Inst)):
                for target in self._functions(value):
                    if self._first(event, id(target)):
                        self._bind(node, event, target, given, of_partial=given is not arguments)

    def _updated(self, function: Bound, event: Event, given: Arguments) -> None:
        """Bind what the names of a module are updated with."""
        if isinstance(function.of, Names) and function.name == "update" and self._first(event, 0):
            for one in given.at(0):
                for key, held in one.items if isinstance(one, Mapping) else ():
                    self._program.items.setdefault(str(key), []).append(Binding("known", None, event.scope, held))
                    self._changed = True

    def _functions(self, value: Value) -> list[Unit]:
        if isinstance(value, Func):
            return [value.unit]
        if isinstance(value, (Kind, Inst)):
            names = ("__init__", "__new__") if isinstance(value, Kind) else ("__call__",)
            return [one.unit for name in names for one in self._resolver.special(value.info, name) if isinstance(one, Func)]
        return []

    def _bind(self, node: ast.Call, event: Event, target: Unit, given: Arguments, *, of_partial: bool) -> None:
        """Bind what a function of the program is called with."""
        scope = target.scope
        if scope is None:
            return
        parameters = target.parameters[1:] if target.bound else target.parameters
        if of_partial or any(isinstance(one, ast.Starred) for one in node.args):
            places = [Binding("known", None, event.scope, values) for values in given.all()]
        else:
            places = [Binding("value", one, event.scope) for one in node.args]
        pairs = list(zip(parameters, places, strict=False))
        pairs += [(one.arg, Binding("value", one.value, event.scope)) for one in node.keywords if one.arg]
        pairs += [(name, Binding("known", None, event.scope, values)) for name, values in given.spread()]
        known = {*target.parameters, *scope.names}
        for name, binding in pairs:
            if name in known:
                bound = scope.names.setdefault(name, [])
                if len(bound) < _MOST_CALLERS:
                    bound.append(binding)
                    self._changed = True
                else:
                    self._resolver.missed["a function of the code is called from more places than can be followed"] = None
            elif target.named_rest:
                self._program.items.setdefault(name, []).append(binding)
                self._changed = True
        if target.rest:
            rest: tuple[Values, ...] = tuple(self._resolver.binding(one) for one in places[len(parameters) :])
            scope.names.setdefault(target.rest, []).append(Binding("known", None, scope, (Seq(rest),)))
            self._changed = True

    def _known(self, ref: Ref, event: Event, unit: Unit, given: Arguments) -> None:
        if ref.name in _RUNNING:
            for text in given.at(0):
                if isinstance(text, Const) and isinstance(text.value, (str, bytes)):
                    self._run_text(text.value, event, unit)
        elif ref.name in _SETTING:
            for name in given.at(1):
                if isinstance(name, Const) and isinstance(name.value, str) and self._first(event, hash(name.value)):
                    binding = Binding("known", None, event.scope, given.at(2))
                    self._program.attributes.setdefault(name.value, []).append(binding)
                    self._put(given.at(0), name.value, binding)
                    self._changed = True
        elif ref.name in _HOLDING and self._first(event, 0):
            for keyword, values in given.names():
                self._program.attributes.setdefault(keyword, []).append(Binding("known", None, event.scope, values))
                self._changed = True

    def _run_text(self, text: str | bytes, event: Event, unit: Unit) -> None:
        """Collect what a text would do that is run as code, as part of the code that runs it."""
        if len(text) > self._left or len(self._texts) >= _MOST_TEXTS or (key := (id(unit), text)) in self._texts:
            return
        self._texts.add(key)
        self._left -= len(text)
        content = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        tree = parsed(content.strip() if b"\n" not in content.strip() else content)
        if isinstance(tree, ast.Module):
            self._collector.walk(tree.body, Where(event.scope, unit, event.sure, line=event.line))
            self._changed = True

    def _first(self, event: Event, what: int) -> bool:
        key = (id(event), what)
        if key in self._done:
            return False
        self._done.add(key)
        return True
