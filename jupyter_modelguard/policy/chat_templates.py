"""Chat templates, judged by what their Jinja source can reach; never rendered.

A template is code: a renderer without a sandbox (llama-cpp-python before 0.2.72, CVE-2024-34359, and every plain `jinja2.Environment`) lets
an expression walk from any value to Python's insides and call what it finds there. Two things tell such a template from
those of real models, and neither needs to follow values exactly: it names Python's own attributes, be it in pieces, or it
calls what is neither a macro, a
function that renderers give, nor a method of plain data. What a template says to a model is not judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.policy.findings import finding
from jupyter_modelguard.policy.template_names import DUNDER, FUNCTIONS, HIDDEN, INSIDES, MAKERS, METHODS, PROBES
from jupyter_modelguard.policy.template_strings import Strings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_modelguard.types import Finding

__all__ = ["may_be_template", "template_findings"]

_LARGEST: Final = 1 << 20  # characters; those of models have a few thousand
_LONGEST: Final = 200  # characters of a line that is quoted
_MOST_STEPS: Final = 1_000_000  # of one loop, and of everything that a real conversation has


def may_be_template(text: str) -> bool:
    """Whether a text has any of Jinja's marks."""
    return "{{" in text or "{%" in text


def template_findings(text: str, place: str) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Judge one template.

    Parameters
    ----------
    text
        Its source.
    place
        Where it stands: "tokenizer.chat_template". Findings add the line.

    Returns
    -------
    tuple
        Findings, and a sentence where it could not be read.
    """
    if not may_be_template(text):
        return (), ()
    if len(text) > _LARGEST:
        return (), (f"{place}: a template of more than {_LARGEST >> 20} million characters",)
    import jinja2

    try:
        tree = _environment().parse(text)
        found = tuple(dict.fromkeys(_Judge(tree, text, place).findings()))
    except (jinja2.TemplateError, RecursionError, ValueError) as error:
        return (), (f"{place}: cannot be read as a Jinja template ({type(error).__name__}: {str(error)[:80]})",)
    return found, ()


def _environment() -> Any:
    import jinja2
    from jinja2 import ext, nodes

    class Generation(ext.Extension):
        """The blocks that mark what a model wrote; they hold what they hold."""

        tags = {"generation"}  # noqa: RUF012 as Jinja has it

        def parse(self, parser: Any) -> Any:
            line = next(parser.stream).lineno
            return nodes.Scope(parser.parse_statements(("name:endgeneration",), drop_needle=True), lineno=line)

    return jinja2.Environment(  # noqa: S701 it parses, and renders nothing
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, ext.loopcontrols, ext.do]
    )


class _Judge:
    """One parsed template."""

    def __init__(self, tree: Any, text: str, place: str) -> None:
        from jinja2 import nodes

        self._nodes: Any = nodes
        self._lines = text.splitlines()
        self._place = place
        self._all = _every_node(tree)
        self._strings = Strings(self._all)
        macros = {node.name for node in self._all if isinstance(node, nodes.Macro)}
        self._blocks = {node.name for node in self._all if isinstance(node, nodes.Block)}
        made, bound = self._bound()
        self._bound_names = bound | made
        # a name that a loop or a parameter may give another value to is no macro any more
        self._callable = (macros | made | FUNCTIONS) - bound
        self._functions = (macros | FUNCTIONS) - bound - made - {"loop", "_"}
        self._carried = set(self._namespaced())
        self._harmless = {id(inner) for node in self._all for inner in self._operands(node)}

    def findings(self) -> Iterator[Finding]:  # noqa: C901 one branch a kind of node
        """Say what it reaches for and what it calls."""
        nodes = self._nodes
        for node in self._all:
            if isinstance(node, (nodes.Getattr, nodes.NSRef)):
                yield from self._named(node, node.attr)
            elif isinstance(node, nodes.Const) and isinstance(node.value, str):
                yield from self._hidden(node, node.value)
            elif isinstance(node, nodes.Keyword):
                yield from self._hidden(node, node.key)
            elif isinstance(node, nodes.Getitem):
                yield from self._subscript(node)
            elif isinstance(node, (nodes.Filter, nodes.Test)):
                yield from self._filtered(node)
            elif isinstance(node, (nodes.Add, nodes.Concat, nodes.Mod, nodes.Mul)):
                yield from self._endless(node)
                for text in self._strings.of(node):
                    yield from self._hidden(node, text)
            elif isinstance(node, nodes.Call):
                yield from self._called(node)
            elif isinstance(node, (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)):
                kind = type(node).__name__.lower()
                yield self._finding(node, "template-other-file", f"the template takes in another one ({kind})")
            elif isinstance(node, nodes.Name) and node.ctx == "load":
                yield from self._name(node)

    def _bound(self) -> tuple[set[str], set[str]]:
        """Names that only ever stand for something made to be called, and names that may stand for anything."""
        nodes = self._nodes
        made: set[str] = set()
        bound: set[str] = set()
        for node in self._all:
            if isinstance(node, nodes.Assign) and isinstance(node.target, nodes.Name):
                value = node.node
                maker = value.node if isinstance(value, nodes.Call) else None
                known = isinstance(maker, nodes.Name) and maker.name in MAKERS
                (made if known else bound).add(node.target.name)
            elif isinstance(node, nodes.Name) and node.ctx == "param":
                bound.add(node.name)
            elif isinstance(node, (nodes.For, nodes.With, nodes.Assign, nodes.AssignBlock)):
                targets = node.targets if isinstance(node, nodes.With) else [node.target]
                for target in targets:
                    bound |= {name.name for name in [target, *target.find_all(nodes.Name)] if isinstance(name, nodes.Name)}
            elif isinstance(node, (nodes.Import, nodes.FromImport)):
                names = [node.target] if isinstance(node, nodes.Import) else node.names
                bound |= {name[-1] if isinstance(name, tuple) else name for name in names}
        return made - bound, bound

    def _operands(self, node: Any) -> list[Any]:
        """Give what is only called or only tested: a function may stand there."""
        nodes = self._nodes
        return [node.node] if isinstance(node, (nodes.Call, nodes.Test)) and node.node is not None else []

    def _namespaced(self) -> Iterator[str]:
        """Name the attributes of namespaces that may hold more than plain data: reading one gives what was put there, called or not."""
        nodes = self._nodes
        plain = (nodes.Const, nodes.BinExpr, nodes.UnaryExpr, nodes.Compare, nodes.Concat, nodes.Test, nodes.List, nodes.Dict)
        for node in self._all:
            if isinstance(node, nodes.Assign) and isinstance(node.target, nodes.NSRef):
                if not isinstance(node.node, plain) or isinstance(node.node, (nodes.And, nodes.Or)):
                    yield node.target.attr
            elif isinstance(node, (nodes.For, nodes.AssignBlock, nodes.With)):
                targets = node.targets if isinstance(node, nodes.With) else [node.target]
                yield from (one.attr for target in targets for one in target.find_all(nodes.NSRef))
            elif isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name == "namespace":
                yield from (keyword.key for keyword in node.kwargs if not isinstance(keyword.value, plain))
                for pair in (pair for argument in node.args if isinstance(argument, nodes.Dict) for pair in argument.items):
                    yield from self._strings.of(pair.key)

    def _name(self, node: Any) -> Iterator[Finding]:
        if node.name in PROBES - self._bound_names and not (node.name == "self" and self._blocks):
            yield self._finding(node, "template-given-name", f"the template uses {node.name}, which no chat needs")
        if node.name in self._functions and id(node) not in self._harmless:
            yield self._finding(node, "template-call", f"the template takes hold of the function {node.name} itself")

    def _named(self, node: Any, name: str) -> Iterator[Finding]:
        if name.startswith("__") or name in INSIDES:
            yield self._finding(node, "template-escape", f"the template reaches for {name}, which leads into Python's insides")
        elif name.startswith("_"):
            yield self._finding(node, "template-call", f"the template reaches for {name}, an inner attribute")

    def _hidden(self, node: Any, text: str) -> Iterator[Finding]:
        """Find names of Python's insides in strings, which subscripts, filters and formats use as names."""
        stripped = text.strip()
        if HIDDEN.search(text) or DUNDER.fullmatch(stripped) or stripped in INSIDES - {"mro"}:
            yield self._finding(node, "template-escape", f"the template holds {stripped[:60]!r}, which names Python's insides")

    def _subscript(self, node: Any) -> Iterator[Finding]:
        for text in self._strings.of(node.arg):
            yield from self._named_item(node, text)

    def _named_item(self, node: Any, text: str) -> Iterator[Finding]:
        if text.startswith("__") or text in INSIDES:
            yield self._finding(
                node, "template-escape", f"the template reaches for {text[:60]}, which leads into Python's insides"
            )

    def _filtered(self, node: Any) -> Iterator[Finding]:
        """Judge the filters that look up attributes by a name they are given."""
        given = list(node.args)
        constant = self._nodes.Const
        by_name = node.name == "attr"
        if node.name in ("map", "select", "reject") and given:
            first = given.pop(0)  # the filter or test that is applied to each
            by_name = not isinstance(first, constant) or first.value == "attr"
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            yield self._finding(node, "template-call", f"the filter {node.name} takes arguments that the template does not show")
        wanted = [keyword.value for keyword in node.kwargs if keyword.key == "attribute"]
        wanted += given if by_name or node.name in ("selectattr", "rejectattr", "groupby", "sort", "sum") else []
        for argument in wanted:
            texts = self._strings.of(argument)
            for text in texts:
                for part in text.split("."):
                    yield from self._named_item(node, part)
            if by_name and (not texts or any(text.startswith("_") for text in texts)):
                yield self._finding(node, "template-call", "the template looks up an attribute whose name it works out")
        if by_name and not wanted:
            yield self._finding(node, "template-call", "the template applies a filter whose name it works out")

    def _called(self, node: Any) -> Iterator[Finding]:
        nodes, callee = self._nodes, node.node
        if isinstance(callee, nodes.Name):
            if callee.name == "range":
                yield from self._endless(node)
            if callee.name == "namespace" and (
                node.dyn_args or node.dyn_kwargs or any(type(one) is not nodes.Dict for one in node.args)
            ):
                yield self._finding(node, "template-call", "the template makes a namespace of what it does not show")
            if callee.name in self._callable:
                return
            if callee.name not in self._bound_names:
                yield self._finding(
                    node, "template-given-name", f"the template calls {callee.name}, which whoever renders it must bring"
                )
                return
        elif isinstance(callee, nodes.Getattr):
            inner = callee.node
            carried = callee.attr in self._carried
            if (callee.attr in METHODS and not carried) or (
                isinstance(inner, nodes.Name) and inner.name == "self" and callee.attr in self._blocks
            ):
                return
        shown = callee.attr if isinstance(callee, nodes.Getattr) else getattr(callee, "name", type(callee).__name__.lower())
        yield self._finding(
            node,
            "template-call",
            f"the template calls {str(shown)[:60]}, which is no function of templates and no method of text",
        )

    def _endless(self, node: Any) -> Iterator[Finding]:
        numbers = [one.value for one in node.find_all(self._nodes.Const) if type(one.value) is int]
        power = next(node.find_all(self._nodes.Pow), None) is not None
        counts = isinstance(node, (self._nodes.Call, self._nodes.Mul))
        if counts and (any(abs(number) > _MOST_STEPS for number in numbers) or (power and numbers)):
            yield self._finding(node, "template-endless", "the template counts so far that rendering it may not end")

    def _finding(self, node: Any, rule: str, title: str) -> Finding:
        line = node.lineno or 1
        code = self._lines[line - 1].strip() if line <= len(self._lines) else ""
        return finding(rule, title, f"{self._place}:{line}", code[:_LONGEST])


def _every_node(tree: Any) -> list[Any]:
    found = [tree]
    for node in found:
        found += node.iter_child_nodes()
    return found
