"""The reviewed lists: what each known global may be given, read from the data files beside this module.

`lists/closed.toml` names what is harmless whatever is done with it. The other files of `lists/`, one a library, name what is harmless
when it is used as the row says. `capabilities.toml` names what is known to be dangerous; it explains, and need not be complete,
because what no list knows is asked about as well.

A row is an exact pair of module and name, never a prefix, and says why it is there. Its fields:

`arguments`
    A list of patterns (see `patterns`), one a positional argument. Without it the global must not be called.
`state`
    What BUILD may give to an object made of it: a list for a tuple, or one pattern; "itself" for a dictionary that is its own state, so
    that its items become attributes, none of which may hide a method. Without it there must be no BUILD.
`check`
    The name of a further test on arguments and state, in `checks`.
`makes`
    What the object is, where many rows make the same thing.
`bare`
    Whether objects are made past the constructor, which does more than it should with what the stream does next: it must not be called.
`whole`
    Whether an object is nothing before its state: the native code behind it reaches into what is not there yet.
`items`
    Which of "append", "add" and "index" the stream may do to an object.
`member`
    What each of these items must be, for "index" a tuple of key and value. Without it they may be anything.
`key`
    Whether an object may be a key of a dictionary or a member of a set.
`value`
    Whether the global itself may stand anywhere as a value, like a data type.
`callable`
    Whether an object is a function of some kind, which must not stand where one could be called.
`idle`
    Whether the global does nothing whatever it is called with, so that it may stand in for a method of an object.
`first`
    The object is an instance of the first argument, a class that is judged by itself. `unless` names the one class that is not.
`imports`
    Modules of the library that a first call imports: they are imported before the load, which may not do it.

A row for a method, with a dotted name, also allows `getattr(class, method)`, which is how methods are pickled.
"""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.policy.names import normalise
from jupyter_modelguard.types import Judgement, QualifiedName

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "Capability",
    "InertRow",
    "ReviewedMethod",
    "capability_of",
    "closed",
    "inert",
    "is_dangerous",
    "looked_up",
    "reviewed_methods",
    "told_apart",
]

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class InertRow:
    """How a reviewed global may be used."""

    name: QualifiedName
    reason: str
    arguments: tuple[str, ...] | None = None
    state: tuple[str, ...] | str | None = None
    check: str = ""
    makes: str = ""
    bare: bool = False
    whole: bool = False
    items: frozenset[str] = frozenset()
    member: str = ""
    key: bool = False
    value: bool = False
    callable: bool = False
    idle: bool = False
    first: bool = False
    unless: QualifiedName | None = None
    imports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Capability:
    """What a dangerous global can do."""

    kind: str  # "process", "network", "file write", "dynamic code", "deserialization", "native code", "indirection"
    sentence: str  # "starts programs"

    @property
    def judgement(self) -> Judgement:
        """An indirection does what its arguments say, and honest files use it too: it is asked about, not called dangerous."""
        return Judgement.UNKNOWN if self.kind == "indirection" else Judgement.DANGEROUS


@dataclass(frozen=True, slots=True)
class ReviewedMethod:
    """What the state must be for a reviewed method to be harmless."""

    plain: frozenset[str] = frozenset()  # keys whose values must be exact builtins
    only: Mapping[str, str] = field(default_factory=dict)  # keys that must be there, with the only thing each may be
    attributes: bool = False  # items of the object read as its attributes, so that they could stand in for methods
    without: frozenset[str] = frozenset()  # keys that must not be there
    unset: bool = False  # only attributes that are set one by one reach it, and there must be none
    holds: frozenset[str] = frozenset()  # such items that may be objects that can be called: the library keeps its own there
    lookups: frozenset[str] = frozenset()  # keys whose dictionaries it reads as attributes of the object


@functools.cache
def closed() -> frozenset[QualifiedName]:
    """Name the globals that are harmless with any arguments, any state and in any company."""
    return frozenset(row_name for row in _read("lists/closed.toml").get("closed", ()) for row_name in _names(row))


