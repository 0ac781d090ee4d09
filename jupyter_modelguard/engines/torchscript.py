"""Say what a TorchScript archive would do: its code is read as Python source, never compiled or run.

torch compiles the code of an archive without running the functions in it, except for three things that run while it is still loading:
the `__setstate__` of a class, the default values of arguments and named tuples, and the values of class constants. None of them raises an
event, so a load is silent only if the first is absent and the others are literals. The functions themselves run when the model is
called; they may use what `policy/torchscript_ops.toml` lists, which cannot reach anything outside the tensors.

TorchScript has a lexer of its own. What Python could read otherwise than it does (comments, tabs, anything that is no printable ASCII,
lines that are joined) is never written by torch, and not proved here.
"""

from __future__ import annotations

import ast
import functools
import itertools
import pickletools
import re
import tomllib
from importlib import resources
from typing import TYPE_CHECKING

from jupyter_modelguard.engines.torchscript_reach import python_calls, reach_of
from jupyter_modelguard.engines.torchscript_syntax import chain_of, is_declaration, is_literal, is_type
from jupyter_modelguard.policy.findings import finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jupyter_modelguard.types import Finding

__all__ = ["script_findings"]

_LARGEST_CODE = 64 << 20  # bytes of code in all
_MOST_CALLS = 20  # of Python functions that are told of a file
_NOT_TORCHS = re.compile(rb"[^\n -~]|\\\n")
_NODES = (
    *(ast.Module, ast.ClassDef, ast.FunctionDef, ast.arguments, ast.arg, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return),
    *(ast.If, ast.For, ast.While, ast.Break, ast.Continue, ast.Pass, ast.Expr, ast.With, ast.withitem, ast.Raise, ast.Assert),
    *(ast.Delete, ast.Call, ast.keyword, ast.Attribute, ast.Name, ast.Constant, ast.Subscript, ast.Slice, ast.Tuple, ast.List),
    *(ast.Dict, ast.ListComp, ast.DictComp, ast.comprehension, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp),
    *(ast.Starred, ast.Lambda, ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context),
)
_KINDS = frozenset(_NODES).union(*(kind.__subclasses__() for kind in _NODES))
_NEVER = frozenset({"torch", "ops", "rpc_async", "rpc_sync", "rpc_remote"})  # as a name alone, even where the file binds it
_GLOBALS = re.compile(
    r"__torch__(\.\w+)+|torch\.jit\._pickle [a-z_]+|torch\._utils _rebuild_\w+|torch \w+Storage|torch device|collections OrderedDict"
)
_NAMES = re.compile(r"__torch__(\.\w+)* \w+")


@functools.cache
def _operators() -> dict[str, frozenset[str]]:
    text = resources.files("jupyter_modelguard.policy").joinpath("torchscript_ops.toml").read_text("utf-8")
    return {name: frozenset(listed) for name, listed in tomllib.loads(text).items()}


def script_findings(members: Mapping[str, bytes]) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Judge the code-bearing members of a TorchScript archive.

    Parameters
    ----------
    members
        Content by name, names without the archive's folder: all code, `data.pkl` and `constants.pkl`.

    Returns
    -------
    tuple
        Findings, and a sentence for each part that could not be read. A single finding of severity `INFO` and nothing missed is the proof
        that nothing of the archive runs while it loads, and that its functions compute and no more.
    """
    found: list[Finding] = []
    missed: list[str] = []
    code = {name: content for name, content in members.items() if name.lower().endswith(".py")}
    if sum(map(len, code.values())) > _LARGEST_CODE:
        return (), ("the code of the archive is larger than 64 MiB",)
    functions = 0
    for name, content in code.items():
        try:
            source = _Source(name, content)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            missed.append(f"{name}: cannot be read as TorchScript ({type(error).__name__})")
            found += _python_in(name, content)
            continue
        found += source.findings()
        missed += source.missed
        functions += source.functions
    for name, content in members.items():
        if name.lower().endswith(".pkl"):
            found += _named_in(name, content)
        elif name.lower().rpartition("/")[2] == "model.json":
            missed.append(f"{name}: an archive of a torch before 1.4, which is not inspected")
    if not found:
        title = (
            f"TorchScript, {functions} function{'s' * (functions != 1)}: only computation, and nothing of it runs while loading"
        )
        found.append(finding("torchscript-module", title))
    return tuple(dict.fromkeys(found)), tuple(missed)


def _python_in(name: str, content: bytes) -> Iterator[Finding]:
    """Find calls of Python functions, which make source that neither Python nor torch's own reader takes."""
    lines = content.decode("ascii", "replace").splitlines()
    for line, called in itertools.islice(python_calls("\n".join(lines)), _MOST_CALLS):
        title = f"{called:.80} is a Python function, called from the model's code"
        yield finding("torchscript-operator", title, f"{name}:{line}", lines[line - 1].strip()[:200])


