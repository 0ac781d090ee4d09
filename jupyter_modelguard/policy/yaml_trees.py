"""YAML as a tree of plain values, made from a parser's events: nothing is constructed, and an alias stays one object.

Tags are gathered on the way, as the parser resolved them, whatever a file calls them by `%TAG` or writes them out as.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import Any, Final

from jupyter_modelguard.errors import ScanError

__all__ = ["YamlText", "read_yaml"]

_MOST_EVENTS: Final = 1_000_000
_DEEPEST: Final = 1_000
_CORE: Final = "tag:yaml.org,2002:"
_LARGEST: Final = 1 << 60


@dataclass(slots=True)
class YamlText:
    """What a text holds.

    Attributes
    ----------
    documents
        One a document.
    tags
        Tags that are none of YAML's own, with the line of their first use and the text they stand at.
    expanded
        How many values there would be if every alias were written out.
    values
        How many there are.
    error
        Why the text breaks off; empty if it does not.
    """

    documents: list[Any] = field(default_factory=list)
    tags: dict[str, tuple[int, str]] = field(default_factory=dict)
    expanded: int = 0
    values: int = 0
    error: str = ""


class _Open:
    """A collection whose end has not come."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self.key: Any = self
        self.size = 1


def read_yaml(data: str | bytes, loader: Any) -> YamlText:  # noqa: C901, PLR0912 one branch an event
    """Read a text with the parser of a loader.

    Parameters
    ----------
    data
        The text.
    loader
        A loader class of PyYAML.

    Raises
    ------
    ScanError
        It holds more than is looked at.
    """
    yaml = importlib.import_module("yaml")
    events: Any = yaml.events

    found = YamlText()
    stack: list[_Open] = []
    anchors: dict[str, tuple[Any, int]] = {}
    reader = loader(data)
    try:
        while True:
            event = reader.get_event()
            if event is None:
                break
            found.values += 1
            if found.values > _MOST_EVENTS:
                raise ScanError("YAML of more values than are looked at")
            if isinstance(event, events.DocumentStartEvent):
                anchors = {}
                continue
            tag = getattr(event, "tag", None)
            if tag and tag != "!" and (not tag.startswith(_CORE) or tag.startswith(f"{_CORE}python")):
                text = event.value if isinstance(event, events.ScalarEvent) else ""
                found.tags.setdefault(tag, (event.start_mark.line + 1, text[:200]))
            if isinstance(event, events.ScalarEvent):
                value: Any = None if event.value in ("~", "null", "") and event.implicit[0] else event.value
                _put(found, stack, value, 1)
                if event.anchor:
                    anchors[event.anchor] = (value, 1)
            elif isinstance(event, events.AliasEvent):
                _put(found, stack, *anchors.get(event.anchor, (None, 1)))
            elif isinstance(event, (events.MappingStartEvent, events.SequenceStartEvent)):
                opened = _Open({} if isinstance(event, events.MappingStartEvent) else [])
                if event.anchor:
                    anchors[event.anchor] = (opened.value, 1)
                    opened.anchor = event.anchor  # type: ignore[attr-defined]
                stack.append(opened)
                if len(stack) > _DEEPEST:
                    raise ScanError("YAML that is nested too deeply")
            elif isinstance(event, (events.MappingEndEvent, events.SequenceEndEvent)):
                done = stack.pop()
                if name := getattr(done, "anchor", ""):
                    anchors[name] = (done.value, done.size)
                _put(found, stack, done.value, done.size)
    except (yaml.YAMLError, UnicodeError) as error:
        found.error = str(getattr(error, "problem", "") or error)[:100]
    finally:
        reader.dispose()
    return found


def _put(found: YamlText, stack: list[_Open], value: Any, size: int) -> None:
    if not stack:
        found.documents.append(value)
        found.expanded = min(found.expanded + size, _LARGEST)
        return
    top = stack[-1]
    top.size = min(top.size + size, _LARGEST)
    if isinstance(top.value, list):
        top.value.append(value)
    elif top.key is top:
        top.key = value if isinstance(value, (str, type(None))) else str(id(value))
    else:
        _enter(top.value, top.key, value)
        top.key = top


def _enter(into: dict[Any, Any], key: Any, value: Any) -> None:
    """Enter a value; what a key had before stays in sight, and what is merged in stands for keys that are not there."""
    if key == "<<":
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict) and len(one) < 1000:  # noqa: PLR2004 more are no settings, and are looked at where they stand
                for name, inner in one.items():
                    into.setdefault(name, inner)
    if key in into and key != "<<":
        into[f"{key} (before)"] = {key: into[key]}
    into[key] = value
