"""YAML tags that make Python objects, found by parsing without constructing anything.

The parser of the very loader that the person chose reads the events, so that this and the load cannot differ about what a tag is. Tags of
plain data (`!!python/tuple` and its like) are harmless with anything; tags that a program registered for itself are its own code.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.policy.named import named_finding, named_use

if TYPE_CHECKING:
    from jupyter_modelguard.types import Finding, GlobalUse

__all__ = ["may_have_tags", "python_tags"]

_PREFIX = "tag:yaml.org,2002:python/"
_PLAIN = frozenset(
    _PREFIX + name
    for name in ("none", "bool", "str", "unicode", "bytes", "int", "long", "float", "complex", "list", "tuple", "dict")
)
_ACTS = {
    "object/apply": "is called with what the file says",
    "object/new": "is made with arguments and state that the file says",
    "object": "is made with state that the file says",
    "name": "is looked up, which gives the file a function to use",
    "module": "is imported, which runs it",
}
_RULE = "yaml-python-tag"
_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_LONGEST = 400  # characters of a line that is quoted


def may_have_tags(text: str | bytes) -> bool:
    """Say whether a text can hold a tag at all: every tag begins with an exclamation mark at the start of a token."""
    if isinstance(text, bytes):
        return b"!" in text
    return "!" in text


def python_tags(text: Any, loader: Any, source: str | bytes = "") -> tuple[tuple[GlobalUse, ...], tuple[Finding, ...]]:
    """Find the tags that make Python objects.

    Parameters
    ----------
    text
        What will be loaded: text, bytes, or a file object over them.
    loader
        The loader class whose parser reads it.
    source
        The same as text or bytes, to quote the lines from.

    Returns
    -------
    tuple
        What the tags name, and where. A text that breaks off ends the search there: the load constructs nothing behind it that
        was not parsed.

    Raises
    ------
    Exception
        Whatever the parser raises for a text that is no YAML.
    """
    counts: Counter[tuple[str, str]] = Counter()
    findings: dict[tuple[str, str], Finding] = {}
    reader = loader(text)
    try:
        while (event := reader.get_event()) is not None:
            tag = getattr(event, "tag", None)
            if not isinstance(tag, str) or not tag.startswith(_PREFIX) or tag in _PLAIN:
                continue
            act, _, name = tag.removeprefix(_PREFIX).partition(":")
            key = (act, name or f"!!python/{act}")
            counts[key] += 1
            if key not in findings:
                line = event.start_mark.line
                quoted = _line(source, line) or f"!!python/{act}:{name}"
                findings[key] = named_finding(_RULE, _use(*key), f"line {line + 1}", quoted)
    finally:
        reader.dispose()
    uses = tuple(_use(*key, count) for key, count in counts.items())
    return uses, tuple(findings.values())


def _line(source: str | bytes, number: int) -> str:
    """Give one line of a text, as a YAML parser counts them."""
    if isinstance(source, bytes):
        wide = source.startswith((b"\xff\xfe", b"\xfe\xff"))
        source = source.decode("utf-16" if wide else "utf-8", "replace")
    lines = _BREAK.split(source, number + 1)
    return lines[number].strip()[:_LONGEST] if number < len(lines) else ""


def _use(act: str, name: str, count: int = 1) -> GlobalUse:
    return named_use(name, _ACTS.get(act, "is made by a tag that nothing here knows"), count)
