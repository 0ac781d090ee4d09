"""What flagged pickles do, for `modelguard scan --explain`: what calls what, and the pickle written as Python."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.approval.text import as_plain
from jupyter_modelguard.engines.explanation import explain_file
from jupyter_modelguard.engines.worker import Worker
from jupyter_modelguard.types import Explanation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jupyter_modelguard.types import Assessment

__all__ = ["explained"]

_FORMATS: Final = frozenset({"joblib", "pickle", "torch-legacy", "torch-zip"})
_MOST_ROWS: Final = 60  # of each list
_LONGEST: Final = 160  # characters of a line


def explained(assessments: Iterable[Assessment]) -> Iterator[str]:
    """Write down what each file that asks would do; a line at a time, without a stranger's control characters."""
    worker = Worker()
    try:
        for assessment in assessments:
            report = assessment.report
            if not assessment.level.asks or report.format not in _FORMATS or not Path(report.target).is_file():
                continue
            found = worker.attempt(explain_file, report.target)
            yield ""
            yield as_plain(report.target, limit=None)
            if not isinstance(found, Explanation) or not (found.calls or found.listings):
                yield f"  cannot be explained{f': {as_plain(found)}' if isinstance(found, str) else ''}"
                continue
            yield from _lines(found)
    finally:
        worker.close()


def _lines(found: Explanation) -> Iterator[str]:
    yield "  Calls, each above what it is made of:"
    for call in found.calls[:_MOST_ROWS]:
        words = as_plain(f"{call.name}{call.arguments}{f' ×{call.count}' if call.count > 1 else ''}", limit=_LONGEST)
        yield f"  {'!' if call.flagged else ' '} {'  ' * call.depth}{words}"
    for heading, source, rows in found.listings:
        yield f"  {heading} ({source}):"
        for number, text, flagged in rows[:_MOST_ROWS]:
            yield f"  {'!' if flagged else ' '} {number:>4}  {as_plain(text, code=True, limit=_LONGEST)}"
    if len(found.calls) > _MOST_ROWS or any(len(rows) > _MOST_ROWS for _, _, rows in found.listings):
        yield f"  The first {_MOST_ROWS} lines of each."
