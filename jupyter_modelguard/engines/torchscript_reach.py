"""What an operator of TorchScript can reach that is outside the tensors, where that is known.

Taken from the schemas of torch 2.13: few of its own operators are told of a file or of another machine. What others registered is native
code, of which nobody here knows what it does.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["python_calls", "reach_of"]

_OTHER_MACHINES: Final = "has other machines run functions, or sends them tensors"
_PYTHON: Final = "calls a Python function"
_LIBRARY: Final = "loads a native library into the process"
_KNOWN: Final = {  # of torch's own operators
    "save": "writes a file, at any place the code gives",
    "from_file": "reads a file, at any place the code gives, and may create or change it",
    "rpc_async": _OTHER_MACHINES,
    "rpc_sync": _OTHER_MACHINES,
    "rpc_remote": _OTHER_MACHINES,
    "to_here": "fetches a value from another machine",
    "PythonOp": _PYTHON,
    "IgnoredPythonOp": _PYTHON,
    "load_library": _LIBRARY,
}
_TORCHS: Final = frozenset(  # namespaces of operators that come with torch
    {
        *(
            "aten",
            "prim",
            "prims",
            "quantized",
            "_quantized",
            "quantization",
            "mkldnn",
            "mkldnn_prepacked",
            "mkl",
            "onednn",
            "onnx",
        ),
        *(
            "profiler",
            "sparse",
            "static_runtime",
            "inductor",
            "inductor_prims",
            "export",
            "rngprims",
            "symm_mem",
            "_native",
            "_test",
        ),
        *("debug_mode_ops", "_dtensor", "prepacked", "xnnpack", "vulkan_prepack", "metal_prepack", "cuda"),
    }
)
_MACHINES: Final = frozenset({"c10d", "_c10d_functional", "_c10d_functional_autograd"})  # of them, those for several machines
_PYTHON_CALL: Final = re.compile(r"(?:^|[=(\[,]|\breturn\b)\s*\^([A-Za-z_][\w.]*)\s*\(")


def reach_of(chain: tuple[str, ...]) -> str:
    """Say what an operator can do.

    Parameters
    ----------
    chain
        Its dotted name: ("ops", "aten", "save").

    Returns
    -------
    str
        What goes on from its name: "writes a file"; empty where nothing is known.
    """
    match chain:
        case ("__torch__", "torch", "classes", *names) | ("torch", "classes", *names):
            if names == ["load_library"]:
                return _LIBRARY
            return f"is a C++ class of {names[0] if len(names) > 1 else 'a library'}, whose native code may do anything"
        case ("torch", "ops", *names) | ("ops", *names) if names:
            return _of_library(names)
        case (name,) | ("torch", name):
            return _KNOWN.get(name, "")
    return ""


def python_calls(text: str) -> Iterator[tuple[int, str]]:
    """Find the calls of Python functions in source, by line and name; torch prints them with a mark before that no Python has."""
    for line, content in enumerate(text.splitlines(), 1):
        for match in _PYTHON_CALL.finditer(content):
            yield line, match[1]


def _of_library(names: list[str]) -> str:
    library = names[0]
    if len(names) == 1:
        return _LIBRARY if library == "load_library" else ""
    if library in ("aten", "prim"):
        return _KNOWN.get(names[1], "")
    if library in _MACHINES:
        return _OTHER_MACHINES
    if library in _TORCHS:
        return ""
    return f"is an operator of {library}, whose native code may do anything: start processes, reach files and the network"