def _named_in(name: str, content: bytes) -> Iterator[Finding]:
    """Name the classes of an archive's pickle that are not its own: torch's own reader of pickles makes custom C++ objects too."""
    custom = b"torch.classes" in content or b"torch\nclasses" in content
    odd: set[str] = set()
    try:
        for opcode, argument, _ in pickletools.genops(content):
            if opcode.name == "GLOBAL" and type(argument) is str:
                if not (_NAMES.fullmatch(argument) or _GLOBALS.fullmatch(argument)):
                    odd.add(argument.replace(" ", "."))
            elif opcode.name in {"STACK_GLOBAL", "INST", "EXT1", "EXT2", "EXT4"}:
                odd.add(opcode.name)
    except Exception:  # noqa: BLE001 whatever makes this parser stumble was not looked at
        yield finding("torchscript-pickle", f"{name} cannot be read to its end", name)
    if custom:
        title = f"{name} makes objects of custom C++ classes, whose own code restores them while the archive loads"
        yield finding("torchscript-custom-class", title, name)
    elif odd:
        title = f"{name} names what no TorchScript archive needs: {', '.join(sorted(odd))[:200]}"
        yield finding("torchscript-pickle", title, name)


class _Source:
    """One code file.

    Attributes
    ----------
    functions
        How many it defines.
    missed
        What torch could read otherwise than it was read here.
    """

    def __init__(self, name: str, content: bytes) -> None:
        self.name = name
        self.missed: list[str] = []
        odd = _NOT_TORCHS.search(content)
        if odd is not None:
            self.missed.append(f"{name}: has characters that torch does not write ({odd.group()!r})")
        self._lines = content.decode("ascii", "replace").splitlines()
        self._setstate = b"__setstate__" in content
        self._tree = ast.parse(content.decode("ascii", "replace"))
        if b"#" in content and _has_comment(content.decode("ascii", "replace")):
            self.missed.append(f"{name}: has comments, which torch may read as types")
        nodes = _every_node(self._tree)
        self.functions = sum(isinstance(node, ast.FunctionDef) for node in nodes)
        self._nodes = nodes

    def findings(self) -> Iterator[Finding]:
        """Say what runs while the archive loads, and what its functions use that is not listed."""
        if self._setstate:
            place = next((at for at, line in enumerate(self._lines, 1) if "__setstate__" in line), 1)
            yield self._finding(place, "torchscript-setstate", "__setstate__ runs while the archive loads")
        strange = {type(node).__name__: node for node in self._nodes if type(node) not in _KINDS}
        for kind, node in strange.items():
            line = getattr(node, "lineno", 1)
            yield self._finding(line, "torchscript-unknown-source", f"{kind} is no part of what torch writes")
        yield from self._early(self._tree.body)
        yield from self._signatures()
        yield from self._used()

    def _early(self, body: list[ast.stmt]) -> Iterator[Finding]:
        """Find what torch evaluates while it loads: all that stands outside the bodies of functions."""
        for statement in body:
            if isinstance(statement, ast.ClassDef):
                if statement.decorator_list or statement.keywords or not all(map(is_type, statement.bases)):
                    yield self._runs(statement)
                yield from self._early(statement.body)
            elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
                if not is_declaration(statement):
                    yield self._runs(statement)
            elif not isinstance(statement, (ast.FunctionDef, ast.Pass)):
                yield self._runs(statement)

    def _signatures(self) -> Iterator[Finding]:
        """Find defaults of arguments that are more than literals: torch evaluates those of every function it compiles."""
        for node in self._nodes:
            if isinstance(node, ast.FunctionDef):
                defaults = [*node.args.defaults, *(value for value in node.args.kw_defaults if value is not None)]
                annotated = [node.returns, *(argument.annotation for argument in _arguments(node.args))]
                types = all(kind is None or is_type(kind) for kind in annotated)
                if node.decorator_list or not all(map(is_literal, defaults)) or not types:
                    yield self._runs(node)

    def _used(self) -> Iterator[Finding]:
        operators = _operators()
        inner = {id(node.value) for node in self._nodes if isinstance(node, ast.Attribute)}
        known = operators["names"] | set(self._bound())
        for node in self._nodes:
            if isinstance(node, ast.Attribute):
                if id(node) in inner:
                    continue
                chain = chain_of(node)
                if chain and not _is_listed(chain, operators):
                    does = reach_of(chain) or "is not on the list of operators that only compute"
                    yield self._finding(node.lineno, "torchscript-operator", f"{'.'.join(chain)} {does}")
            elif isinstance(node, ast.Name) and id(node) not in inner:
                if node.id in _NEVER or (isinstance(node.ctx, ast.Load) and node.id not in known):
                    does = reach_of((node.id,)) or "is not on the list of functions that only compute"
                    yield self._finding(node.lineno, "torchscript-operator", f"{node.id} {does}")
            elif isinstance(node, ast.Constant) and (type(node.value) in (bytes, complex) or node.kind is not None):
                yield self._finding(node.lineno, "torchscript-unknown-source", "a constant that torch does not write")

    def _bound(self) -> Iterator[str]:
        """Names that the file itself gives to something; none of them can be an operator that was not found where it was named."""
        for node in self._nodes:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id
            elif isinstance(node, ast.arg):
                yield node.arg
            elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                yield node.name

    def _runs(self, node: ast.stmt) -> Finding:
        return self._finding(node.lineno, "torchscript-early-code", "an expression that torch evaluates while the archive loads")

    def _finding(self, line: int, rule: str, title: str) -> Finding:
        code = self._lines[line - 1].strip()[:200] if line <= len(self._lines) else ""
        return finding(rule, title, f"{self.name}:{line}", code)


