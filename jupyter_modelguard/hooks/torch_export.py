"""`torch.export.load`: programs whose own text is compiled and evaluated while they load.

The names of a graph become source that is executed, symbolic sizes go through sympy's `eval`, and guards are compiled by the module a
program makes; none of them names a file that could be judged by its path. Each is read before it runs, and asked about unless it can only
compute; names that become source later are read when the program is loaded. The pickles in such an archive go through their own guarded
readers.
"""

from __future__ import annotations

import enum
import hashlib
import sys
import threading
import types
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.hooks.calls import Call, current_call
from jupyter_modelguard.hooks.named import go_on, source_of
from jupyter_modelguard.hooks.passage import call_text
from jupyter_modelguard.hooks.scopes import Suspended, for_each_thread
from jupyter_modelguard.policy.exported_code import odd_guard, odd_size, odd_source
from jupyter_modelguard.policy.exported_names import odd_names, odd_structure
from jupyter_modelguard.policy.named import named_finding
from jupyter_modelguard.types import Artifact, GlobalUse, Judgement, QualifiedName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_modelguard.hooks.passage import Passage

__all__ = [
    "guard_custom_object",
    "guard_export_load",
    "guard_graph_source",
    "guard_guards",
    "guard_structure",
    "guard_symbolic_size",
]

_LOADER = "torch.export.load"


class _Loading(threading.local):
    depth = 0


_loading = for_each_thread(_Loading())


def guard_export_load(passage: Passage, loader: str) -> Callable[..., Any]:
    """Return a wrapt wrapper for a call that loads an exported program."""

    def load(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if passage.inside():
            return _counted(wrapped, args, options)
        if current_call() is not None:
            return _with_plain_names(passage, _counted(wrapped, args, options))
        frame = sys._getframe(1)
        target = options.get("f", args[0] if args else None)
        with Suspended():
            request = passage.gate.request(loader, call_text(loader, options), source_of(target), frame)
        with passage.call(request, frame):
            return _with_plain_names(passage, _counted(wrapped, args, options))

    return load


def guard_graph_source(passage: Passage) -> Callable[..., Any]:
    """Return a wrapt wrapper for `torch.fx.graph_module._exec_with_source`; graphs that do not come from a file pass."""

    def execute(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if not _loading.depth or passage.inside():
            return wrapped(*args, **options)
        source = args[0] if args else options.get("src")
        return _ask(passage, "torch.fx.GraphModule", odd_source(source), source, lambda: wrapped(*args, **options))

    return execute


def guard_symbolic_size(passage: Passage) -> Callable[..., Any]:
    """Return a wrapt wrapper for `GraphModuleDeserializer._parse_sym_expr`, which evaluates a text as Python."""

    def parse(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        text = args[0] if args else options.get("expr_str")
        if passage.inside() or not isinstance(text, (str, bytes)):  # what was evaluated before, taken apart
            return wrapped(*args, **options)
        return _ask(passage, "sympy.sympify", odd_size(text), text, lambda: wrapped(*args, **options))

    return parse


def guard_guards(passage: Passage) -> Callable[..., Any]:
    """Return a wrapt wrapper for `torch.export._unlift._convert_guards_code_to_fn`, which compiles a program's guards."""

    def convert(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        guards = args[0] if args else options.get("guards_code")
        if passage.inside():
            return wrapped(*args, **options)
        paths = args[1] if len(args) > 1 else options.get("paths_of_placeholders")
        odd = next((found for found in map(odd_guard, guards or ()) if found), "")
        odd = odd or odd_names([getattr(path[0], "key", "") for path in paths or () if path], ())
        return _ask(passage, "torch.export.ExportedProgram.module", odd, str(guards), lambda: wrapped(*args, **options))

    return convert


def guard_structure(passage: Passage) -> Callable[..., Any]:
    """Return a wrapt wrapper for `torch.utils._pytree.treespec_loads`, which imports what a structure of arguments names."""

    def loads(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if passage.inside():
            return wrapped(*args, **options)
        text = args[0] if args else options.get("serialized")
        odd = odd_structure(text, _is_enumeration)
        return _ask(passage, "torch.utils._pytree.treespec_loads", odd, text, lambda: wrapped(*args, **options))

    return loads


def guard_custom_object(passage: Passage) -> Callable[..., Any]:
    """Return a wrapt wrapper for `torch._C._pickle_load_obj`, which restores objects of custom C++ classes."""

    def restore(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if not _loading.depth or passage.inside():
            return wrapped(*args, **options)
        odd = "restores an object of a custom C++ class, whose own code runs"
        return _ask(passage, "torch.ScriptObject", odd, args[0], lambda: wrapped(*args, **options))

    return restore


def _counted(wrapped: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    _loading.depth += 1
    try:
        return wrapped(*args, **options)
    finally:
        _loading.depth -= 1


def _with_plain_names(passage: Passage, loaded: Any) -> Any:
    """Give what was loaded, once its names are known to be nothing more."""
    programs = getattr(loaded, "exported_programs", {"": loaded}).values()
    arguments = [name for program in programs for name in _arguments(program)]
    others = [name for program in programs for name in _names(program)]
    odd = odd_names(arguments, others)
    return _ask(passage, "torch.export.ExportedProgram", odd, [*arguments, *others], lambda: loaded)


def _arguments(program: Any) -> Iterator[object]:
    for entry in getattr(program, "module_call_graph", ()):
        signature = entry.signature
        if signature is None:
            continue
        yield from getattr(signature, "forward_arg_names", None) or ()
        spec = signature.in_spec
        if spec.type is tuple and spec.num_children == len(("args", "kwargs")) and spec.child(1).type is dict:
            yield from spec.child(1).context


def _names(program: Any) -> Iterator[object]:
    for entry in getattr(program, "module_call_graph", ()):
        yield entry.fqn
    signature = getattr(program, "graph_signature", None)
    for spec in (*getattr(signature, "input_specs", ()), *getattr(signature, "output_specs", ())):
        yield getattr(spec.arg, "name", "")
        yield spec.target or ""
    yield from getattr(program, "state_dict", ())
    yield from getattr(program, "constants", ())


def _is_enumeration(module: str, name: str) -> bool:
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = vars(found).get(part) if isinstance(found, (type, types.ModuleType)) else None
    return isinstance(found, enum.EnumMeta) and type(found) is enum.EnumMeta


def _ask(passage: Passage, name: str, odd: str, text: Any, run: Callable[[], Any]) -> Any:
    """Run what can only compute at once, and anything else if somebody says so."""
    if not odd:
        return run()
    frame = sys._getframe(2)
    with Suspended():
        data = text if type(text) is bytes else str(text).encode("utf-8", "surrogatepass")
        call = current_call()
        request = passage.gate.request(_LOADER, f"{_LOADER}()", "<exported program>", frame) if call is None else call.request
        artifact = Artifact(
            request.source.rpartition("/")[2], request.source, "torch-export", hashlib.sha256(data).hexdigest(), len(data)
        )
        use = GlobalUse(QualifiedName(*name.rpartition(".")[::2]), 1, Judgement.UNKNOWN, f"is given {odd}"[:200])
        finding = named_finding("exported-code", use, request.source, "" if type(text) is bytes else str(text)[:200])

    if call is not None:
        return go_on(passage, request, artifact, (use,), (finding,), run)
    with passage.public(request), Call(request):
        return go_on(passage, request, artifact, (use,), (finding,), run)
