"""TensorFlow: SavedModels, the graphs of older versions, and what Keras writes beside them.

A graph is a program: its operators compute, but some read and write files or call Python. An honest SavedModel has some of those, too: it
saves and restores its own variables at a place that it is given, and reads vocabularies from its own folder.
"""

from __future__ import annotations

import json
import re
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.formats.tensorflow_graphs import Graphs
from jupyter_modelguard.engines.formats.tensorflow_schema import TENSORFLOW
from jupyter_modelguard.engines.protobuf import Walk
from jupyter_modelguard.engines.protobuf_wire import LARGEST, buffer, inside
from jupyter_modelguard.engines.weightiest import weightiest
from jupyter_modelguard.policy.findings import finding
from jupyter_modelguard.policy.keras_config import judge_keras_config
from jupyter_modelguard.policy.tensorflow_operators import OPERATORS, Reach, is_of_tensorflow
from jupyter_modelguard.types import Coverage, ScanReport, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_modelguard.engines.content import Content
    from jupyter_modelguard.engines.formats.tensorflow_graphs import Node, Origin
    from jupyter_modelguard.engines.protobuf import Message
    from jupyter_modelguard.engines.protobuf_wire import Bytes, Field
    from jupyter_modelguard.engines.scanner import Scanner
    from jupyter_modelguard.policy.tensorflow_operators import Operator
    from jupyter_modelguard.types import Finding, GlobalUse

__all__ = ["ENGINE"]

_BYTES: Final = 2  # the wire type of messages
_FORMATS: Final = {
    "SavedModel": "saved-model",
    "MetaGraph": "tensorflow-graph",
    "Graph": "tensorflow-graph",
    "KerasMetadata": "keras-metadata",
}
_WAYS: Final[dict[str, dict[int, str]]] = {
    "SavedModel": {2: "MetaGraph"},
    "MetaGraph": {2: "Graph"},
    "Graph": {1: "Node", 2: "Library"},
    "Library": {1: "Function"},
    "Function": {1: "Signature"},
    "KerasMetadata": {1: "KerasObject"},
}
_OPERATOR: Final = re.compile(rb"[A-Za-z_][A-Za-z0-9_.>/\-]*")
_RULES: Final = {
    Reach.READ: "tensorflow-file-read",
    Reach.LIST: "tensorflow-file-read",
    Reach.WRITE: "tensorflow-file-write",
    Reach.VARIABLES: "tensorflow-file-write",
    Reach.NETWORK: "tensorflow-network",
    Reach.PYTHON: "tensorflow-python",
    Reach.NATIVE: "opaque-code",
}
_CONSOLES: Final = frozenset({"stdout", "stderr", "log(info)", "log(warning)", "log(error)"})
_NO_PATHS: Final = frozenset({"", "local://"})


class SavedModels:
    """Walks the graphs and functions of a model."""

    name = "tensorflow 1"

    def takes(self, content: Content) -> bool:
        """By a first field; what the others are is seen at once when it is scanned."""
        return content.head[0] & 7 in {0, 1, 2, 3, 5}

    def scan(self, content: Content, scanner: Scanner) -> ScanReport | None:
        """Scan a model; None where it is none."""
        del scanner
        if content.size > LARGEST:
            return None
        with buffer(content) as data:
            kind = _kind(data, content)
            if kind is None:
                return None
            graphs, walk = Graphs(), Walk(data, TENSORFLOW, kind)
            findings: list[Finding] = []
            uses: tuple[GlobalUse, ...] = ()
            unread: list[str] = []
            for message in walk:
                graphs.take(message)
                if message.kind == "Asset":
                    findings += _asset(message)
                elif message.kind in {"UserObject", "KerasObject"}:
                    more, found, sentences = _keras(message)
                    uses, findings = uses + more, findings + found
                    unread += sentences
            findings += _told(graphs)
            missed = (*walk.odd, *unread[:1])
        coverage = Coverage(1 + len(missed), 1, missed)
        return ScanReport(
            content.name, _FORMATS[kind], "", content.size, weightiest(findings), uses, coverage, engines=(self.name,)
        )


def _kind(data: Bytes, content: Content) -> str | None:
    """Say which message the bytes are: one that leads, by the right fields, to what only a graph has."""
    outer = inside(data, (0, content.size), frozenset({1, 2}), content)
    return next((kind for kind in _FORMATS if _leads(kind, data, outer)), None)


def _leads(kind: str, data: Bytes, found: list[Field]) -> bool:
    """Whether a message leads to a node, a function or a layer. What else is in it does not matter: its readers do not care."""
    for field in found:
        inner = _WAYS[kind].get(field.number)
        span = field.start, field.end
        if inner is None:
            continue
        if inner in _LEAVES:
            if _LEAVES[inner](data, *span):
                return True
        elif _leads(inner, data, inside(data, span, frozenset(_WAYS[inner]))):
            return True
    return False


def _texts(data: Bytes, start: int, end: int, number: int) -> list[bytes]:
    """Give the fields of that number that are texts; nothing where the bytes are no message."""
    return [
        bytes(data[field.start : min(field.end, field.start + 80)]) for field in inside(data, (start, end), frozenset({number}))
    ]


