"""Functions of Python that reach for names, pass on what they are given, or make lists of it: what calls of them give."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.python_code.arguments import Arguments
from jupyter_modelguard.engines.python_code.values import Const, Inst, Kind, Mapping, Module, Names, Part, Ref, Seq, Super

if TYPE_CHECKING:
    from jupyter_modelguard.engines.python_code.calling import Calling
    from jupyter_modelguard.engines.python_code.resolving import Resolver
    from jupyter_modelguard.engines.python_code.values import Value, Values

__all__ = ["Functions"]

_MOST: Final = 48  # ways of one call that are followed


class Functions:
    """Gives what calls of these functions give.

    Parameters
    ----------
    resolver, calling
        For names, and for calls of anything else.
    """

    def __init__(self, resolver: Resolver, calling: Calling) -> None:
        self._resolver = resolver
        self._calling = calling

    def result(self, name: str, arguments: Arguments) -> Values | None:
        """Give what a call of one gives; None for a function that is none of them."""
        handler = _REACHING.get(name)
        if handler is None:
            return None
        found: Values = getattr(self, handler)(arguments)
        return found

    def _getattr(self, arguments: Arguments) -> Values:
        return self._calling.reached(arguments.at(0), arguments.at(1)) + arguments.at(2)

    def _getattribute(self, arguments: Arguments) -> Values:
        return self._calling.reached(arguments.at(0), arguments.at(1))

    def _import(self, arguments: Arguments) -> Values:
        whole = bool(arguments.at(3, "fromlist"))
        found: list[Value] = []
        for one in arguments.at(0, "name")[:_MOST]:
            if isinstance(one, Const) and isinstance(one.value, str):
                found += self._module(one.value if whole else one.value.partition(".")[0], pieced=one.pieced)
        return tuple(found) or (Ref("__import__()"),)

    def _import_module(self, arguments: Arguments) -> Values:
        found: list[Value] = []
        for one in arguments.at(0, "name")[:_MOST]:
            if isinstance(one, Const) and isinstance(one.value, str):
                name = one.value.lstrip(".")
                level = len(one.value) - len(name)
                source = arguments.scope.source
                found += self._module(self._resolver.program.relative(source, level, name) if level else name, pieced=one.pieced)
        return tuple(found) or (Ref("__import__()"),)

    def _located(self, arguments: Arguments) -> Values:
        """Give what a text names whole: "os.system", "os:system"."""
        names = [one for one in arguments.at(0, "name")[:_MOST] if isinstance(one, Const) and isinstance(one.value, str)]
        return tuple(Ref(str(one.value).replace(":", "."), one.pieced) for one in names) or (Ref("__import__()"),)

    def _module(self, name: str, *, pieced: bool) -> Values:
        return tuple(Ref(one.name, pieced) if isinstance(one, Ref) else one for one in self._resolver.modules.of(name))

    def _globals(self, arguments: Arguments) -> Values:
        return (Names(Module(arguments.scope.source)),)

    def _vars(self, arguments: Arguments) -> Values:
        of = arguments.at(0)
        return self._resolver.attribute(of, "__dict__") if of else self._globals(arguments)

    def _partial(self, arguments: Arguments) -> Values:
        items = arguments.all()
        return (Part("partial", tuple(items)),) if items and items[0] else (Ref("functools.partial()"),)

    def _attrgetter(self, arguments: Arguments) -> Values:
        return (Part("attrgetter", (arguments.at(0),)),)

    def _itemgetter(self, arguments: Arguments) -> Values:
        return (Part("itemgetter", (arguments.at(0),)),)

    def _methodcaller(self, arguments: Arguments) -> Values:
        return (Part("methodcaller", tuple(arguments.all() or [()])),)

    def _map(self, arguments: Arguments) -> Values:
        items = arguments.all()
        elements = self._resolver.items.elements(items[1]) if len(items) > 1 else None
        if elements is None:
            return ()
        made = []
        for one in elements:
            passed = Arguments(self._resolver, None, arguments.scope, None, (one,))
            made.append(tuple(value for function in items[0][:_MOST] for value in self._calling.applied(function, passed)))
        return (Seq(tuple(made)),)

    def _reduce(self, arguments: Arguments) -> Values:
        items = arguments.all()
        elements = self._resolver.items.elements(items[1]) if len(items) > 1 else None
        if not elements:
            return ()
        last, rest = (items[2], elements) if len(items) > 2 else (elements[0], elements[1:])  # noqa: PLR2004
        for one in rest:
            passed = Arguments(self._resolver, None, arguments.scope, None, (last, one))
            last = tuple(value for function in items[0][:_MOST] for value in self._calling.applied(function, passed))
        return last

    def _eval(self, arguments: Arguments) -> Values:
        found: list[Value] = []
        for one in arguments.at(0)[:_MOST]:
            if isinstance(one, Const) and isinstance(one.value, str) and len(one.value) < 10_000:  # noqa: PLR2004
                try:
                    tree = ast.parse(one.value.strip(), mode="eval")
                except (SyntaxError, ValueError, RecursionError, MemoryError):
                    continue
                found += self._resolver.of(tree.body, arguments.scope, {})
        return tuple(found)

    def _enumerate(self, arguments: Arguments) -> Values:
        elements = self._resolver.items.elements(arguments.at(0))
        if elements is None:
            return ()
        return (Seq(tuple((Seq(((Const(number),), one)),) for number, one in enumerate(elements))),)

    def _zip(self, arguments: Arguments) -> Values:
        columns = [self._resolver.items.elements(one) for one in arguments.all()]
        if not columns or None in columns:
            return ()
        return (Seq(tuple((Seq(tuple(row)),) for row in zip(*columns, strict=False))),)

    def _super(self, arguments: Arguments) -> Values:
        owner = arguments.scope.owner
        return (Super(owner),) if owner is not None else ()

    def _dict(self, arguments: Arguments) -> Values:
        before = [pair for one in arguments.at(0) if isinstance(one, Mapping) for pair in one.items]
        return (Mapping((*before, *arguments.names())),)

    def _next(self, arguments: Arguments) -> Values:
        found: list[Value] = []
        for one in arguments.at(0):
            if isinstance(one, Seq):
                found += [value for values in one.items for value in values]
            else:
                found.append(one)
        return tuple(found[: _MOST * 2])

    def _type(self, arguments: Arguments) -> Values:
        return tuple(Kind(one.info) for one in arguments.at(0) if isinstance(one, Inst))

    def _first(self, arguments: Arguments) -> Values:
        return arguments.at(0)

    def _second(self, arguments: Arguments) -> Values:
        return arguments.at(1)

    def _getitem(self, arguments: Arguments) -> Values:
        return self._resolver.items.at(arguments.at(0), arguments.at(1))

    def _loaded(self, arguments: Arguments) -> Values:
        return self._resolver.items.at((Ref("sys.modules"),), arguments.at(0))


_REACHING: Final[dict[str, str]] = {
    "builtins.getattr": "_getattr",
    "inspect.getattr_static": "_getattr",
    "builtins.object.__getattribute__": "_getattribute",
    "builtins.type.__getattribute__": "_getattribute",
    "builtins.__import__": "_import",
    "importlib.__import__": "_import",
    "importlib.import_module": "_import_module",
    "importlib.reload": "_first",
    "pkgutil.resolve_name": "_located",
    "pydoc.locate": "_located",
    "mmengine.utils.get_object_from_string": "_located",
    "mmengine.get_object_from_string": "_located",
    "builtins.globals": "_globals",
    "builtins.locals": "_globals",
    "builtins.vars": "_vars",
    "functools.partial": "_partial",
    "functools.partialmethod": "_partial",
    "operator.attrgetter": "_attrgetter",
    "operator.itemgetter": "_itemgetter",
    "operator.methodcaller": "_methodcaller",
    "operator.getitem": "_getitem",
    "sys.modules.get": "_loaded",
    "builtins.map": "_map",
    "builtins.filter": "_second",
    "functools.reduce": "_reduce",
    "builtins.eval": "_eval",
    "builtins.enumerate": "_enumerate",
    "builtins.zip": "_zip",
    "builtins.super": "_super",
    "builtins.dict": "_dict",
    "builtins.next": "_next",
    "builtins.iter": "_first",
    "builtins.type": "_type",
    "builtins.staticmethod": "_first",
    "builtins.classmethod": "_first",
    "functools.wraps()": "_first",
    "functools.lru_cache": "_first",
    "functools.cache": "_first",
    "copy.copy": "_first",
    "copy.deepcopy": "_first",
}
