"""What an expression stands for: names, attributes and calls followed through everything that ever binds them.

Bindings have no order but that of the text, and functions are not told apart by who calls them: what a name could be is all that it is
ever given. What cannot be known is nothing.
"""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.python_code.calling import Calling
from jupyter_modelguard.engines.python_code.expressions import Expressions
from jupyter_modelguard.engines.python_code.items import Items
from jupyter_modelguard.engines.python_code.modules import Modules
from jupyter_modelguard.engines.python_code.values import (
    Bound,
    Const,
    Func,
    Inst,
    Kind,
    Mapping,
    Module,
    Names,
    Ref,
    Seq,
    Super,
)

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterable

    from jupyter_modelguard.engines.python_code.model import Binding, Class, Scope
    from jupyter_modelguard.engines.python_code.program import Program
    from jupyter_modelguard.engines.python_code.values import Value, Values

__all__ = ["Given", "Resolver"]

_DEEPEST: Final = 250  # nested questions
_MOST: Final = 48  # constants that one name is followed as
_MOST_TURNS: Final = 30_000  # of loops that are worked out, all together; a text that takes more is not known
_MOST_CALLED: Final = 400  # and functions, classes and the like
_MOST_LOOKED_AT: Final = 64
_BUILTINS: Final = frozenset(dir(builtins))
_USUAL: Final = frozenset({"__init__", "__new__", "__class__", "__dict__", "__name__", "__doc__", "__module__", "__call__"})

Given = dict[str, "Values"]


