"""What a unit of code calls, and what it uses of the list of capabilities."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.engines.python_code import judging
from jupyter_modelguard.engines.python_code.arguments import Arguments
from jupyter_modelguard.engines.python_code.judging import Use
from jupyter_modelguard.engines.python_code.reaching import instantiated
from jupyter_modelguard.engines.python_code.values import Bound, Const, Func, Inst, Kind, Mapping, Names, Part, Ref, Seq

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jupyter_modelguard.engines.python_code.model import Class, Event, Unit
    from jupyter_modelguard.engines.python_code.program import Program
    from jupyter_modelguard.engines.python_code.resolving import Resolver
    from jupyter_modelguard.engines.python_code.values import Value, Values

__all__ = ["Effects"]

# These call nothing that they are given.
_PASSIVE: Final = frozenset(
    f"builtins.{name}"
    for name in [
        "isinstance",
        "issubclass",
        "hasattr",
        "getattr",
        "setattr",
        "callable",
        "id",
        "repr",
        "super",
        "len",
        "hash",
        "dir",
        "vars",
        "print",
        "str",
        "bool",
        "object",
        "staticmethod",
        "classmethod",
    ]
) | {
    "functools.wraps",
    "functools.update_wrapper",
    "functools.lru_cache",
    "functools.cache",
    "functools.cached_property",
    "inspect.signature",
    "copy.deepcopy",
}
_DECORATING: Final = frozenset(
    {"atexit.register", "operator.call", "threading.Thread", "weakref.finalize", "functools.singledispatch"}
)
_WEAKER: Final = frozenset({"code-hidden", "code-insides", "code-import", "code-compile"})


class Effects:
    """Works out what units call and use.

    Parameters
    ----------
    program, resolver
        The program, and what answers for it.
    """

    def __init__(self, program: Program, resolver: Resolver) -> None:
        self._program = program
        self._resolver = resolver
        self._calls: dict[Unit, list[tuple[Unit, bool]]] = {}
        self._uses: dict[Unit, list[tuple[Use, Event]]] = {}

    def calls_of(self, unit: Unit) -> list[tuple[Unit, bool]]:
        """Give the units that a unit calls, and whether it does so in any case."""
        if unit not in self._calls:
            self._work_out(unit)
        return self._calls[unit]

    def uses_of(self, unit: Unit) -> list[tuple[Use, Event]]:
        """Give what a unit uses, one of a kind for each line."""
        if unit not in self._uses:
            self._work_out(unit)
        return self._uses[unit]

    def _work_out(self, unit: Unit) -> None:
        calls: dict[Unit, bool] = {}
        uses: dict[tuple[int, str], tuple[Use, Event]] = {}
        for event in unit.events:
            for effect in self._effects(event):
                if isinstance(effect, Use):
                    uses.setdefault((event.line, effect.rule), (effect, event))
                else:
                    calls[effect] = calls.get(effect, False) or event.sure
        strong = {line for line, rule in uses if rule not in _WEAKER}
        self._calls[unit] = list(calls.items())
        self._uses[unit] = [pair for (line, rule), pair in uses.items() if line not in strong or rule not in _WEAKER]

    def _effects(self, event: Event) -> Iterator[Unit | Use]:
        if event.kind in {"call", "decorate"}:
            return self._of_call(event)
        if event.kind == "class":
            return self._of_class(event.extra)  # type: ignore[arg-type]
        if event.kind == "patch":
            return self._of_patch(event)
        if event.kind == "item":
            return self._of_item(event)
        if event.kind == "inside":
            return self._of_inside(event)
        return iter(())

    def _of_call(self, event: Event) -> Iterator[Unit | Use]:
        node: Any = event.node
        values = self._resolver.of(node.func, event.scope)
        arguments = Arguments(self._resolver, node, event.scope, None)
        for value, given in self._resolver.calling.called(values, arguments):
            if isinstance(value, Ref):
                yield from self._of_ref(value, given, decorates=event.kind == "decorate")
            elif isinstance(value, Bound) and isinstance(value.of, Inst):
                yield from self._of_inherited(value.of, value.name, given)
            else:
                yield from self._run(value)

    def _of_inherited(self, of: Inst, name: str, arguments: Arguments) -> Iterator[Unit | Use]:
        """Give what a method that another library defines may call: what it is given, and the `run` of a thread that it starts."""
        yield from self._of_given(arguments)
        if name == "start":
            yield from _units(self._resolver.special(of.info, "run"))

    def _of_given(self, arguments: Arguments) -> Iterator[Unit | Use]:
        for values in arguments.handed():
            yield from judging.passed(values)
            yield from self._handed(values)

    def _of_ref(self, ref: Ref, arguments: Arguments, *, decorates: bool) -> Iterator[Unit | Use]:
        name = judging.named(ref)
        yield from judging.judged(ref, arguments)
        if name in _PASSIVE or (decorates and not (name in _DECORATING or name.startswith("builtins."))):
            return
        yield from self._of_given(arguments)
        if name in {"builtins.type", "types.new_class"}:
            for base in arguments.at(1):
                yield from self._subclassed((base,))

    def _handed(self, values: Values) -> Iterator[Unit]:
        """Give the functions among what another library is given, which may call them."""
        waiting = list(values)
        for one in waiting[:200]:
            if isinstance(one, Func):
                yield one.unit
            elif isinstance(one, Part) and one.kind == "partial":
                waiting += one.items[0]
            elif isinstance(one, Seq):
                waiting += [value for item in one.items for value in item]
            elif isinstance(one, Mapping):
                yield from (value.unit for _, item in one.items for value in item if isinstance(value, Func))

    def _run(self, value: Value) -> Iterator[Unit]:
        """Give what a call of something of the program runs."""
        if isinstance(value, Func):
            yield value.unit
        elif isinstance(value, Kind):
            yield from (unit for unit, _ in instantiated(self._resolver, value))
            for keyword in value.info.keywords:
                if keyword.arg == "metaclass":
                    for one in self._resolver.of(keyword.value, value.info.outer):
                        if isinstance(one, Kind):
                            yield from _units(self._resolver.special(one.info, "__call__"))
        elif isinstance(value, Inst):
            yield from _units(self._resolver.special(value.info, "__call__"))

    def _of_class(self, info: Class) -> Iterator[Unit | Use]:
        """Give what defining a class runs: its metaclass, and what its bases do with their subclasses."""
        for keyword in info.keywords:
            if keyword.arg == "metaclass":
                yield from self._made_by(self._resolver.of(keyword.value, info.outer))
        for base in info.bases:
            yield from self._subclassed(self._resolver.of(base, info.outer))
        for name, bindings in info.scope.names.items():
            if name.startswith("__") and any(one.kind != "known" for one in bindings):
                yield from judging.passed(self._resolver.bound(info.scope, name))

    def _made_by(self, values: Values) -> Iterator[Unit | Use]:
        for one in values:
            if isinstance(one, Kind):
                yield from (unit for unit, _ in instantiated(self._resolver, one))
                yield from _units(self._resolver.special(one.info, "__call__"))
            else:
                yield from self._run(one)
        yield from judging.passed(values)

    def _subclassed(self, bases: Values) -> Iterator[Unit | Use]:
        """Give what classes, and their bases in turn, do with a new subclass."""
        seen: set[Class] = set()
        waiting = list(reversed(bases))
        while waiting and self._resolver.goes_on():
            one = waiting.pop()
            if isinstance(one, Seq):
                waiting += [value for item in one.items for value in item]
            elif isinstance(one, Inst):
                yield from _units(self._resolver.special(one.info, "__mro_entries__"))
            elif isinstance(one, Kind) and one.info not in seen:
                seen.add(one.info)
                if "__init_subclass__" in one.info.scope.names:
                    found = self._resolver.bound(one.info.scope, "__init_subclass__")
                    yield from _units(found)
                    yield from judging.passed(found)
                for keyword in one.info.keywords:
                    if keyword.arg == "metaclass":
                        yield from self._made_by(self._resolver.of(keyword.value, one.info.outer))
                for base in one.info.bases:
                    waiting += self._resolver.of(base, one.info.outer)

    def _of_patch(self, event: Event) -> Iterator[Unit | Use]:
        target: Any = event.node
        of = self._resolver.of(target.value, event.scope)
        key = getattr(target, "slice", None)
        keys = self._resolver.of(key, event.scope) if key is not None else ()
        yield from judging.changed(target, of, keys, event.scope.source.dotted)
        if not isinstance(event.extra, ast.expr):
            return
        outside = [one for one in of if isinstance(one, Ref) and "()" not in one.name]
        unknown = key is not None and not any(isinstance(one, Const) for one in keys)
        if getattr(target, "attr", "") == "__code__" or (unknown and any(isinstance(one, Names) for one in of)):
            yield from self._handed(self._resolver.of(event.extra, event.scope))
        if outside and (isinstance(event.extra, (ast.Name, ast.Attribute, ast.Lambda, ast.Call))):
            values = self._resolver.of(event.extra, event.scope)
            functions = [one for one in values if isinstance(one, (Func, Kind, Inst))]
            if functions and isinstance(target, ast.Attribute) and outside[0].name != "builtins":
                yield Use("code-replaces", f"{outside[0].name}.{target.attr}", "replaces what everything else calls")
            yield from self._handed(values)
            yield from judging.passed(values)

    def _of_item(self, event: Event) -> Iterator[Unit | Use]:
        node: Any = event.node
        of = self._resolver.of(node.value, event.scope)
        if of:
            for one in of:
                if isinstance(one, Kind):
                    found = self._resolver.special(one.info, "__class_getitem__")
                    yield from _units(found)
                    yield from judging.passed(found)
            yield from judging.read_item(of, self._resolver.of(node.slice, event.scope))

    def _of_inside(self, event: Event) -> Iterator[Use]:
        node: Any = event.node
        yield Use("code-insides", node.attr, "reaches into Python's insides, from where anything can be called")


def _units(values: Iterable[Value]) -> list[Unit]:
    return [one.unit for one in values if isinstance(one, Func)]
