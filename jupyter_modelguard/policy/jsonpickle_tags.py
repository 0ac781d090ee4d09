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
_REFERENCES: Final = ("py/id", "py/ref")
_KEY: Final = "json://"  # a key of a dictionary that is a document of its own


def judge_jsonpickle(tree: Any, kept: tuple[Any, ...] = ()) -> tuple[tuple[GlobalUse, ...], tuple[Finding, ...]]:
    """Find what a document names.

    Parameters
    ----------
    tree
        The document as the JSON reader gave it.
    kept
        What earlier documents left in the reader that can be called; a document may use it by its number.

    Returns
    -------
    tuple
        What it names, and where.
    """
    uses: Counter[tuple[str, str]] = Counter()
    quoted: dict[tuple[str, str], str] = {}
    for name, reason, code in _named(tree):
        uses[name, reason] += 1
        quoted.setdefault((name, reason), code)
    if kept and any(key in value for value in _dicts(tree) for key in _REFERENCES):
        uses.update(
            (_name_of(thing), "was left in the reader by an earlier document, and is used as this one says") for thing in kept
        )
    made = {key: named_use(*key, count) for key, count in uses.items()}
    return tuple(made.values()), tuple(named_finding(_RULE, use, "", quoted.get(key, "")) for key, use in made.items())


def _name_of(thing: Any) -> str:
    name = getattr(thing, "__qualname__", None) or type(thing).__qualname__
    return f"{getattr(thing, '__module__', None) or 'builtins'}.{name}"


def _dicts(tree: Any) -> Iterator[dict[Any, Any]]:
    waiting = [tree]
    while waiting:
        value = waiting.pop()
        if isinstance(value, (list, tuple)):
            waiting += value
        elif isinstance(value, dict):
            yield value
            waiting += value.values()


def _named(tree: Any) -> Iterator[tuple[str, str, str]]:
    waiting = [tree]
    while waiting:
        value = waiting.pop()
        if isinstance(value, (list, tuple)):
            waiting += value
        elif isinstance(value, dict):
            for raw, inner in value.items():
                key = raw
                while isinstance(key, str) and key.startswith(
                    _KEY
                ):  # what it stands for may be a tag, which is read as such later
                    try:
                        key = json.loads(key.removeprefix(_KEY))
                    except (ValueError, RecursionError):
                        yield "jsonpickle.decode", "reads a key that is no JSON", f"{raw!r:.400}"
                        break
                if not isinstance(key, str):
                    waiting.append(key)
                elif key in _NAMES and not (isinstance(inner, str) and inner in _PLAIN):
                    yield str(inner)[:200], _NAMES[key], f"{raw!r:.80}: {inner!r:.200}"
                elif key == _EVALUATED:
                    yield "builtins.eval", "evaluates text of the document", f"{raw!r:.80}: {inner!r:.200}"
                waiting.append(inner)
