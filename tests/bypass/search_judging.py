"""What the guard makes of a stream, by the very path that a load takes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_modelguard.artifacts.source import StreamSource
from jupyter_modelguard.engines.inspection import inspect_open
from jupyter_modelguard.engines.trace import trace_stream
from jupyter_modelguard.policy.evaluate import BROKEN, evaluate

if TYPE_CHECKING:
    from jupyter_modelguard.engines.verdict import StreamTrace

__all__ = ["Judged", "judge"]


@dataclass(frozen=True, slots=True)
class Judged:
    """A judged stream.

    Parameters
    ----------
    trace
        With every class inspected.
    level
        "data_only", "note" and so on.
    silent
        Whether a load would go on without a question.
    given_up
        Whether a load would raise at once what every loader ends with, because nothing before the break would be asked about.
    """

    trace: StreamTrace
    level: str
    silent: bool
    given_up: bool
    opened: tuple[tuple[str, str], ...]


def judge(stream: bytes, dialect: str) -> Judged:
    """Trace, inspect and evaluate."""
    traced = trace_stream(StreamSource(data=stream), dialect)
    opened = tuple((use.name.module, use.name.name) for use in traced.open_classes)
    trace = inspect_open(traced)
    level = evaluate(trace.report).level
    given_up = False
    if trace.error is not None:
        whole = dataclasses.replace(
            trace.report,
            findings=tuple(finding for finding in trace.report.findings if finding.rule != BROKEN),
            coverage=dataclasses.replace(trace.report.coverage, inspected=trace.report.coverage.parts, missed=()),
        )
        given_up = not evaluate(whole).level.asks and len(trace.report.coverage.missed) == 1
    return Judged(trace, level.value, not level.asks, given_up, opened)
