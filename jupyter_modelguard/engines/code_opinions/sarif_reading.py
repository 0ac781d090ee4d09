"""Read SARIF 2.1, the format in which analysers say what they found.

What is read was written by a program that somebody switched on, about a stranger's code, so that its texts are the stranger's too: it is
read in the limited process or one like it, within bounds, a place counts only if it is one of the files that were given, and what says that
a result is suppressed counts nothing. A result that is not as it should be is left out, and that is told.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import msgspec

from jupyter_modelguard.engines.code_opinions.opinion import Opinion
from jupyter_modelguard.errors import ScanError
from jupyter_modelguard.policy.code_opinions import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["LARGEST", "read_sarif"]

LARGEST: Final = 64 << 20  # bytes of a log
_MOST_RESULTS: Final = 20_000
_MOST_RULES: Final = 20_000
_MOST_PLACES: Final = 100  # of a result
_LONGEST: Final = 160  # characters of a text
_FURTHEST: Final = 10_000_000  # line
_NO_FINDING: Final = {"pass", "notApplicable", "informational"}
_WEAKNESS: Final = re.compile(rb"(?i)cwe[-_/: ]{0,3}(?:cwe[-_/: ])?0{0,3}(\d{1,4})\b")
_RAW: Final = 1 << 16  # bytes of a rule's properties that are looked through


class _Text(msgspec.Struct):
    text: Any = None


class _Rule(msgspec.Struct, rename="camel"):
    id: Any = None
    short_description: _Text | None = None
    properties: msgspec.Raw = msgspec.Raw(b"")
    relationships: msgspec.Raw = msgspec.Raw(b"")


class _Driver(msgspec.Struct):
    rules: list[msgspec.Raw] | None = None


class _Tool(msgspec.Struct):
    driver: _Driver | None = None
    extensions: list[_Driver] | None = None


class _Notification(msgspec.Struct):
    level: Any = None
    message: _Text | None = None


class _Invocation(msgspec.Struct, rename="camel"):
    execution_successful: Any = True
    tool_execution_notifications: list[_Notification] | None = None


class _File(msgspec.Struct):
    uri: Any = None
    index: Any = None


class _Listed(msgspec.Struct):
    location: _File | None = None


class _Run(msgspec.Struct):
    tool: _Tool | None = None
    results: list[msgspec.Raw] | None = None
    invocations: list[_Invocation] | None = None
    artifacts: list[_Listed] | None = None


class _Log(msgspec.Struct):
    runs: list[_Run]


class _Region(msgspec.Struct, rename="camel"):
    start_line: Any = None


class _Physical(msgspec.Struct, rename="camel"):
    artifact_location: _File | None = None
    region: _Region | None = None


class _Place(msgspec.Struct, rename="camel"):
    physical_location: _Physical | None = None


class _Reference(msgspec.Struct):
    id: Any = None


class _Result(msgspec.Struct, rename="camel"):
    rule_id: Any = None
    rule: _Reference | None = None
    rule_index: Any = None
    kind: Any = None
    message: _Text | None = None
    locations: list[_Place] | None = None
    taxa: msgspec.Raw = msgspec.Raw(b"")
    properties: msgspec.Raw = msgspec.Raw(b"")


def read_sarif(data: bytes, analyser: str, names: Mapping[str, str]) -> tuple[tuple[Opinion, ...], tuple[str, ...]]:
    """Read a log.

    Parameters
    ----------
    data
        The whole log.
    analyser
        Who wrote it, as it is to be called.
    names
        The files that were given: the path in the repository by the name that the analyser knows.

    Returns
    -------
    tuple
        What it says, and what it could not look at.

    Raises
    ------
    ScanError
        It is no SARIF, or too large.
    """
    if len(data) > LARGEST:
        raise ScanError(f"{analyser} says more than can be read")
    try:
        log = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=_Log)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise ScanError(f"what {analyser} says is no SARIF ({str(error)[:_LONGEST]})") from None
    opinions: list[Opinion] = []
    missed: list[str] = []
    for run in log.runs:
        rules = _rules(run)
        listed = [one.location.uri if one.location is not None else None for one in run.artifacts or ()]
        missed += _missed(run, analyser)
        results = run.results or []
        odd = 0
        for raw in results[: max(0, _MOST_RESULTS - len(opinions))]:
            try:
                result = msgspec.json.decode(raw, type=_Result)
            except (msgspec.MsgspecError, UnicodeError, RecursionError):
                odd += 1
                continue
            opinions += _opinions(result, analyser, rules, listed, names)
        if odd:
            missed.append(f"{odd} results of {analyser} are not as SARIF has them")
        if len(results) > _MOST_RESULTS:
            missed.append(f"{analyser} has {len(results):,} results, of which {_MOST_RESULTS:,} were read")
    return tuple(opinions), tuple(missed)


def _rules(run: _Run) -> list[_Rule]:
    tools = [run.tool.driver, *(run.tool.extensions or ())] if run.tool is not None else []
    found = []
    for tool in tools:
        for raw in (tool.rules or [] if tool is not None else [])[:_MOST_RULES]:
            try:
                found.append(msgspec.json.decode(raw, type=_Rule))
            except (msgspec.MsgspecError, UnicodeError, RecursionError):
                found.append(_Rule())  # it keeps its place: results name rules by theirs
    return found


def _missed(run: _Run, analyser: str) -> Iterator[str]:
    for invocation in (run.invocations or ())[:_MOST_PLACES]:
        errors = [one for one in invocation.tool_execution_notifications or () if one.level == "error"]
        if errors:
            yield f"{analyser} could not look at everything: {_text(errors[0].message)}"
        elif invocation.execution_successful is False:
            yield f"{analyser} says that it did not come to its end"


def _opinions(
    result: _Result, analyser: str, rules: Sequence[_Rule], listed: Sequence[Any], names: Mapping[str, str]
) -> Iterator[Opinion]:
    if result.kind in _NO_FINDING:
        return
    named = result.rule_id if isinstance(result.rule_id, str) else result.rule.id if result.rule is not None else None
    index = result.rule_index
    rule = rules[index] if type(index) is int and 0 <= index < len(rules) else None
    if rule is None or (isinstance(named, str) and rule.id != named):
        rule = next((one for one in rules if one.id == named), _Rule()) if isinstance(named, str) else rule or _Rule()
    test = _words(named if isinstance(named, str) else rule.id if isinstance(rule.id, str) else "").rpartition(".")[2]
    raw = b" ".join(bytes(one)[:_RAW] for one in (result.taxa, result.properties, rule.properties, rule.relationships))
    kind = kind_of("", test, (int(number) for number in _WEAKNESS.findall(raw)))
    message = _text(result.message) or _text(rule.short_description)
    for place in (result.locations or ())[:_MOST_PLACES]:
        physical = place.physical_location
        path = _path(physical.artifact_location if physical is not None else None, listed, names)
        if path is None:
            continue
        line = physical.region.start_line if physical is not None and physical.region is not None else 0
        yield Opinion(analyser, test or "no name", kind, path, line if type(line) is int and 0 < line < _FURTHEST else 0, message)


def _path(file: _File | None, listed: Sequence[Any], names: Mapping[str, str]) -> str | None:
    """Find the file that is meant among those that were given; by its name alone, which is no other's."""
    if file is None:
        return None
    uri = file.uri
    if not isinstance(uri, str) and type(file.index) is int and 0 <= file.index < len(listed):
        uri = listed[file.index]
    return names.get(unquote(uri[-_LONGEST:]).replace("\\", "/").rpartition("/")[2]) if isinstance(uri, str) else None


def _text(text: _Text | None) -> str:
    return _words(text.text) if text is not None and isinstance(text.text, str) else ""


def _words(text: str) -> str:
    printable = "".join(one if one.isprintable() else " " for one in text[: 4 * _LONGEST])
    return " ".join(printable.split())[:_LONGEST]
