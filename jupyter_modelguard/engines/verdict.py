"""From what the grammar says of a stream to the report that the other stages read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from jupyter_modelguard.policy.findings import finding
from jupyter_modelguard.types import Coverage, Finding, GlobalUse, Judgement, ScanReport

if TYPE_CHECKING:
    from jupyter_modelguard.artifacts.copy import StreamCopy
    from jupyter_modelguard.artifacts.parts_read import PartsRead
    from jupyter_modelguard.artifacts.source import StreamSource
    from jupyter_modelguard.policy.grammar import Verdict
    from jupyter_modelguard.policy.record import OpenClass

__all__ = ["ENGINE", "StreamTrace", "broken", "failed", "findings_of", "misread", "report_of", "with_globals"]

ENGINE = "pickle-trace 1"


@dataclass(frozen=True, slots=True)
class StreamTrace:
    """What one stream would do, and what a load needs to hold it to that.

    Parameters
    ----------
    report
        The globals as judged, in the order of the stream, with findings and coverage.
    copy
        The code-bearing bytes; None if the stream could not be read to its end.
    names
        Each `(module, name)` as the interpreter's `pickle.find_class` event will give it.
    open_classes
        Classes that are still to be judged by a process that has them.
    error
        Type and message with which every loader gives this stream up, because it breaks off or is no pickle; None where the trace
        alone might not have managed.
    cut_off
        Whether the stream could not be read to its end because the bytes in reach ended.
    parts
        What was read of the file; None where there is no file, or that was much.
    """

    report: ScanReport
    copy: StreamCopy | None = field(default=None, repr=False)
    names: frozenset[tuple[str, str]] = frozenset()
    open_classes: tuple[OpenClass, ...] = ()
    error: tuple[str, str] | None = None
    cut_off: bool = False
    parts: PartsRead | None = field(default=None, repr=False)


def findings_of(uses: tuple[GlobalUse, ...]) -> tuple[Finding, ...]:
    """One finding for each global that nothing vouches for."""
    found = []
    for use in uses:
        if use.judgement is Judgement.DANGEROUS:
            found.append(finding("pickle-dangerous-global", f"{use.name} {use.reason}", code=str(use.name)))
        elif use.judgement in (Judgement.UNKNOWN, Judgement.INSPECT):
            found.append(
                finding(
                    "pickle-unknown-global",
                    f"{use.name} {use.reason}" if use.judgement is Judgement.UNKNOWN else f"{use.name} is not on any list",
                    code=str(use.name),
                )
            )
    return tuple(found)


def misread(sentence: str) -> Finding:
    """Make the finding for a rule that no single global breaks."""
    return finding("pickle-misuse", sentence)


def broken(sentence: str) -> Finding:
    """Make the finding for a stream that cannot be read to its end."""
    return finding("pickle-broken-stream", sentence)


def failed(source: StreamSource, format_name: str, sentence: str, seconds: float = 0.0) -> StreamTrace:
    """Make the trace of a stream that could not be looked at."""
    return StreamTrace(
        ScanReport(
            target=source.path or "<bytes>",
            format=format_name,
            findings=(broken(sentence),),
            coverage=Coverage(1, 0, (sentence,)),
            seconds=seconds,
            engines=(ENGINE,),
        )
    )


def with_globals(trace: StreamTrace, uses: tuple[GlobalUse, ...], open_classes: tuple[OpenClass, ...]) -> StreamTrace:
    """Give the trace with other judgements, and findings to match."""
    kept = tuple(item for item in trace.report.findings if item.rule not in ("pickle-dangerous-global", "pickle-unknown-global"))
    report = replace(trace.report, globals=uses, findings=kept + findings_of(uses))
    return replace(trace, report=report, open_classes=open_classes)


def report_of(  # noqa: PLR0913 one value a field
    *,
    target: str,
    format_name: str,
    digest: str,
    size: int,
    verdict: Verdict,
    extra: tuple[Finding, ...],
    missed: tuple[str, ...],
    seconds: float,
) -> ScanReport:
    """Put a report together."""
    return ScanReport(
        target=target,
        format=format_name,
        digest=digest,
        size=size,
        findings=tuple(misread(sentence) for sentence in verdict.stray) + extra + findings_of(verdict.globals),
        globals=verdict.globals,
        coverage=Coverage(1, 0 if missed else 1, missed),
        seconds=seconds,
        engines=(ENGINE,),
    )
