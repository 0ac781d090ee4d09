"""Rows of torch's other archives: packages with Python code, compiled programs, native libraries of operators."""

from __future__ import annotations

from typing import Final

from jupyter_modelguard.hooks.opaque_loaders import guard_opaque
from jupyter_modelguard.hooks.row import Row, bare, wrap
from jupyter_modelguard.hooks.torch_package import (
    guard_package_import,
    guard_package_pickle,
    guard_package_source,
    judge_package_name,
    keep_package_records,
)

__all__ = ["TORCH_ARCHIVES"]

_PACKAGE = "Python files of the package, and a pickle's"
_NATIVE = "native code"
_IMPORTER = "torch.package.package_importer"
_PUBLIC = "torch.package.PackageImporter"


def _native(module: str, attribute: str, loader: str, reason: str, position: int, parameter: str) -> Row:
    return Row(module, attribute, wrap(guard_opaque, loader, reason, position, parameter), loader, _NATIVE)


TORCH_ARCHIVES: Final[tuple[Row, ...]] = (
    Row(_IMPORTER, "PackageImporter.__init__", bare(keep_package_records)),
    Row(_IMPORTER, "PackageImporter.load_pickle", wrap(guard_package_pickle), f"{_PUBLIC}.load_pickle", _PACKAGE),
    Row(_IMPORTER, "PackageImporter.import_module", wrap(guard_package_import), f"{_PUBLIC}.import_module", _PACKAGE),
    Row(_IMPORTER, "PackageImporter.load_binary", wrap(guard_package_import), f"{_PUBLIC}.load_binary", _PACKAGE),
    Row(_IMPORTER, "PackageImporter.load_text", wrap(guard_package_import), f"{_PUBLIC}.load_text", _PACKAGE),
    Row(_IMPORTER, "PackageImporter._compile_source", wrap(guard_package_source)),
    Row("torch.package._package_unpickler", "PackageUnpickler.find_class", bare(judge_package_name)),
    _native("torch._ops", "_Ops.load_library", "torch.ops.load_library", "loads a native library, which runs it", 0, "path"),
    _native(
        "torch._classes",
        "_Classes.load_library",
        "torch.classes.load_library",
        "loads a native library, which runs it",
        1,
        "path",
    ),
)