def _every_node(tree: ast.AST) -> list[ast.AST]:
    """Do as `ast.walk`, in any order and at three times its speed."""
    found: list[ast.AST] = [tree]
    for node in found:
        if not node._fields:
            continue  # one object for all trees, which other readers of trees leave things at
        for value in vars(node).values():
            if isinstance(value, ast.AST):
                found.append(value)
            elif type(value) is list:
                found += [item for item in value if isinstance(item, ast.AST)]
    return found


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    found = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return found + [one for one in (arguments.vararg, arguments.kwarg) if one is not None]


def _is_listed(chain: tuple[str, ...], operators: Mapping[str, frozenset[str]]) -> bool:
    match chain:
        case ("torch", name, *_):
            return name in operators["numbers"] or name in operators["text"]
        case ("ops", "prim", name, *_):
            return name in operators["prim"]
        case ("ops", "aten", name, *_):
            return name in operators["numbers"] or name in operators["text"]
        case ("ops", *_):
            return False
        case ("__torch__", "torch", "classes", *_):
            return False
    return True  # of this archive, or an attribute of a value: an operator that takes `self` first, none of which takes a path


def _has_comment(text: str) -> bool:
    import io
    import tokenize

    try:
        return any(token.type == tokenize.COMMENT for token in tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError):
        return True
