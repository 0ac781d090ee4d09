"""ONNX: a graph of operators, which compute, unless they need a library of somebody's; and tensors, some of them in other files.

A model is known by its structure, since the format has no first bytes of its own. Runtimes read the files that tensors name while they
load, and have had a row of ways out of the model's folder (CVE-2022-25882, CVE-2024-5187, CVE-2024-27318, CVE-2025-51480): so whatever
does not plainly lie beside the model is told, however the library that is installed here would take it.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.formats.onnx_schema import ONNX
from jupyter_modelguard.engines.protobuf import Walk
from jupyter_modelguard.engines.protobuf_wire import LARGEST, buffer, inside
from jupyter_modelguard.engines.weightiest import weightiest
from jupyter_modelguard.errors import ScanError
from jupyter_modelguard.policy.findings import finding
from jupyter_modelguard.types import Coverage, ScanReport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_modelguard.engines.content import Content
    from jupyter_modelguard.engines.protobuf import Message
    from jupyter_modelguard.engines.protobuf_wire import Bytes
    from jupyter_modelguard.engines.scanner import Scanner
    from jupyter_modelguard.types import Finding

__all__ = ["ENGINE", "external_spans"]

_KNOWN_DOMAINS: Final = frozenset(
    {"", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview", "ai.onnx.preview.training", "org.pytorch.aten"}
    | {"com.microsoft", "com.microsoft.experimental", "com.microsoft.nchwc", "com.microsoft.dml", "com.ms.internal.nhwc"}
)
"""Domains whose operators the format or onnxruntime itself has."""

_PYTHON: Final = frozenset({"PyOp", "PythonOp", "PythonOpGrad"})
_COMPILED: Final = frozenset({"EPContext"})
_IN_MEMORY: Final = "*/_ORT_MEM_ADDR_/*"  # onnxruntime takes the offset of such a "file" for an address in its own memory
_EXTERNAL_KEYS: Final = frozenset({"location", "offset", "length", "checksum", "basepath", "prepacked"})
_INSIDE: Final = {
    7: frozenset({1, 5, 15}),
    20: frozenset({1, 2}),
    25: frozenset({7}),
}  # which fields of graphs, trainings and functions hold what is looked for
_MOST_LOCATIONS: Final = 10_000  # that are looked for


class Onnx:
    """Walks all graphs, functions and tensors of a model."""

    name = "onnx 1"

    def takes(self, content: Content) -> bool:
        """By a first field; what the others are is seen at once when it is scanned."""
        return content.head[0] & 7 in {0, 1, 2, 3, 5}

    def scan(self, content: Content, scanner: Scanner) -> ScanReport | None:
        """Scan a model; None where it is none."""
        del scanner
        if content.size > LARGEST:
            return None
        with buffer(content) as data:
            if not _is_model(data, content):
                return None
            walk = Walk(data, ONNX, "Model")
            seen = _Seen(content)
            for message in walk:
                seen.take(message)
            findings, missed = weightiest(seen.findings()), walk.odd
        coverage = Coverage(1 + len(missed), 1, missed)
        return ScanReport(content.name, "onnx", size=content.size, findings=findings, coverage=coverage, engines=(self.name,))


class _Seen:
    """What stands out in a model."""

    def __init__(self, content: Content) -> None:
        own = content.source.path if not content.depth else None
        self._folder = Path(own).parent if own is not None else None
        self._functions: set[tuple[str, str]] = set()
        self._custom: Counter[tuple[str, str]] = Counter()
        self._locations: dict[str, str] = {}
        self._found: dict[tuple[str, str], Finding] = {}

    def take(self, message: Message) -> None:
        if message.kind == "Node":
            self._node(message)
        elif message.kind == "Function":
            self._functions |= {(domain, name) for domain in message.texts("domain") or [""] for name in message.texts("name")}
        elif message.kind == "Pair" and message.parent is not None:
            self._pair(message, message.parent)

    def findings(self) -> Iterator[Finding]:
        yield from self._found.values()
        for (domain, operator), count in self._custom.items():
            if (domain, operator) not in self._functions:
                title = f"needs the operator {operator:.60} of {domain:.60}, which only a native library of somebody's brings"
                yield finding("onnx-native-operator", title, f"{count:,} times", f"{domain}::{operator}"[:200])
        for location, place in self._locations.items():
            if wrong := _leaves(location, self._folder):
                yield finding("onnx-external-data", f"a tensor is read from a file that {wrong}", place, location[:200])

    def _node(self, node: Message) -> None:
        for operator in node.texts("op_type"):
            if operator in _PYTHON:
                self.finding("onnx-python-operator", "calls a Python function that the model names", node, operator)
            elif operator in _COMPILED:
                self.finding("opaque-code", "a program compiled for a device, which its driver runs", node, operator)
            for domain in node.texts("domain"):
                if domain not in _KNOWN_DOMAINS:
                    self._custom[domain, operator] += 1

    def _pair(self, pair: Message, parent: Message) -> None:
        keys, values = pair.texts("key"), pair.texts("value")
        if parent.kind == "Tensor" and pair.label.startswith("external_data"):
            for key in keys:
                if len(self._locations) > _MOST_LOCATIONS:
                    raise ScanError(f"its tensors are in more than {_MOST_LOCATIONS:,} files")
                if key in {"location", "basepath"}:
                    self._locations.update(dict.fromkeys([*values, *([] if values else [""])], pair.place))
                elif key.startswith("_"):  # older versions of the format's library set any attribute that stands here
                    self.finding("onnx-external-data", "describes its data by a name that is Python's own", pair, key)
            if not keys and values:
                self._locations.update(dict.fromkeys(values, pair.place))
        elif parent.kind == "Model" and "ort_config" in keys:
            self.finding(
                "onnx-settings", "brings settings for onnxruntime, which takes them if its caller says so", pair, "ort_config"
            )

    def finding(self, rule: str, title: str, message: Message, code: str) -> None:
        self._found.setdefault((rule, code), finding(rule, title, message.place, code[:200]))


def _is_model(data: Bytes, content: Content) -> bool:
    """Whether the bytes are a model to the end: fields, and among them graphs that hold something."""
    for field in inside(data, (0, content.size), frozenset(_INSIDE), content):
        if inside(data, (field.start, field.end), _INSIDE[field.number]):
            return True
    return False


def _leaves(location: str, folder: Path | None) -> str:
    """Say why a location is none beside the model; nothing where it is."""
    if location.startswith(_IN_MEMORY):
        return "is no file but an address in the memory of the process"
    return _outside(location) or ("" if folder is None or not location else _through_links(folder, location))


def _outside(location: str) -> str:
    posix, windows = PurePosixPath(location), PureWindowsPath(location)
    if posix.is_absolute() or windows.is_absolute() or windows.drive or windows.root:
        return "has a fixed place on the machine"
    if "://" in location:
        return "is elsewhere"
    if ".." in posix.parts or ".." in windows.parts:
        return "lies outside the model's folder"
    return "no two readers find by the same name" if "\x00" in location else ""


def _through_links(folder: Path, location: str) -> str:
    try:
        path = Path(os.path.realpath(folder / location))
        real = Path(os.path.realpath(folder))
    except OSError:
        return "leads through links that end nowhere"
    inside = path.is_relative_to(real)
    if not inside and not any(
        path.is_relative_to(parent.parent / "blobs") for parent in real.parents if parent.name == "snapshots"
    ):
        return "is a link out of the model's folder"  # unlike those of a hub's cache, whose files all lie in its folder of blobs
    if path.exists() and not path.is_file() and path != real:
        return "is no file of data"
    return ""


def external_spans(path: Path, name: str) -> list[tuple[int, int | None]]:
    """Give what the tensors of a model read of the file `name` beside it, as places and lengths in bytes; no length means to the end.

    Raises
    ------
    Exception
        Of any kind: it is no model.
    """
    from jupyter_modelguard.engines.content import Content

    content = Content.of_file(os.fspath(path))
    described: list[dict[str, str]] = []
    with buffer(content) as data:
        if not _is_model(data, content):
            return []
        for message in Walk(data, ONNX, "Model"):
            if message.kind == "Tensor":
                described.append({})
            elif message.kind == "Pair" and described and message.label.startswith("external_data"):
                described[-1][message.text("key")] = message.text("value")
    return [
        (int(one.get("offset") or 0), int(one["length"]) if one.get("length") else None)
        for one in described
        if PurePosixPath(one.get("location", "")) == PurePosixPath(name)
    ]


ENGINE: Final = Onnx()
