"""Ask the analysers that are quick enough to be heard before a decision: Bandit always, YARA-X where it is installed.

Both run in the limited worker. What they say is evidence: it lowers nothing, and by itself raises a level no higher than "runs code".
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.code_opinions import bandit, yara
from jupyter_modelguard.engines.code_opinions.opinion import added
from jupyter_modelguard.engines.installed import find_file, is_installed
from jupyter_modelguard.policy.findings import finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from jupyter_modelguard.engines.code_opinions.opinion import Answer
    from jupyter_modelguard.types import CodeFile, ScanReport

__all__ = ["is_there", "together", "with_code_opinions"]

_LONGEST: Final = 160  # characters of what went wrong


def with_code_opinions(report: ScanReport, files: tuple[CodeFile, ...]) -> ScanReport:
    """Put into a report on code files what the analysers that are installed say of them."""
    return together(report, files, (ask for module, ask in _ANALYSERS if is_there(module)))


def together(
    report: ScanReport, files: tuple[CodeFile, ...], analysers: Iterable[Callable[[Iterable[CodeFile]], Answer]]
) -> ScanReport:
    """Put answers into a report. What an analyser could not look at was not inspected; one that fails has only given no answer."""
    started = time.perf_counter()
    answers, failed = [], []
    for ask in analysers:
        try:
            answers.append(ask(files))
        except (Exception, SystemExit) as error:  # noqa: BLE001 whatever is wrong with another's program
            why = str(error)[:_LONGEST] or type(error).__name__
            failed.append(finding("second-opinion", f"another analyser was asked too, and gave no answer: {why}"))
    missed = tuple(sentence for answer in answers for sentence in answer.missed)
    said = added(report.findings, (one for answer in answers for one in answer.opinions), files)
    return replace(
        report,
        findings=(*said, *failed),
        coverage=replace(report.coverage, missed=(*report.coverage.missed, *missed)),
        seconds=report.seconds + time.perf_counter() - started,
        engines=(*report.engines, *(answer.called for answer in answers)),
    )


def is_there(module: str) -> bool:
    """Whether an import would run a file of an installed package, and none that lies in somebody's folder."""
    path = find_file(module)
    return path is not None and is_installed(path)


_ANALYSERS: Final[tuple[tuple[str, Callable[[Iterable[CodeFile]], Answer]], ...]] = (  # the module, and how it is asked
    (bandit.MODULE, bandit.ask),
    (yara.MODULE, yara.ask),
)
