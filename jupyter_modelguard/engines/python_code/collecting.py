"""One walk through a file's syntax tree, without recursion: scopes, what binds names, and what happens in which function."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.engines.python_code.binding import Binder, give_back
from jupyter_modelguard.engines.python_code.defining import LOOKUPS, arguments_of, branch_runs, define, last_name, registers
from jupyter_modelguard.engines.python_code.kinds import HANDLERS, INSIDES
from jupyter_modelguard.engines.python_code.model import Binding, Class, Event, Scope, Unit, Where
from jupyter_modelguard.engines.python_code.values import Func, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_modelguard.engines.python_code.model import Source
    from jupyter_modelguard.engines.python_code.program import Program

__all__ = ["Collector"]

_MUTATIONS: Final = frozenset({"append", "extend", "insert", "add", "update"})


class Collector:
    """Collects a program, file by file.

    Parameters
    ----------
    program
        What it is written to.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._binder = Binder(program)
        self._waiting: list[tuple[ast.AST, Where]] = []

    def collect(self, source: Source, body: Unit, tree: ast.Module) -> None:
        """Collect a file."""
        source.late_annotations = any(
            isinstance(node, ast.ImportFrom)
            and node.module == "__future__"
            and any(one.name == "annotations" for one in node.names)
            for node in tree.body
        )
        first = len(self._program.units)
        self.walk(tree.body, Where(source.scope, body))
        for unit in self._program.units[first:]:
            if unit.scope is not None:
                give_back(unit.scope)

    def walk(self, nodes: Iterable[ast.AST], where: Where) -> None:
        """Collect nodes, and everything below them."""
        self._push(nodes, where)
        while self._waiting:
            node, here = self._waiting.pop()
            handler = HANDLERS.get(type(node))
            if handler is None:
                self._push(ast.iter_child_nodes(node), here)
            else:
                getattr(self, handler)(node, here)

    def _push(self, nodes: Iterable[ast.AST | None], where: Where) -> None:
        found = [(node, where) for node in nodes if node is not None]
        found.reverse()
        self._waiting += found

    def _event(self, kind: str, node: ast.expr, where: Where, extra: object = None) -> None:
        line = where.line or getattr(node, "lineno", 0)
        self._program.add(Event(kind, node, where.scope, where.sure, line, extra), where.unit)

    # --- definitions ---------------------------------------------------------------------------------------------------------------------

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, where: Where) -> None:
        inner = define(self._program, node, node.name, where, node.decorator_list)
        made = Binding("known", None, where.scope, (Func(inner),))
        self._binder.name(node.name, made, where.scope)
        self._decorated(node, node.name, made, where)
        annotations = [*(one.annotation for one in arguments_of(node.args)), node.returns, *getattr(node, "type_params", ())]
        late = where.scope.source.late_annotations
        self._push(annotations, where._replace(unit=self._never(where)) if late else where)
        self._push([*node.decorator_list, *node.args.defaults, *node.args.kw_defaults], where)
        self._push(node.body, Where(self._program.scope_of[node], inner, line=where.line))

    def _lambda(self, node: ast.Lambda, where: Where) -> None:
        inner = define(self._program, node, "<lambda>", where, [])
        scope = self._program.scope_of[node]
        inner.returns.append((node.body, scope))
        self._push([*node.args.defaults, *node.args.kw_defaults], where)
        self._push([node.body], Where(scope, inner, line=where.line))

    def _class(self, node: ast.ClassDef, where: Where) -> None:
        scope = Scope("class", where.scope.source, where.scope)
        info = Class(node.name, scope, node.bases, node.keywords, where.scope)
        scope.owner = info
        self._program.classes.append(info)
        self._program.class_of[node] = info
        self._program.scope_of[node] = scope
        made = Binding("known", None, where.scope, (Kind(info),))
        self._binder.name(node.name, made, where.scope)
        place = ast.copy_location(ast.Name(node.name, ast.Load()), node)
        self._event("class", place, where, info)
        self._decorated(node, node.name, made, where)
        self._push(getattr(node, "type_params", ()), where._replace(unit=self._never(where)))
        self._push([*node.decorator_list, *node.bases, *(one.value for one in node.keywords)], where)
        self._push(node.body, where._replace(scope=scope))

    def _decorated(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, name: str, made: Binding, where: Where
    ) -> None:
        """Note the call that a decorator is."""
        for decorator in reversed(node.decorator_list):
            thing = ast.copy_location(ast.Name(name, ast.Load()), decorator)
            self._program.scope_of[thing] = Scope("function", where.scope.source, where.scope, names={name: [made]})
            call = ast.copy_location(ast.Call(decorator, [thing], []), decorator)
            self._event("decorate", call, where)
            if (of := registers(decorator)) and any(one.kind == "known" for one in where.scope.names.get(of, ())):
                self._binder.name(of, made, where.scope)  # one more form of that function
            if last_name(decorator) not in LOOKUPS and last_name(decorator) not in {"staticmethod", "classmethod"}:
                self._binder.name(name, Binding("value", call, where.scope), where.scope)

    def _comprehension(self, node: Any, where: Where) -> None:
        scope = Scope("comprehension", where.scope.source, where.scope, where.scope.owner)
        self._program.scope_of[node] = scope
        inner = where._replace(scope=scope)
        parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        for number, generator in enumerate(node.generators):
            outer = where if not number else inner
            self._binder.each(generator.target, generator.iter, scope, outer.scope)
            self._push([generator.iter], outer)
            self._push([generator.target, *generator.ifs], inner)
        self._push(parts, inner)

    def _never(self, where: Where, *, script: bool = False) -> Unit:
        """Make a unit that nothing calls, for code that an import leaves out."""
        unit = Unit(f"{where.unit.name}?", where.unit.source, scope=where.scope, script=script)
        self._program.units.append(unit)
        return unit

    # --- statements ----------------------------------------------------------------------------------------------------------------------

    def _assign(self, node: ast.Assign, where: Where) -> None:
        for target in node.targets:
            self._target(target, node.value, where)
        self._push([node.value, *node.targets], where)

    def _target(self, target: ast.expr, value: ast.expr, where: Where) -> None:
        self._binder.target(target, value, where.scope)
        if isinstance(target, (ast.Attribute, ast.Subscript)):
            self._event("patch", target, where, value)

    def _annotated(self, node: ast.AnnAssign, where: Where) -> None:
        if node.value is not None:
            self._target(node.target, node.value, where)
        simple = isinstance(node.target, ast.Name) and where.scope.kind == "function"
        late = simple or where.scope.source.late_annotations
        self._push([node.annotation], where._replace(unit=self._never(where)) if late else where)
        self._push([node.value, node.target], where)

    def _augmented(self, node: ast.AugAssign, where: Where) -> None:
        if isinstance(node.target, ast.Name):
            self._binder.name(node.target.id, Binding("more", node.value, where.scope, (node.op, where.loop)), where.scope)
        else:
            self._event("patch", node.target, where, node.value)
        self._push([node.value, node.target], where)

    def _named(self, node: ast.NamedExpr, where: Where) -> None:
        scope = where.scope
        while scope.kind == "comprehension" and scope.parent is not None:
            scope = scope.parent
        self._binder.name(node.target.id, Binding("value", node.value, where.scope), scope)
        self._push([node.value], where)

    def _for(self, node: ast.For | ast.AsyncFor, where: Where) -> None:
        self._binder.each(node.target, node.iter, where.scope, where.scope)
        self._push([node.iter, node.target], where)
        loop = node if isinstance(node, ast.For) else None
        self._push(node.body, where._replace(loop=loop))
        self._push(node.orelse, where._replace(sure=False))

    def _with(self, node: ast.With | ast.AsyncWith, where: Where) -> None:
        for item in node.items:
            if item.optional_vars is not None:
                self._target(item.optional_vars, item.context_expr, where)
        self._push([*node.items, *node.body], where)

    def _if(self, node: ast.If, where: Where) -> None:
        runs = branch_runs(node.test)
        self._push([node.test], where)
        doubtful = where._replace(sure=False, loop=None)
        never = (
            where._replace(unit=self._never(where, script=not isinstance(node.test, ast.Constant))) if runs is not None else where
        )
        self._push(node.body, doubtful if runs is None else where if runs else never)
        self._push(node.orelse, doubtful if runs is None else never if runs else where)

    def _choice(self, node: ast.IfExp, where: Where) -> None:
        self._push([node.test], where)
        self._push([node.body, node.orelse], where._replace(sure=False))

    def _either(self, node: ast.BoolOp, where: Where) -> None:
        self._push(node.values[:1], where)
        self._push(node.values[1:], where._replace(sure=False))

    def _try(self, node: Any, where: Where) -> None:
        self._push(node.body, where)
        self._push([*node.handlers, *node.orelse], where._replace(sure=False))
        self._push(node.finalbody, where)

    def _match(self, node: ast.Match, where: Where) -> None:
        self._push([node.subject], where)
        for case in node.cases:
            for test in self._binder.pattern(case.pattern, node.subject, where.scope):
                self._push([test], where)
            self._push([case.guard, *case.body], where._replace(sure=False))

    def _return(self, node: ast.Return | ast.Yield | ast.YieldFrom, where: Where) -> None:
        if node.value is not None:
            where.unit.returns.append((node.value, where.scope))
            self._push([node.value], where)

    def _import(self, node: ast.Import, where: Where) -> None:
        for alias in node.names:
            top = alias.name.partition(".")[0]
            binding = Binding("import", None, where.scope, alias.name if alias.asname else top)
            self._binder.name(alias.asname or top, binding, where.scope)
        place = ast.copy_location(ast.Name("", ast.Load()), node)
        self._event("import", place, where, [(0, alias.name, "") for alias in node.names])

    def _import_from(self, node: ast.ImportFrom, where: Where) -> None:
        module = node.module or ""
        for alias in node.names:
            if alias.name == "*":
                where.scope.stars.append((node.level, module))
            else:
                binding = Binding("from", None, where.scope, (node.level, module, alias.name))
                self._binder.name(alias.asname or alias.name, binding, where.scope)
        place = ast.copy_location(ast.Name("", ast.Load()), node)
        self._event("import", place, where, [(node.level, module, alias.name) for alias in node.names])

    def _global(self, node: ast.Global | ast.Nonlocal, where: Where) -> None:
        scope = where.scope
        for name in node.names:
            target = scope.source.scope
            if isinstance(node, ast.Nonlocal):
                above = scope.parent
                while above is not None and (above.kind == "class" or name not in above.names):
                    above = above.parent
                target = above or target
            scope.elsewhere[name] = target

    # --- expressions ---------------------------------------------------------------------------------------------------------------------

    def _call(self, node: ast.Call, where: Where) -> None:
        self._event("call", node, where)
        function = node.func
        if (
            isinstance(function, ast.Attribute)
            and function.attr in _MUTATIONS
            and isinstance(function.value, ast.Name)
            and node.args
        ):
            self._binder.grown(function, node, where)
        self._push([node.func, *node.args, *(one.value for one in node.keywords)], where)

    def _attribute(self, node: ast.Attribute, where: Where) -> None:
        where.unit.attributes.add(node.attr)
        if isinstance(node.ctx, ast.Load) and node.attr in INSIDES:
            self._event("inside", node, where)
        self._push([node.value], where)

    def _subscript(self, node: ast.Subscript, where: Where) -> None:
        plain = isinstance(node.slice, (ast.Slice, ast.Tuple, ast.UnaryOp)) or (
            isinstance(node.slice, ast.Constant) and not isinstance(node.slice.value, str)
        )
        if isinstance(node.ctx, ast.Load) and not plain:
            self._event("item", node, where)
        self._push([node.value, node.slice], where)

    def _delete(self, node: ast.Delete, where: Where) -> None:
        for target in node.targets:
            if isinstance(target, (ast.Attribute, ast.Subscript)):
                self._event("patch", target, where)
        self._push(node.targets, where)
