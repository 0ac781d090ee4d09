"""What a scan found, for people: what runs code, why, and what to do about it; what was not looked at; the rest in one line."""

from __future__ import annotations

import itertools
import os
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from jupyter_modelguard.approval.listings import counted
from jupyter_modelguard.approval.text import as_html, as_plain, as_rich
from jupyter_modelguard.errors import ScanError
from jupyter_modelguard.policy.findings import finding_rules
from jupyter_modelguard.types import Judgement, RiskLevel, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from jupyter_modelguard.types import Assessment, Finding

__all__ = ["ScanView", "view_of"]

_WORDS: Final = {
    RiskLevel.FORBIDDEN: ("FORBIDDEN", "bold red"),
    RiskLevel.DANGEROUS: ("DANGEROUS", "bold red"),
    RiskLevel.RUNS_CODE: ("RUNS CODE", "bold yellow"),
    RiskLevel.UNINSPECTED: ("NOT INSPECTED", "bold magenta"),
    RiskLevel.NOTE: ("NOTE", "bold"),
    RiskLevel.DATA_ONLY: ("DATA ONLY", "green"),
}
_SEVERITIES: Final = tuple(Severity)  # from the least to the gravest
_CLEAN: Final = frozenset({RiskLevel.DATA_ONLY, RiskLevel.NOTE})
_LIGHT: Final = frozenset({Severity.INFO, Severity.LOW})
_OPEN: Final = frozenset({Judgement.UNKNOWN, Judgement.DANGEROUS, Judgement.INSPECT})
_MOST_LINES: Final = 5  # of one kind about a file
_MOST_CLEAN: Final = 10  # files without anything to tell that are still named
_MOST_KINDS: Final = 4
_THOUSAND: Final = 1000
_UNITS: Final = ((1000, "kB"), (1000**2, "MB"), (1000**3, "GB"))
_LONGEST: Final = 240  # characters of one line


class _Line(NamedTuple):
    indent: int
    mark: str  # ours, before the text
    text: str  # a stranger's
    style: str = ""
    behind: str = ""  # ours, behind it


@dataclass(frozen=True, slots=True)
class ScanView:
    """What scans found; `console.print` and a notebook's `display` both know how to draw it.

    Attributes
    ----------
    assessments
        Of every file, in any order.
    everything
        Whether files are named about which there is nothing to tell.
    errors
        Why a target could not be scanned at all, by what was asked for.
    seconds
        That it took.
    """

    assessments: Sequence[Assessment]
    everything: bool = False
    errors: tuple[tuple[str, str], ...] = ()
    seconds: float | None = None

    def __rich__(self) -> RenderableType:
        """Draw for a terminal."""
        from rich.console import Group
        from rich.padding import Padding
        from rich.text import Text

        drawn: list[RenderableType] = []
        for line in self._lines():
            if line.mark:
                text = Text(f"{line.mark} ", style=line.style)
                text.append_text(as_rich(line.text, limit=_LONGEST))
            else:
                text = as_rich(line.text, style=line.style, limit=None)
            text.append(f"  {line.behind}" if line.behind else "", style="dim")
            text.overflow = "fold"
            drawn.append(Padding(text, (0, 0, 0, line.indent), expand=False) if text else text)
        return Group(*drawn)

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        """Draw for a notebook, and for the text that it keeps beside."""
        return {"text/plain": self.text(), "text/html": self.html()}

    def text(self) -> str:
        """Draw as plain text."""
        lines = (
            f"{' ' * line.indent}{line.mark} {as_plain(line.text, limit=_LONGEST)}  {line.behind}".rstrip()
            if line.mark
            else f"{' ' * line.indent}{as_plain(line.text, limit=None)}  {line.behind}".rstrip()
            for line in self._lines()
        )
        return "\n".join(lines)

    def html(self) -> str:
        """Draw as HTML that does nothing."""
        drawn = []
        for line in self._lines():
            said = as_html(line.text, limit=_LONGEST)
            mark = f"<strong>{line.mark}</strong> " if line.mark.isupper() else f"{line.mark} " if line.mark else ""
            behind = f" <small>{as_html(line.behind, limit=None)}</small>" if line.behind else ""
            drawn.append(f'<div style="margin-left: {line.indent / 2:g}em">{mark}{said}{behind}</div>')
        return f'<div class="mg-static">{"".join(drawn)}</div>'

    def _lines(self) -> Iterator[_Line]:
        order = sorted(self.assessments, key=_gravity)
        clean = [one for one in order if one.level in _CLEAN]
        told = [one for one in order if one.level not in _CLEAN]
        for one, following in itertools.zip_longest(told, told[1:]):
            yield from _of_one(one)
            advice = _advice(one)
            if advice and (following is None or _advice(following) != advice):
                yield _Line(2, "→", advice, "cyan")
            if advice or following is None:
                yield _Line(0, "", "")
        few = self.everything or len(clean) <= _MOST_CLEAN
        named = clean if few else [one for one in clean if one.level is RiskLevel.NOTE][:_MOST_CLEAN]
        for one in named:
            yield from _of_one(one)
        if named:
            yield _Line(0, "", "")
        for target, sentence in self.errors:
            yield _Line(0, "ERROR", sentence if target in sentence else f"{target}: {sentence}", "bold red")
        yield from self._summary(clean)

    def _summary(self, clean: list[Assessment]) -> Iterator[_Line]:
        if not self.assessments:
            if not self.errors:
                yield _Line(0, "", "There was no file to look at: 0 of 0.")
            return
        counts = Counter(one.level for one in self.assessments)
        said = [
            f"{counts[level]:,} {word.lower()}" for level, (word, _) in _WORDS.items() if counts[level] and level not in _CLEAN
        ]
        took = "" if self.seconds is None else f" in {self.seconds:.1f} s"
        head = f"{counted(len(self.assessments), 'file')} looked at{took}, none loaded: "
        if not said:
            head += "nothing that runs code was found."
        else:
            rest = f", nothing found in {len(clean):,}" if clean else ""
            head += f"{', '.join(said)}{rest}."
        yield _Line(0, "", head, "bold")
        kinds = Counter(one.report.format for one in clean).most_common()
        if len(clean) > 1:
            named = [f"{number:,} {kind}" for kind, number in kinds[:_MOST_KINDS]]
            others = sum(number for _, number in kinds[_MOST_KINDS:])
            named += [f"{others:,} of other kinds"] if others else []
            notes = counts[RiskLevel.NOTE]
            noted = f"; {notes:,} with a note" if notes else ""
            yield _Line(0, "", f"Nothing that runs by itself: {', '.join(named)}{noted}.", "dim")


