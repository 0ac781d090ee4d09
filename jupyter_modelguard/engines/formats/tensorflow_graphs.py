"""The nodes of a TensorFlow graph and of its functions, and where a node's inputs come from in the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from jupyter_modelguard.engines.protobuf import Message

__all__ = ["Graphs", "Node", "Origin"]

_MOST_STEPS: Final = 2_000  # back from an input
_MAIN: Final = ""
_TEXT: Final = 7  # the number of that type
_LONGEST: Final = 4096  # characters of a constant that can be a path


def _same(names: str, positions: slice) -> dict[str, slice]:
    return dict.fromkeys(names.split(), positions)


_HANDS_ON: Final = {
    **_same("Identity IdentityN Snapshot StopGradient StringJoin Merge RefMerge Pack Concat Add AddV2", slice(None)),
    **_same("StringFormat PlaceholderWithDefault", slice(None)),
    **_same("ShardedFilename Switch RefSwitch ExpandDims Reshape Squeeze Gather GatherV2 StridedSlice Slice", slice(0, 1)),
    **_same("Tile Substr StringStrip AsString Unpack EnsureShape", slice(0, 1)),
    **_same("Select SelectV2 Fill", slice(1, None)),
    "ConcatV2": slice(0, -1),
}
"""Operators whose result is made of their inputs, and of which."""

_CALLS: Final = {"PartitionedCall": 0, "StatefulPartitionedCall": 0, "TPUPartitionedCall": 0, "While": 0, "StatelessWhile": 0}
_BRANCHES: Final = {"If": 1, "StatelessIf": 1, "Case": 1, "StatelessCase": 1}  # their first input says which function


@dataclass(slots=True)
class Node:
    """One operator in its graph."""

    name: str
    operator: str
    inputs: list[str]
    scope: str  # the function it stands in; empty for the graph itself
    place: str
    settings: dict[str, list[str]] = field(default_factory=dict)  # attributes of text
    constants: list[str] = field(default_factory=list)  # texts that a constant holds

    @property
    def data(self) -> list[str]:
        """Its inputs but for those that only say what runs first."""
        return [name for name in self.inputs if not name.startswith("^")]


@dataclass(slots=True)
class Origin:
    """Where a value comes from.

    Attributes
    ----------
    constants
        Texts in the file.
    given
        Whether somebody outside hands it in.
    assets
        Whether a file of the model's own folder is meant.
    computed
        Operators that make it of something else.
    """

    constants: set[str] = field(default_factory=set)
    given: bool = False
    assets: bool = False
    computed: set[str] = field(default_factory=set)


class Graphs:
    """The graph of a model with all functions of its library."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.functions: set[str] = set()
        self.asset_names: set[str] = set()  # of the nodes that stand for files of the folder
        self._by_name: dict[tuple[str, str], Node] = {}
        self._arguments: dict[tuple[str, str], int] = {}
        self._counts: dict[str, int] = {}
        self._callers: dict[str, list[Node]] = {}
        self._objects: list[tuple[str, str]] = []
        self._bound: dict[str, list[int]] = {}
        self._function = _MAIN
        self._assigned: list[Node] = []  # what puts texts into variables

    def take(self, message: Message) -> None:  # noqa: C901 one row for each kind of message
        """Take in a message of a walk; the messages that it lies in came before."""
        kind, parent = message.kind, message.parent
        if kind == "Function":
            self._function = message.label  # until its signature says its name
        elif kind == "Graph":
            self._function = _MAIN
        elif kind == "Signature":
            self._function = message.text("name")
            self.functions |= set(message.texts("name"))
        elif kind == "Argument":
            place = self._counts.get(self._function, 0)
            self._counts[self._function] = place + 1
            self._arguments[self._function, message.text("name")] = place
        elif kind == "Node":
            self._node(message)
        elif kind == "TensorInfo":
            self.asset_names |= {name.partition(":")[0] for name in message.texts("name")}
        elif kind == "Object":
            self._objects.append(("", ""))
        elif kind in {"SavedAsset", "SavedConstant"}:
            self._objects[-1] = (kind, message.text("operation"))
        elif kind == "ConcreteEntry":
            self._function = message.text("key")
        elif kind == "Concrete":
            self._bound[self._function] = _small(message, "bound_inputs")
        elif parent is not None and self.nodes:
            self._setting(message, parent)

    def _node(self, message: Message) -> None:
        for operator in message.texts("op") or [""]:
            scope = self._function if message.label.startswith("node_def") else _MAIN
            node = Node(message.text("name"), operator, message.texts("input"), scope, message.place)
            self.nodes.append(node)
            self._by_name[scope, node.name] = node
            self._callers.setdefault(operator, []).append(node)

    def _setting(self, message: Message, parent: Message) -> None:
        node = self.nodes[-1]
        if message.kind == "Called":
            for name in message.texts("name"):
                self._callers.setdefault(name, []).append(node)
        elif message.kind == "Tensor":
            node.constants += [text[:_LONGEST] for text in message.texts("string_val")]
            if _TEXT in _small(message, "dtype"):  # texts may be packed, with their lengths before them
                node.constants += [text[:_LONGEST] for text in message.texts("tensor_content")]
        elif message.kind == "Value" and _TEXT in _small(message, "type") and node.operator.startswith("Assign"):
            self._assigned.append(node)
        elif message.kind == "Value" and message.has("placeholder"):  # whoever calls the function sets it
            for key in parent.texts("key"):
                node.settings.setdefault(key, []).append(f"what {message.text('placeholder'):.40} says")
        elif message.kind in {"Value", "Values"} and message.has("s"):
            entry = parent if message.kind == "Value" else parent.parent
            for key in entry.texts("key") if entry is not None else ():
                node.settings.setdefault(key, []).extend(text[:_LONGEST] for text in message.texts("s"))

    def origin(self, node: Node, position: int) -> Origin:
        """Follow an input back to where it comes from."""
        found = Origin()
        data = node.data
        if position >= len(data):
            found.computed.add("nothing")
            return found
        waiting = [(node.scope, data[position])]
        seen = set(waiting)
        while waiting:
            scope, name = waiting.pop()
            further = self._step(scope, name, found)
            if len(seen) > _MOST_STEPS:
                found.computed.add("too many others")
                break
            waiting += [one for one in further if one not in seen]
            seen.update(further)
        return found

    def _step(self, scope: str, name: str, found: Origin) -> list[tuple[str, str]]:
        short = name.partition(":")[0]
        place = self._arguments.get((scope, short)) if scope else None
        if place is not None:
            return self._argument(scope, place, found)
        node = self._by_name.get((scope, short))
        if node is None:
            found.computed.add("nothing")
        elif node.operator == "Const":
            self._constant(node, found)
        elif node.operator == "Placeholder":
            self._placeholder(node, found)
        elif node.operator == "ReadVariableOp" and self._assigned and all(self._is_asset(one) for one in self._assigned):
            found.assets = True  # newer versions keep the paths of the folder's own files in variables
        elif node.operator in _HANDS_ON:
            found.given = found.given or node.operator == "PlaceholderWithDefault"
            return [(scope, one) for one in node.data[_HANDS_ON[node.operator]]]
        else:
            found.computed.add(node.operator)
        return []

    def _is_asset(self, assignment: Node) -> bool:
        """Whether it puts the path of a file of the model's own folder into a variable."""
        source = assignment.data[1] if len(assignment.data) > 1 else ""
        return assignment.scope == _MAIN and source.partition(":")[0] in self.asset_names

    def _placeholder(self, node: Node, found: Origin) -> None:
        if node.scope == _MAIN and node.name in self.asset_names:
            found.assets = True
        else:
            found.given = True

    def _constant(self, node: Node, found: Origin) -> None:
        if node.scope == _MAIN and node.name in self.asset_names:
            found.assets = True
        else:
            found.constants |= set(node.constants)
            if not node.constants:
                found.computed.add("a constant")

    def _argument(self, function: str, place: int, found: Origin) -> list[tuple[str, str]]:
        """Ask all who call a function for an argument of it; nobody does if it is for those who use the model."""
        bound = self._bound.get(function, [])
        first_bound = self._counts.get(function, 0) - len(bound)
        callers = self._callers.get(function, ())
        if bound and place >= first_bound >= 0:
            self._bound_object(bound[place - first_bound], found)
        elif function in self._bound or not callers:
            found.given = True
        further = []
        for caller in callers:
            shift = 0 if caller.operator == function else _CALLS.get(caller.operator, _BRANCHES.get(caller.operator))
            data = caller.data
            if shift is None or place + shift >= len(data):
                found.computed.add(caller.operator)
            else:
                further.append((caller.scope, data[place + shift]))
        return further

    def _bound_object(self, number: int, found: Origin) -> None:
        kind, operation = self._objects[number] if number < len(self._objects) else ("", "")
        node = self._by_name.get((_MAIN, operation))
        if kind == "SavedAsset":
            found.assets = True
        elif kind == "SavedConstant" and node is not None:
            self._constant(node, found)
        else:
            found.computed.add("an object of the model")


def _small(message: Message, name: str) -> list[int]:
    """Give numbers as their readers take them, who drop what is beyond 32 bits."""
    return [number & 0xFFFFFFFF for number in message.numbers.get(name, ())]