@functools.cache
def inert() -> Mapping[QualifiedName, InertRow]:
    """Give the rows of all libraries by name."""
    rows: dict[QualifiedName, InertRow] = {}
    for path in sorted((_FOLDER / "lists").glob("*.toml")):
        for row in _read(f"lists/{path.name}").get("inert", ()):
            for name in _names(row):
                if name in rows:
                    raise ValueError(f"{path.name} lists {name} a second time")
                rows[name] = _row(name, row)
    return rows


@functools.cache
def reviewed_methods() -> Mapping[str, ReviewedMethod]:
    """Give the load-time methods that were read, as "module:Class.method"."""
    return {
        f"{row['module']}:{name}": ReviewedMethod(
            frozenset(row.get("plain", ())),
            row.get("only", {}),
            row.get("attributes", False),
            frozenset(row.get("without", ())),
            row.get("unset", False),
            frozenset(row.get("holds", ())),
            frozenset(row.get("lookups", ())),
        )
        for row in _read("methods.toml").get("method", ())
        for name in row["names"]
    }


@functools.cache
def told_apart() -> frozenset[str]:
    """Name the attributes that some reviewed method needs to be one thing, in each object of its class."""
    return frozenset().union(*(method.only for method in reviewed_methods().values()))


@functools.cache
def looked_up() -> frozenset[str]:
    """Name the attributes whose dictionaries some reviewed method reads as attributes of the object."""
    return frozenset().union(*(method.lookups for method in reviewed_methods().values()))


def capability_of(name: QualifiedName) -> Capability | None:
    """Say what a global can do that the knowledge base has; None for every other."""
    known = _capabilities()
    parts = name.name.split(".")
    # A dotted name walks through a module's own imports: `random._os.system` is `os.system`.
    spellings = [(name.module, name.name)]
    spellings += [(parts[place - 1].lstrip("_"), ".".join(parts[place:])) for place in range(1, len(parts))]
    for module, attribute in spellings:
        found = known.get(f"{module}.{attribute}") or known.get(f"{module}.*")
        if found is not None:
            return found
    return None


def is_dangerous(module: str, name: str) -> bool:
    """Whether a global, as a pickle writes it, is known to be dangerous whatever its arguments say."""
    found = (capability_of(QualifiedName(module, name)), capability_of(normalise(module, name)))
    return any(capability is not None and capability.judgement is Judgement.DANGEROUS for capability in found)


@functools.cache
def _capabilities() -> Mapping[str, Capability]:
    return {
        name: Capability(row["kind"], row["sentence"])
        for row in _read("capabilities.toml").get("capability", ())
        for name in row["names"]
    }


def _read(file: str) -> dict[str, Any]:
    return tomllib.loads((_FOLDER / file).read_text(encoding="utf-8"))


def _names(row: Mapping[str, Any]) -> Iterator[QualifiedName]:
    modules = row["module"] if isinstance(row["module"], list) else [row["module"]]
    names = row["name"] if isinstance(row["name"], list) else [row["name"]]
    for module in modules:
        for name in names:
            yield QualifiedName(module, name)


_FIELDS = frozenset(
    {
        "module",
        "name",
        "reason",
        "arguments",
        "state",
        "check",
        "makes",
        "bare",
        "whole",
        "items",
        "member",
        "key",
        "value",
        "callable",
        "idle",
        "first",
        "unless",
        "imports",
    }
)


def _row(name: QualifiedName, row: Mapping[str, Any]) -> InertRow:
    if not row.keys() <= _FIELDS:
        raise ValueError(f"{name}: unknown field {sorted(row.keys() - _FIELDS)}")
    arguments = row.get("arguments")
    state = row.get("state")
    return InertRow(
        name=name,
        reason=row["reason"],
        arguments=None if arguments is None else tuple(arguments),
        state=tuple(state) if isinstance(state, list) else state,
        check=row.get("check", ""),
        makes=row.get("makes", str(name)),
        bare=row.get("bare", False),
        whole=row.get("whole", False),
        items=frozenset(row.get("items", ())),
        member=row.get("member", ""),
        key=row.get("key", False),
        value=row.get("value", False),
        callable=row.get("callable", False),
        idle=row.get("idle", False),
        first=row.get("first", False),
        unless=QualifiedName(*row["unless"].rsplit(".", 1)) if "unless" in row else None,
        imports=tuple(row.get("imports", ())),
    )