def _gravity(assessment: Assessment) -> tuple[int, bool, str]:
    level = assessment.level
    return -level.rank, level is RiskLevel.UNINSPECTED, assessment.report.target


def _weight(finding: Finding) -> int:
    return -_SEVERITIES.index(finding.severity)


def _of_one(assessment: Assessment) -> Iterator[_Line]:
    report = assessment.report
    word, style = _WORDS[assessment.level]
    behind = " · ".join(filter(None, (report.format, _size(report.size))))
    yield _Line(0, word, _nearby(report.target), style, behind)
    findings = sorted(report.findings, key=_weight)
    for one in findings[:_MOST_LINES]:
        yield _Line(2, "·", f"{one.title} [{one.location}]" if one.location else one.title)
    if len(findings) > _MOST_LINES:
        yield _Line(2, "·", counted(len(findings) - _MOST_LINES, "more finding"))
    told = " ".join(one.title for one in findings)
    uses = [use for use in report.globals if use.judgement in _OPEN and str(use.name) not in told]
    for use in uses[:_MOST_LINES]:
        origin = f" (from {use.origin})" if use.origin else ""
        yield _Line(2, "·", f"would call {use.name} ×{use.count}: {use.reason}{origin}")
    if len(uses) > _MOST_LINES:
        yield _Line(2, "·", f"{len(uses) - _MOST_LINES:,} more functions and classes")
    missed = [sentence for sentence in report.coverage.missed if sentence not in told]
    for sentence in missed[:_MOST_LINES]:
        yield _Line(2, "?", f"not inspected: {sentence}", "magenta")
    if len(missed) > _MOST_LINES:
        yield _Line(2, "?", f"not inspected: {len(missed) - _MOST_LINES:,} more parts", "magenta")


def _nearby(target: str) -> str:
    """Name a file from the working directory on where it lies below that."""
    here = os.path.join(os.getcwd(), "")  # noqa: PTH109, PTH118 names on a disk need not be text
    return target.removeprefix(here)


def _advice(assessment: Assessment) -> str:
    """Say what to do next: about the gravest finding, or about what was missed where that is all."""
    known = finding_rules()
    findings = sorted(assessment.report.findings, key=_weight)
    rules = [*(one.rule for one in findings if one.severity not in _LIGHT), *assessment.rules]
    return next((known[rule].help for rule in rules if rule in known and known[rule].help), "")


def _size(size: int) -> str:
    if size < _THOUSAND:
        return counted(size, "byte") if size else ""
    unit = next((unit for unit in _UNITS[:-1] if size < unit[0] * _THOUSAND), _UNITS[-1])
    return f"{size / unit[0]:,.1f} {unit[1]}"


def view_of(targets: Sequence[str], *, second_opinion: bool = False) -> ScanView:
    """Scan, and show what was found; of what cannot be scanned, why."""
    from jupyter_modelguard.engines.scan import scan_each
    from jupyter_modelguard.policy.evaluate import evaluate

    started = time.perf_counter()
    found: list[Assessment] = []
    errors = []
    for target in targets:
        try:
            reports = scan_each(target, second_opinion=second_opinion)
        except ScanError as error:
            errors.append((target, str(error)))
        else:
            found += [evaluate(report) for report in reports]
    return ScanView(found, errors=tuple(errors), seconds=time.perf_counter() - started)