def _is_node(data: Bytes, start: int, end: int) -> bool:
    return bool(_texts(data, start, end, 1)) and any(_OPERATOR.fullmatch(name) for name in _texts(data, start, end, 2))


def _is_signature(data: Bytes, start: int, end: int) -> bool:
    return any(_OPERATOR.fullmatch(name) for name in _texts(data, start, end, 1))


def _is_layer(data: Bytes, start: int, end: int) -> bool:
    return any(name.startswith(b"_tf_keras") for name in _texts(data, start, end, 4))


_LEAVES: Final = {"Node": _is_node, "Signature": _is_signature, "KerasObject": _is_layer}


def _asset(message: Message) -> list[Finding]:
    found = []
    for name in message.texts("filename"):
        posix, windows = PurePosixPath(name), PureWindowsPath(name)
        if posix.is_absolute() or windows.is_absolute() or windows.drive or ".." in posix.parts or ".." in windows.parts:
            title = "a file of the model's own lies outside its folder"
            found.append(finding("tensorflow-file-read", title, message.place, name[:200]))
    return found


def _keras(message: Message) -> tuple[tuple[GlobalUse, ...], list[Finding], list[str]]:
    """Judge what Keras keeps of a layer: it makes layers of its own again from that, and leaves classes it does not know alone."""
    uses: tuple[GlobalUse, ...] = ()
    found: list[Finding] = []
    if not any(name.startswith("_tf_keras") for name in message.texts("identifier")):
        return uses, found, []
    for text in message.raw("metadata"):
        try:
            tree = json.loads(text)
        except (ValueError, RecursionError):
            return uses, found, ["what Keras keeps of a layer is no JSON"]
        more, findings, missed = judge_keras_config(tree, _revived)
        uses += more
        found += findings
        if missed:
            return uses, found, list(missed)
    return uses, found, []


def _revived(name: str) -> bool:
    """Whether a class of that name is left alone: made anew from the graph, by Keras' own hands."""
    return name.rpartition(">")[2][:1].isupper() and name.rpartition(">")[2] not in {"Lambda", "TFSMLayer", "TFOpLambda"}


def _told(graphs: Graphs) -> Iterator[Finding]:
    custom: dict[str, Node] = {}
    for node in graphs.nodes:
        operator = OPERATORS.get(node.operator)
        if operator is not None:
            yield from _reach(graphs, node, operator)
        elif node.operator and node.operator not in graphs.functions and not is_of_tensorflow(node.operator):
            custom.setdefault(node.operator, node)
    for name, node in custom.items():
        title = f"needs the operator {name:.60}, which TensorFlow itself does not have: a native library of somebody's brings it"
        yield finding("tensorflow-native-operator", title, _where(node), name[:200])


def _reach(graphs: Graphs, node: Node, operator: Operator) -> Iterator[Finding]:
    rule = _RULES[operator.reach]
    if operator.always:
        yield finding(rule, f"{node.operator} {operator.reach.value}", _where(node), node.operator)
        return
    for key in operator.settings:
        for text in node.settings.get(key, ()):
            if text not in _NO_PATHS | _CONSOLES and not text.startswith("bytes://"):
                yield finding(rule, f"{node.operator} {operator.reach.value}: {text:.80}", _where(node), text[:200])
    for position in operator.inputs:
        origin = graphs.origin(node, position)
        severity, said = _judged(operator.reach, origin)
        if severity is not None:
            title = f"{node.operator} {operator.reach.value}{said}"
            yield finding(rule, title, _where(node), ", ".join(sorted(origin.constants))[:200] or node.operator, severity)


def _judged(reach: Reach, origin: Origin) -> tuple[Severity | None, str]:
    """Weigh what a path is made of: what the file says itself, or what those who use the model hand in."""
    texts = [text for text in origin.constants if text]
    fixed = next((text for text in sorted(texts, key=len, reverse=True) if _is_place(text)), "")
    if reach is Reach.VARIABLES:
        if origin.given and not fixed and not origin.computed:
            return None, ""
        return Severity.HIGH, f": {fixed or ''.join(texts)[:80]:.80}"
    if not texts and not origin.computed:
        if not origin.given:
            return None, ""  # nothing at all, or a file of the model's own folder
        severity = Severity.HIGH if reach is Reach.WRITE else Severity.LOW
        return severity, " whose name is handed to the model"
    severity = Severity.CRITICAL if reach is Reach.WRITE else Severity.HIGH
    return severity, f": {fixed or ', '.join(sorted(texts)):.80}" if texts else " whose name it computes"


def _is_place(text: str) -> bool:
    windows = PureWindowsPath(text)
    absolute = text.startswith(("/", "~", "\\")) and text != "/part"
    return absolute or bool(windows.drive) or "://" in text or ".." in PurePosixPath(text).parts


def _where(node: Node) -> str:
    return f"function {node.scope}, node {node.name}"[:200] if node.scope else f"node {node.name}"[:200]


ENGINE: Final = SavedModels()
