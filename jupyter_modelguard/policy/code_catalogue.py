"""What a call in a model's own Python code can do, from `code_capabilities.toml` and the list for pickles."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.policy.catalogue import capability_of
from jupyter_modelguard.types import QualifiedName

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CodeCapability", "capabilities_in_code"]

_RULES: Final = {"process": "code-process", "network": "code-network", "native code": "code-native"}
_REACHED_THROUGH: Final = frozenset(
    {"os", "subprocess", "posix", "nt", "importlib", "ctypes", "socket", "builtins", "pty", "runpy", "pickle", "sys"}
)


@dataclass(frozen=True, slots=True)
class CodeCapability:
    """What something can do when it is called.

    Attributes
    ----------
    rule
        Of the finding.
    sentence
        "starts programs".
    test
        What must be so of the arguments; empty where nothing.
    """

    rule: str
    sentence: str
    test: str = ""


@functools.lru_cache(4096)
def capabilities_in_code(name: str) -> tuple[CodeCapability, ...]:
    """Say what a call of something can do; nothing for what neither list knows.

    Parameters
    ----------
    name
        Dotted: "os.system", "pathlib.Path().write_text", "shutil.os.system".
    """
    known, harmless = _tables()
    parts = name.split(".")
    for place in range(len(parts) - 1):
        first = parts[place].lstrip("_") if place else parts[place]
        if place and first not in _REACHED_THROUGH:
            continue
        spelt = ".".join([first, *parts[place + 1 :]])
        found = known.get(spelt)
        if found is not None:
            return found
        if _listed(spelt, harmless):
            return ()
        whole = _wildcard(spelt, known)
        if whole:
            return whole
        if place:
            break
    if "()" in name or "[]" in name:
        return ()
    return _of_a_pickle(name)


def _of_a_pickle(name: str) -> tuple[CodeCapability, ...]:
    module, _, last = name.rpartition(".")
    found = capability_of(QualifiedName(module, last)) if last else None
    if found is None or found.kind not in _RULES or module.startswith("huggingface_hub"):
        return ()
    return (CodeCapability(_RULES[found.kind], found.sentence),)


def _wildcard(name: str, known: Mapping[str, tuple[CodeCapability, ...]]) -> tuple[CodeCapability, ...]:
    """Look for "module.*", which means the module's own members, not what calls of them give."""
    module, _, last = name.rpartition(".")
    if not last or "(" in name or "[" in name:
        return ()
    while module:
        found = known.get(f"{module}.*")
        if found is not None:
            return found
        module = module.rpartition(".")[0]
    return ()


def _listed(name: str, names: frozenset[str]) -> bool:
    return name in names or any(f"{name[:place]}.*" in names for place, one in enumerate(name) if one == ".")


@functools.cache
def _tables() -> tuple[dict[str, tuple[CodeCapability, ...]], frozenset[str]]:
    read: dict[str, Any] = tomllib.loads(Path(__file__).with_name("code_capabilities.toml").read_text(encoding="utf-8"))
    known: dict[str, tuple[CodeCapability, ...]] = {}
    for row in read["capability"]:
        for name in row["names"]:
            known[name] = (*known.get(name, ()), CodeCapability(row["rule"], row["sentence"], row.get("if", "")))
    return known, frozenset(read["harmless"]) - known.keys()
