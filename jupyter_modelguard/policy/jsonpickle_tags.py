"""What a jsonpickle document would import and call: the `py/…` keys of its objects.

Tags of plain data are harmless; every other one names a class, function or module, or text to evaluate, and is asked about.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.policy.named import named_finding, named_use

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_modelguard.types import Finding, GlobalUse

__all__ = ["judge_jsonpickle"]

_RULE: Final = "jsonpickle-tag"
_NAMES: Final = {
    "py/object": "is made with state that the document says",
    "py/type": "is imported and used as the document says",
    "py/function": "is imported and used as the document says",
    "py/mod": "is imported, which runs it",
}
_EVALUATED: Final = "py/repr"
_PLAIN: Final = frozenset({"datetime.datetime", "datetime.date", "datetime.time", "datetime.timedelta"})
_KEY: Final = "json://"  # a key of a dictionary that is a document of its own


def judge_jsonpickle(tree: Any) -> tuple[tuple[GlobalUse, ...], tuple[Finding, ...]]:
    """Find what a document names.

    Parameters
    ----------
    tree
        The document as the JSON reader gave it.

    Returns
    -------
    tuple
        What it names, and where.
    """
    uses = Counter(_named(tree))
    made = tuple(named_use(name, reason, count) for (name, reason), count in uses.items())
    return made, tuple(named_finding(_RULE, use) for use in made)


def _named(tree: Any) -> Iterator[tuple[str, str]]:
    waiting = [tree]
    while waiting:
        value = waiting.pop()
        if isinstance(value, (list, tuple)):
            waiting += value
        elif isinstance(value, dict):
            for key, inner in value.items():
                if key in _NAMES and inner not in _PLAIN:
                    yield str(inner)[:200], _NAMES[key]
                elif key == _EVALUATED:
                    yield "builtins.eval", "evaluates text of the document"
                elif isinstance(key, str) and key.startswith(_KEY):
                    try:
                        waiting.append(json.loads(key.removeprefix(_KEY)))
                    except ValueError:
                        yield "jsonpickle.decode", "reads a key that is no JSON"
                waiting.append(inner)