class Resolver:
    """Resolves expressions of a program.

    Parameters
    ----------
    program
        Whose names it knows.
    fuel
        How many steps it may take in all.
    """

    def __init__(self, program: Program, fuel: int) -> None:
        self.program = program
        self.fuel = fuel
        self.turns = _MOST_TURNS
        self.missed: dict[str, None] = {}  # what was given up, one sentence each
        self.memo: dict[int, Values] = {}
        self._names: dict[tuple[int, str], list[Value]] = {}
        self._pools: dict[str, Values] = {}
        self._depth = 0
        self._active: set[tuple[int, int]] = set()  # what is being worked out for one turn of a loop or one call
        self.items = Items(self)
        self.modules = Modules(self, program)
        self.calling = Calling(self)
        self._expressions = Expressions(self)

    def forget(self) -> None:
        """Work everything out anew: something was bound since."""
        self.memo.clear()
        self._names.clear()
        self._pools.clear()

    def goes_on(self) -> bool:
        """Count a step, and say whether there is fuel for it."""
        self.fuel -= 1
        if self.fuel < 0:
            self.missed["what the names in the code stand for takes too long to follow"] = None
        return self.fuel >= 0

    def of(self, node: ast.expr, scope: Scope, given: Given | None = None) -> Values:
        """Give what an expression could be."""
        if given is None and (known := self.memo.get(id(node))) is not None:
            return known
        if not self.goes_on():
            return ()
        if self._depth >= _DEEPEST:
            self.missed["names in the code are passed on too often to be followed"] = None
            return ()
        if given is None:
            self.memo[id(node)] = ()  # an answer that needs itself
        elif (id(node), id(scope)) in self._active:
            return ()
        else:
            self._active.add((id(node), id(scope)))
        self._depth += 1
        try:
            found = self._expressions.of(node, scope, given)
        finally:
            self._depth -= 1
            self._active.discard((id(node), id(scope)))
        if len(found) > 1:
            found = tuple(self._kept(dict.fromkeys(found)))
        if given is None:
            self.memo[id(node)] = found
        return found

    # --- names ---------------------------------------------------------------------------------------------------------------------------

    def name(self, name: str, scope: Scope) -> Values:
        """Give what a name could be in a scope.

        Whether a module or the body of a class has bound a name by the time it is used cannot be told: what is outside counts, too.
        """
        here: Scope | None = scope
        found: Values = ()
        while here is not None:
            if (here is scope or here.kind != "class") and _binds(here.names.get(name)):
                found += self.bound(here, name)
                if here.kind not in {"class", "module"}:
                    return found
            here = here.parent
        if not found:
            return self.unbound(name, scope)
        return (*found, Ref(f"builtins.{name}")) if name in _BUILTINS else found

    def bound(self, scope: Scope, name: str) -> Values:
        """Give what a scope binds a name to."""
        key = (id(scope), name)
        if (known := self._names.get(key)) is not None:
            return tuple(known)  # of a name that needs itself: what it was until then
        found = self._names[key] = []
        for binding in scope.names.get(name, ()):
            self._add(found, binding)
        return tuple(found)

    def _add(self, found: list[Value], binding: Binding) -> None:
        if binding.kind == "more":
            made = self._grown(found[-1:], binding)
        elif binding.kind == "item":
            last = found[-1] if found else None
            items = last.items if isinstance(last, Seq) else ()
            made = (Seq((*items, self.of(binding.node, binding.scope))),) if binding.node is not None else ()
            if isinstance(last, Seq):
                found.pop()
        else:
            made = self.binding(binding)
        found += [one for one in made if one not in found]
        if len(found) > _MOST:
            found[:] = self._kept(found)

    def _kept(self, found: Iterable[Value]) -> list[Value]:
        """Keep as many values as are followed: of constants the last ones, and everything that can be called."""
        every = list(found)
        if len(every) <= _MOST:
            return every
        constants = [one for one in every if isinstance(one, (Const, Seq, Mapping))]
        others = [one for one in every if not isinstance(one, (Const, Seq, Mapping))]
        if len(others) > _MOST_CALLED:
            self.missed["a name in the code stands for more than can be followed"] = None
        return [*constants[-_MOST:], *others[:_MOST_CALLED]]

    def _grown(self, before: list[Value], binding: Binding) -> Values:
        """Work out `name += something`, once for each turn of the loop that it stands in."""
        kind, loop = binding.detail
        if binding.node is None:
            return ()
        turns: list[Given | None] = [None]
        if loop is not None:
            elements = self.items.elements(self.of(loop.iter, binding.scope))
            if elements is not None:
                turns = [self.items.unpacked(loop.target, one) for one in elements]
        last: Values = tuple(before)
        self.turns -= len(turns)
        for turn in turns if self.turns >= 0 else ():
            last = self.items.combined(kind, last, self.of(binding.node, binding.scope, turn))
        return last

    def binding(self, binding: Binding) -> Values:
        """Give what one binding gives a name."""
        if binding.kind == "known":
            known: Values = binding.detail
            return known
        if binding.kind == "value" and binding.node is not None:
            return self.of(binding.node, binding.scope)
        if binding.kind == "import":
            return self.modules.of(str(binding.detail))
        if binding.kind == "from":
            level, module, name = binding.detail
            return self.modules.imported(binding.scope.source, level, module, name)
        return ()

    def unbound(self, name: str, scope: Scope) -> Values:
        """Give what a name is that no scope binds."""
        if name == "__builtins__":
            return (Ref("builtins"),)
        if name in {"__loader__", "__spec__"}:
            return (Ref(name),)
        if name == "__name__":
            return (Const(scope.source.dotted),)
        starred = self.modules.starred(name, scope.source.scope)
        pooled = self.item(name) if name not in _BUILTINS else ()
        return (*starred, *pooled, *((Ref(f"builtins.{name}"),) if name in _BUILTINS else ()))

    # --- attributes and items ------------------------------------------------------------------------------------------------------------

    def attribute(self, of: Values, name: str, *, pieced: bool = False) -> Values:
        """Give an attribute of what something could be."""
        found: list[Value] = []
        outside = bool(of)
        for one in of:
            if isinstance(one, Ref):
                outside = outside and "()" not in one.name
                found += _attribute_of_ref(one, name, pieced=pieced)
            elif isinstance(one, (Kind, Inst, Super)) and name.startswith("__") and name not in {"__class__", "__dict__"}:
                found += self.special(one.info, name, after=isinstance(one, Super))
                outside = True
            elif isinstance(one, Super):
                found += self.special(one.info, name, after=True)
                outside = True
            else:
                found += self._attribute_of(one, name)
                outside = outside and isinstance(one, (Const, Module, Names))
        if not outside and name not in _USUAL:
            found += self.pool(name)
        return tuple(found)

    def _attribute_of(self, of: Value, name: str) -> Values:
        if isinstance(of, Module):
            if name == "__dict__":
                return (Names(of),)
            found = self.bound(of.source.scope, name) or self.modules.starred(name, of.source.scope)
            below = self.program.find(f"{of.source.dotted}.{name}" if of.source.dotted else name)
            return found or ((Module(below),) if below is not None else ())
        if isinstance(of, Func):
            if name in {"__globals__", "__builtins__"}:
                return (Names(Module(of.unit.source)) if name == "__globals__" else Ref("builtins"),)
            return (of,) if name in {"__call__", "__code__", "__func__", "__wrapped__"} else ()
        if isinstance(of, Inst) and name == "__class__":
            return (Kind(of.info),)
        return (Bound(of, name),)

    def special(self, info: Class, name: str, *, after: bool = False) -> Values:
        """Give an attribute of a class, from it or its bases."""
        found: list[Value] = []
        seen: set[Class] = set()  # bases that share theirs are as many ways to the same class as one likes
        waiting = [info]
        while waiting:
            here = waiting.pop()
            if here in seen or not self.goes_on():
                continue
            seen.add(here)
            if name in here.scope.names and not (after and here is info):
                found += self.bound(here.scope, name)
                continue
            waiting += [one.info for base in reversed(here.bases) for one in self.of(base, here.outer) if isinstance(one, Kind)]
        return tuple(found)

    def pool(self, name: str) -> Values:
        """Give whatever any object's attribute of this name was given."""
        known = self._pools.get(name)
        if known is None:
            self._pools[name] = ()
            found: list[Value] = []
            for binding in self.program.attributes.get(name, ()):
                if binding.kind != "more":
                    found += self.binding(binding)
            known = self._pools[name] = tuple(self._kept(dict.fromkeys(found)))
        return known

    def item(self, key: object) -> Values:
        """Give whatever anything's item under this key was given."""
        if not isinstance(key, str):
            return ()
        found: list[Value] = []
        for binding in self.program.items.get(key, ()):
            found += self.binding(binding)
        return tuple(self._kept(dict.fromkeys(found)))


def _binds(bindings: list[Binding] | None) -> bool:
    """Whether a name is a scope's own: not where the scope only adds to a list of another."""
    return bindings is not None and (not bindings or any(one.kind != "item" for one in bindings[:_MOST_LOOKED_AT]))


def _attribute_of_ref(ref: Ref, name: str, *, pieced: bool) -> Values:
    if name == "__dict__":
        return (Names(ref),)
    if name == "__globals__":
        return (Names(Ref(ref.name.partition(".")[0])),)
    if name in {"__getattribute__", "__getattr__"}:
        return (Bound(ref, name),)
    return ref.grown(f".{name}", pieced=pieced)
