"""Rows of torch's other archives: packages with Python code, compiled programs, native libraries of operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.hooks.named import guard_call
from jupyter_modelguard.hooks.opaque_loaders import guard_opaque
from jupyter_modelguard.hooks.row import GuardedFunction, Row, bare, wrap
from jupyter_modelguard.hooks.torch_export import (
    guard_custom_object,
    guard_export_load,
    guard_graph_source,
    guard_guards,
    guard_structure,
    guard_symbolic_size,
)
from jupyter_modelguard.hooks.torch_package import (
    guard_package_import,
    guard_package_pickle,
    guard_package_source,
    judge_package_name,
    keep_package_records,
)

if TYPE_CHECKING:
    from jupyter_modelguard.hooks.passage import Passage

__all__ = ["TORCH_ARCHIVES"]

_PACKAGE = "Python files of the package, and a pickle's"
_NATIVE = "native code"
_IMPORTER = "torch.package.package_importer"
_PUBLIC = "torch.package.PackageImporter"


_EXPORTED = "source and expressions that the program's own text makes, and a pickle's"
_ARCHIVE = "torch.export.pt2_archive._package"
_LIBRARY = "loads a native library, which runs it"
_COMPILED = "loads the native code of a compiled program"
_FLAT = "loads TorchScript in a form that is not looked into"
_URL = "torch.hub.load_state_dict_from_url"


def _native(module: str, attribute: str, loader: str, reason: str, parameter: str) -> Row:
    return Row(module, attribute, wrap(guard_opaque, loader, reason, 0, parameter), loader, _NATIVE)


def _checkpoint(module: str, attribute: str, name: str, position: int) -> Row:
    loader = f"torch.distributed.checkpoint.{name}"

    def build(original: Any, passage: Passage) -> Any:  # people's own classes take part in such a load
        return GuardedFunction(original, guard_call(passage, loader, position, "checkpoint_id", holds_code=False))

    return Row(f"torch.distributed.checkpoint.{module}", attribute, build, loader, "a pickle's")


TORCH_ARCHIVES: Final[tuple[Row, ...]] = (
    Row(_IMPORTER, "PackageImporter.__init__", bare(keep_package_records)),
    Row(_IMPORTER, "PackageImporter.load_pickle", wrap(guard_package_pickle), f"{_PUBLIC}.load_pickle", _PACKAGE),
    Row(_IMPORTER, "PackageImporter.import_module", wrap(guard_package_import), f"{_PUBLIC}.import_module", _PACKAGE),
    Row(_IMPORTER, "PackageImporter.load_binary", wrap(guard_package_import), f"{_PUBLIC}.load_binary", _PACKAGE),
    Row(_IMPORTER, "PackageImporter.load_text", wrap(guard_package_import), f"{_PUBLIC}.load_text", _PACKAGE),
    Row(_IMPORTER, "PackageImporter._compile_source", wrap(guard_package_source)),
    Row("torch.package._package_unpickler", "PackageUnpickler.find_class", bare(judge_package_name)),
    Row("torch.export", "load", wrap(guard_export_load, "torch.export.load"), "torch.export.load", _EXPORTED),
    Row(_ARCHIVE, "load_pt2", wrap(guard_export_load, "torch.export.load_pt2"), "torch.export.pt2_archive.load_pt2", _EXPORTED),
    Row("torch.fx.graph_module", "_exec_with_source", wrap(guard_graph_source)),
    Row("torch._export.serde.serialize", "GraphModuleDeserializer._parse_sym_expr", wrap(guard_symbolic_size)),
    Row("torch.utils._pytree", "treespec_loads", wrap(guard_structure)),
    Row("torch._export.serde.serialize", "treespec_loads", wrap(guard_structure)),
    Row("torch.export._unlift", "_convert_guards_code_to_fn", wrap(guard_guards)),
    Row("torch._C", "_pickle_load_obj", wrap(guard_custom_object)),
    _checkpoint("state_dict_loader", "load", "load", 1),
    _checkpoint("format_utils", "dcp_to_torch_save", "format_utils.dcp_to_torch_save", 0),
    _checkpoint("format_utils", "torch_save_to_dcp", "format_utils.torch_save_to_dcp", 0),
    Row("torch.hub", "load_state_dict_from_url", wrap(guard_call, _URL, 0, "url"), _URL, "a pickle's"),
    _native("torch._ops", "_Ops.load_library", "torch.ops.load_library", _LIBRARY, "path"),
    _native("torch._classes", "_Classes.load_library", "torch.classes.load_library", _LIBRARY, "path"),
    _native("torch._C", "_aoti.AOTIModelPackageLoader", "torch._inductor.aoti_load_package", _COMPILED, "model_package_path"),
    _native("torch._C", "_aoti.AOTIModelContainerRunnerCpu", "torch._export.aot_load", _COMPILED, "model_so_path"),
    _native("torch.jit._serialization", "jit_module_from_flatbuffer", "torch.jit.jit_module_from_flatbuffer", _FLAT, "f"),
    _native("torch.jit.mobile", "_load_for_lite_interpreter", "torch.jit.mobile._load_for_lite_interpreter", _FLAT, "f"),
)
