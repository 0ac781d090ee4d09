"""What one analyser says of one line, and what all of it comes to: said once a line and kind, what matters most first."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.policy.code_opinions import Kind, kind_of_weakness, kinds
from jupyter_modelguard.policy.findings import finding
from jupyter_modelguard.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jupyter_modelguard.types import CodeFile, Finding

__all__ = ["Answer", "Opinion", "added"]

_MOST_LINES: Final = 20  # of one kind in one file; the last one told says how many more there are
_MOST_TESTS: Final = 4  # named for one line
_LONGEST: Final = 200  # characters of a line of code
_WEIGHTS: Final = {severity: weight for weight, severity in enumerate(reversed(Severity))}


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one analyser says of one line."""

    analyser: str  # "bandit"
    test: str  # as the analyser calls it: "B307"
    kind: Kind
    path: str
    line: int  # 0 where it speaks of the whole file
    message: str = ""  # its own words, where the kind says nothing


@dataclass(frozen=True, slots=True)
class Answer:
    """What one analyser says of all files."""

    called: str  # "bandit 1.9.4"
    opinions: tuple[Opinion, ...] = ()
    missed: tuple[str, ...] = ()  # what it could not look at, and why: a sentence each


def added(findings: Sequence[Finding], opinions: Iterable[Opinion], files: Iterable[CodeFile]) -> tuple[Finding, ...]:
    """Put opinions behind findings, ranked with those that stand there already.

    A line that has a finding of ours gets no second one: the finding names who else sees something in it.

    Parameters
    ----------
    findings
        What there is; what is no opinion stays in its order.
    opinions
        Of any number of analysers; once a line and kind they are findings of their own, what matters most first.
    files
        What they speak of.
    """
    said: dict[tuple[str, int], dict[Kind, list[Opinion]]] = defaultdict(lambda: defaultdict(list))
    for one in opinions:
        said[one.path, one.line][one.kind].append(one)
    places = {kind.rule: kind.place for kind in kinds()}  # what was said in an earlier round is ranked again
    made = [_agreed(one, said) if one.rule in places else _joined(one, said) for one in findings]
    lines = _Lines(files)
    told = [*(one for one in made if one.rule in places), *_told(_shortened(said), lines)]
    told.sort(key=lambda one: (_WEIGHTS[one.severity], places[one.rule], _place(one.location)))
    return (*(one for one in made if one.rule not in places), *told)


def _agreed(one: Finding, said: Mapping[tuple[str, int], dict[Kind, list[Opinion]]]) -> Finding:
    path, _, line = one.location.rpartition(":")
    kind = kind_of_weakness(one.cwe)
    if kind is None or not line.isdecimal():
        return one
    agreeing = said.get((path, int(line)), {}).pop(kind, None)
    return one if not agreeing else replace(one, title=f"{one.title}; so {_who(agreeing)}")


def _joined(one: Finding, said: dict[tuple[str, int], dict[Kind, list[Opinion]]]) -> Finding:
    path, _, line = one.location.rpartition(":")
    others = said.pop((path, int(line)), {}) if line.isdecimal() else {}
    named = _named([opinion for found in others.values() for opinion in found])
    return one if not named else replace(one, title=f"{one.title}; seen by {' and '.join(named)} too")


def _shortened(
    said: Mapping[tuple[str, int], Mapping[Kind, list[Opinion]]],
) -> Iterable[tuple[Kind, str, int, list[Opinion], int]]:
    """Give each line and kind once, and of many lines of one kind in one file the first ones, with the number of the others."""
    by_file: dict[tuple[str, Kind], list[tuple[int, list[Opinion]]]] = defaultdict(list)
    for (path, line), by_kind in said.items():
        for kind, found in by_kind.items():
            by_file[path, kind].append((line, found))
    for (path, kind), places in by_file.items():
        places.sort(key=lambda place: place[0])
        more = len(places) - _MOST_LINES
        for number, (line, found) in enumerate(places[:_MOST_LINES], 1):
            yield kind, path, line, found, max(0, more) if number == _MOST_LINES else 0


def _told(found: Iterable[tuple[Kind, str, int, list[Opinion], int]], lines: _Lines) -> Iterable[Finding]:
    for kind, path, line, opinions, more in found:
        yield finding(
            kind.rule,
            f"{_what(kind, opinions)}, {_who(opinions)}{f' (and of {more} more lines)' if more else ''}",
            f"{path}:{line}" if line else path,
            lines.of(path, line),
        )


def _place(location: str) -> tuple[str, int]:
    path, _, line = location.rpartition(":")
    return (path, int(line)) if line.isdecimal() else (location, 0)


def _what(kind: Kind, opinions: Sequence[Opinion]) -> str:
    words = next((one.message for one in opinions if one.message), "") if not kind.cwe else ""
    return words or f"this {'line' if opinions[0].line else 'file'} {kind.says}"


def _who(opinions: Sequence[Opinion]) -> str:
    named = _named(opinions)
    return f"{'says' if len(named) == 1 else 'say'} {' and '.join(named)}"


def _named(opinions: Sequence[Opinion]) -> list[str]:
    tests: dict[str, list[str]] = defaultdict(list)
    for one in sorted(opinions, key=lambda one: (one.analyser, one.test)):
        if one.test not in tests[one.analyser]:
            tests[one.analyser].append(one.test)
    return [
        f"{analyser} ({', '.join(ids[:_MOST_TESTS])}{', …' if len(ids) > _MOST_TESTS else ''})" for analyser, ids in tests.items()
    ]


class _Lines:
    """The lines of files, each split once and only where somebody speaks of it."""

    def __init__(self, files: Iterable[CodeFile]) -> None:
        self._files = {file.path: file.content for file in files}
        self._split: dict[str, list[bytes]] = {}

    def of(self, path: str, line: int) -> str:
        if path not in self._split:
            self._split[path] = self._files.get(path, b"").splitlines()
        lines = self._split[path]
        if not 0 < line <= len(lines):
            return ""
        return lines[line - 1][: 4 * _LONGEST].decode("utf-8", "replace").strip()[:_LONGEST]
