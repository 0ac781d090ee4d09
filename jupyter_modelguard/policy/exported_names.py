"""Names that an exported program brings, which torch writes into Python source later, and structures that name what is to be imported.

`ExportedProgram.module` makes source of the names of arguments and parameters, long after the file was loaded; by then nobody knows any
more that they come from a file. A structure of arguments may hold members of enumerations and factories of dictionaries, by name.
"""

from __future__ import annotations

import json
import keyword
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.policy.exported_code import is_plain_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["odd_names", "odd_structure"]

_FACTORIES: Final = frozenset({"list", "dict", "set", "tuple", "int", "float", "str", "bool"})
_DEEPEST: Final = 500  # levels of nesting; torch itself recurses


def odd_names(arguments: Iterable[object], others: Iterable[object]) -> str:
    """Say what among the names would be more than a name in the source that torch makes of it, or nothing.

    Parameters
    ----------
    arguments
        Names of arguments, which are written as they are.
    others
        Names of parameters and modules, which are written as they are or in quotes.
    """
    for name in arguments:
        if type(name) is not str or not name.isidentifier() or keyword.iskeyword(name):
            return f"{str(name)[:80]!r} as the name of an argument"
    for name in others:
        if not is_plain_text(name):
            return f"{str(name)[:80]!r} as a name"
    return ""


def odd_structure(text: object, is_enumeration: Callable[[str, str], bool]) -> str:
    """Say what a structure of arguments would import, or nothing.

    Parameters
    ----------
    text
        As `torch.utils._pytree.treespec_dumps` writes it.
    is_enumeration
        Whether a module that is imported already has an enumeration of this name.
    """
    if type(text) is not str:
        return "a structure that is no text"
    try:
        return next(_imported(json.loads(text), is_enumeration), "")
    except (ValueError, RecursionError):
        return "a structure that cannot be read"


def _imported(tree: Any, is_enumeration: Callable[[str, str], bool]) -> Iterator[str]:
    waiting = [(tree, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > _DEEPEST:
            yield "a structure that is nested too deeply"
        elif isinstance(value, list):
            waiting += [(inner, depth + 1) for inner in value]
        elif isinstance(value, dict):
            waiting += [(inner, depth + 1) for inner in value.values()]
            if isinstance(context := value.get("context"), str):
                waiting.append((json.loads(context), depth + 1))
            if "__enum__" in value:
                module, _, name = str(value.get("fqn")).partition(":")
                if not is_enumeration(module, name):
                    yield f"{module}.{name}, which it imports"
            if "default_factory_module" in value:
                module, name = str(value["default_factory_module"]), str(value.get("default_factory_name"))
                if module != "builtins" or name not in _FACTORIES:
                    yield f"{module}.{name}, which it imports"
