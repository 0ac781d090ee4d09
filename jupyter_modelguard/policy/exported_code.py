"""Python that `torch.export` makes of a file's own text: a graph's source, symbolic sizes, guards.

A name in the file becomes an argument of a function that is compiled while the file loads, a size is evaluated by sympy, and a guard by
the module that the program makes. Each is told apart here from what torch writes: an expression that can only compute.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["is_plain_text", "odd_guard", "odd_size", "odd_source", "odd_target"]

_LONGEST = 100_000  # characters of one expression
_ENDS_TEXT = frozenset("'\"\\")
_EXPRESSIONS = (
    *(ast.Expression, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Call, ast.Name, ast.Constant, ast.keyword, ast.IfExp),
    *(ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context),
)
_STATEMENTS = (
    *(ast.Module, ast.FunctionDef, ast.arguments, ast.arg, ast.Assign, ast.AnnAssign, ast.Return, ast.Expr, ast.Pass),
    *(ast.Tuple, ast.List, ast.Dict, ast.Call, ast.Attribute, ast.Name, ast.Constant, ast.Subscript, ast.Slice, ast.BinOp),
    *(ast.UnaryOp, ast.Compare, ast.keyword, ast.Starred, ast.operator, ast.unaryop, ast.cmpop, ast.expr_context),
)
_SIZES: Final = frozenset(  # of sympy and of torch.utils._sympy.functions: they take and give numbers and symbols
    {
        "Symbol",
        "Integer",
        "Float",
        "Rational",
        "Add",
        "Mul",
        "Pow",
        "Max",
        "Min",
        "Mod",
        "Abs",
        "Eq",
        "Ne",
        "Lt",
        "Le",
        "Gt",
        "Ge",
    }
    | {
        "Equality",
        "Unequality",
        "StrictLessThan",
        "LessThan",
        "StrictGreaterThan",
        "GreaterThan",
        "And",
        "Or",
        "Not",
        "Piecewise",
    }
    | {
        "ceiling",
        "floor",
        "sqrt",
        "exp",
        "log",
        "sign",
        "FloorDiv",
        "ModularIndexing",
        "Where",
        "PythonMod",
        "CleanDiv",
        "CeilToInt",
    }
    | {"FloorToInt", "CeilDiv", "LShift", "RShift", "PowByNatural", "FloatPow", "FloatTrueDiv", "IntTrueDiv", "TruncToFloat"}
    | {
        "IsNonOverlappingAndDenseIndicator",
        "TruncToInt",
        "RoundToInt",
        "RoundDecimal",
        "ToFloat",
        "Identity",
        "cast_symbool_to_symint_guardless",
    }
    | {"BitwiseFn_bitwise_and", "BitwiseFn_bitwise_or"}
)
_OF_TENSORS: Final = frozenset({"size", "stride", "storage_offset", "numel", "dim", "ndim", "shape"})
_OF_MATH: Final = frozenset({"ceil", "floor", "trunc", "sqrt", "log", "log2", "exp", "pow", "inf", "nan"})
_ROOTS: Final = frozenset({"torch", "self", "fx_pytree", "pytree", "operator", "_operator", "math"})
_FREE: Final = _ROOTS | {"device", "inf", "nan", "None", "NoneType"}
_TREES: Final = frozenset({"tree_flatten_spec", "tree_unflatten", "tree_leaves", "tree_flatten"})
_LIBRARIES: Final = frozenset({"aten", "prims", "prim", "higher_order", "_c10d_functional", "quantized_decomposed"})
_TO_FILES: Final = frozenset({"from_file", "save"})  # the operators of aten that take a path
_VALUES: Final = frozenset(
    {
        "float64",
        "float32",
        "float16",
        "bfloat16",
        "float",
        "double",
        "half",
        "int64",
        "int32",
        "int16",
        "int8",
        "uint8",
        "long",
        "int",
    }
    | {"bool", "complex64", "complex128", "float8_e4m3fn", "float8_e5m2", "uint16", "uint32", "uint64", "device", "strided"}
    | {"sparse_coo", "sparse_csr", "contiguous_format", "preserve_format", "channels_last", "channels_last_3d", "short"}
    | {"sym_max", "sym_min", "sym_int", "sym_float", "sym_ite", "sym_not", "sym_sqrt", "sym_sum", "Tensor"}
)


def is_plain_text(text: object) -> bool:
    """Whether a text stays a part of the text in quotes that torch writes it into."""
    return type(text) is str and text.isprintable() and not _ENDS_TEXT.intersection(text)


def odd_size(text: object) -> str:
    """Say what in a symbolic size is more than arithmetic of symbols, or nothing."""
    tree = _parsed(text)
    return tree if isinstance(tree, str) else next(_odd_in_size(tree), "")


def odd_guard(text: object) -> str:
    """Say what in a guard is more than a comparison of sizes, or nothing."""
    tree = _parsed(text)
    return tree if isinstance(tree, str) else next(_odd_in_guard(tree), "")


def odd_source(text: object) -> str:
    """Say what in the source of a graph is more than operators on tensors, or nothing."""
    if type(text) is not str:
        return "a graph's source that is no text"
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"a graph's source that is no Python ({type(error).__name__})"
    return next(_run_at_once(tree), "") or next(_odd_in_graph(tree), "")


def odd_target(text: str) -> str:
    """Say that what a node of a graph calls is no operator on tensors, or nothing."""
    return "" if _is_known(tuple(text.split("."))) else f"{text[:80]} in a graph"


def _odd_in_size(tree: ast.Expression) -> Iterator[str]:
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    functions = {id(call.func) for call in calls}
    names = {id(call.args[0]) for call in calls if _is_symbol(call)}
    for node in ast.walk(tree):
        if not isinstance(node, _EXPRESSIONS):
            yield f"{type(node).__name__} in a size"
        elif isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in _SIZES):
            yield f"a call of {ast.unparse(node.func)[:80]} in a size"
        elif isinstance(node, ast.Name) and ("__" in node.id or (node.id in _SIZES and id(node) not in functions)):
            yield f"{node.id} in a size"
        elif isinstance(node, ast.Constant) and type(node.value) not in (int, float, bool) and id(node) not in names:
            yield "text in a size"


def _odd_in_guard(tree: ast.Expression) -> Iterator[str]:  # noqa: C901 one branch a kind of node
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            of_math = isinstance(node.value, ast.Name) and node.value.id == "math" and node.attr in _OF_MATH
            if not of_math and node.attr not in _OF_TENSORS:
                yield f".{node.attr} in a guard"
        elif isinstance(node, ast.Name):
            if node.id not in _SIZES | {"L", "math", "inf"}:
                yield f"{node.id} in a guard"
        elif isinstance(node, ast.Call):
            if not isinstance(node.func, (ast.Name, ast.Attribute)) or node.keywords:
                yield "a call in a guard"
        elif isinstance(node, ast.Constant):
            if type(node.value) not in (int, float, bool, str):
                yield "a constant in a guard"
            elif isinstance(node.value, str) and not is_plain_text(node.value):
                yield f"{node.value!r:.80} in a guard, which could end the text that torch writes it into"
        elif not isinstance(node, (*_EXPRESSIONS, ast.Subscript)):
            yield f"{type(node).__name__} in a guard"


def _run_at_once(tree: ast.Module) -> Iterator[str]:
    """Find what runs when the source is executed, which only defines functions: defaults, decorators, statements beside them."""
    for statement in tree.body:
        if not isinstance(statement, ast.FunctionDef):
            yield f"{ast.unparse(statement)[:80]}, which would run while the file loads"
            return
        taken = statement.args
        early = [*taken.defaults, *(value for value in taken.kw_defaults if value is not None), *statement.decorator_list]
        early += [note for note in _annotations(statement) if not isinstance(note, (ast.Name, ast.Attribute))]
        yield from (
            f"{ast.unparse(value)[:80]}, which would run while the file loads"
            for value in early
            if not isinstance(value, ast.Constant)
        )


def _odd_in_graph(tree: ast.Module) -> Iterator[str]:
    """Find what a function would use beside operators on its own values; a name counts as its own only where it is one."""
    for function in tree.body:
        notes = [part for note in _annotations(function) for part in ast.walk(note)]
        skipped = {id(node) for node in notes}
        nodes = [node for node in ast.walk(function) if id(node) not in skipped]
        bound = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        bound |= {node.arg for node in nodes if isinstance(node, ast.arg)}
        yield from _odd_nodes(notes, set())
        yield from (f"{node.name}, a function in a graph" for node in nodes[1:] if isinstance(node, ast.FunctionDef))
        yield from _odd_nodes(nodes, bound)


def _odd_nodes(nodes: list[ast.AST], bound: set[str]) -> Iterator[str]:
    inner = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    reached = {id(node.func) for node in nodes if isinstance(node, ast.Call) and _reads_attribute(node)}
    for node in nodes:
        if not isinstance(node, _STATEMENTS):
            yield f"{type(node).__name__} in a graph"
        elif isinstance(node, ast.Attribute) and (id(node) not in inner or isinstance(node.ctx, ast.Store)):
            if odd := f"{ast.unparse(node)[:80]} is set in a graph" if isinstance(node.ctx, ast.Store) else _odd_attribute(node):
                yield odd
        elif isinstance(node, ast.Name) and id(node) not in reached:
            alone = node.id in _ROOTS - {"self"} and id(node) not in inner
            if "__" in node.id or alone or node.id not in bound | _FREE:
                yield f"{node.id} in a graph"


def _annotations(function: ast.AST) -> list[ast.expr]:
    """Give what is evaluated where a function is defined, beside its defaults."""
    if not isinstance(function, ast.FunctionDef):
        return []
    taken = function.args
    arguments = (*taken.posonlyargs, *taken.args, *taken.kwonlyargs, taken.vararg, taken.kwarg)
    notes = [argument.annotation for argument in arguments if argument is not None]
    return [note for note in (*notes, function.returns) if note is not None]


def _parsed(text: object) -> ast.Expression | str:
    if type(text) is not str or len(text) > _LONGEST:
        return "an expression that is no text, or too long"
    try:
        return ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"an expression that is no Python ({type(error).__name__})"


def _is_symbol(node: ast.Call) -> bool:
    """Whether a call makes a symbol of a plain name."""
    if not (isinstance(node.func, ast.Name) and node.func.id == "Symbol" and node.args):
        return False
    name = node.args[0]
    return isinstance(name, ast.Constant) and type(name.value) is str and name.value.isidentifier()


def _reads_attribute(node: ast.Call) -> bool:
    """Whether a call is `getattr(self…, "name")`, which torch writes for names that are no identifiers."""
    if not (isinstance(node.func, ast.Name) and node.func.id == "getattr" and len(node.args) == 2 and not node.keywords):  # noqa: PLR2004
        return False
    owner, name = node.args
    while isinstance(owner, (ast.Attribute, ast.Call)):
        owner = owner.value if isinstance(owner, ast.Attribute) else (owner.args or [owner.func])[0]
    fixed = isinstance(name, ast.Constant) and type(name.value) is str and not name.value.startswith("__")
    return fixed and isinstance(owner, ast.Name) and owner.id == "self"


def _odd_attribute(node: ast.Attribute) -> str:
    parts = [node.attr]
    value: ast.expr = node.value
    while isinstance(value, ast.Attribute):
        parts.append(value.attr)
        value = value.value
    if isinstance(value, ast.Call) and _reads_attribute(value):
        return f".{parts[0]} in a graph" if any(part.startswith("__") for part in parts) else ""
    if not isinstance(value, ast.Name):
        return f".{node.attr} in a graph"
    chain = (value.id, *reversed(parts))
    return "" if _is_known(chain) else f"{'.'.join(chain)[:80]} in a graph"


def _is_known(chain: tuple[str, ...]) -> bool:  # noqa: PLR0911 one line a root
    match chain:
        case ("self", *names):
            return not any(name.startswith("__") for name in names)
        case ("torch", "ops", library, name, *overload):
            return library in _LIBRARIES and name not in _TO_FILES and len(overload) <= 1
        case ("torch", name):
            return name in _VALUES
        case ("torch", "_C", "_set_grad_enabled"):
            return True
        case ("fx_pytree" | "pytree", name):
            return name in _TREES
        case ("operator" | "_operator", name):
            return not name.startswith(("__", "attrgetter", "methodcaller", "call"))
        case ("math", name):
            return not name.startswith("__")
    return False
