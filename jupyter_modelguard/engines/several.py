"""Scan many files at once, each in a limited process, so that what one of them does to its process costs that file alone."""

from __future__ import annotations

import os
import queue
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.merging import ENGINE, merged_reports, missed_report
from jupyter_modelguard.types import Coverage, ScanReport

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from concurrent.futures import Future

    from jupyter_modelguard.engines.targets import Target
    from jupyter_modelguard.engines.worker import Worker

__all__ = ["Scanned", "default_jobs", "scan_targets", "warm_up"]

_PAUSE: Final = 0.05  # seconds between attempts to stop what runs
_SOURCE: Final = "python-source"
_MOST_JOBS: Final = 4  # processes, unless more are asked for: each may take gigabytes
_FILES_A_JOB: Final = 16  # fewer small files are read sooner than another process is started
_BYTES_A_JOB: Final = 64 << 20

_MEMORY_OF_PROGRAMS: Final = 1 << 42  # bytes of address space: some reserve far more than they use
_SECONDS_BESIDE: Final = 30.0  # for reading what they say

_idle: queue.LifoQueue[Worker] = queue.LifoQueue()  # processes that are kept warm


@dataclass(frozen=True, slots=True)
class Scanned:
    """What was found of one target, and of the files below it where it is a repository."""

    report: ScanReport
    files: tuple[ScanReport, ...] = ()


@dataclass(slots=True)
class _Order:
    """One file that is read once, whatever number of targets it is."""

    target: Target
    places: list[int] = field(default_factory=list)


def default_jobs() -> int:
    """Return how many files are scanned at once where nobody says."""
    return min(_MOST_JOBS, os.cpu_count() or 1)


def warm_up() -> None:
    """Start a process for the first file while the caller has other things to do."""
    from jupyter_modelguard.engines.worker import Worker

    worker = Worker()
    _idle.put(worker)
    threading.Thread(target=worker.engines_left_out, name="modelguard-start", daemon=True).start()


def scan_targets(
    targets: Sequence[Target],
    *,
    jobs: int | None = None,
    seconds: float | None = None,
    opinions: bool = False,
    told: Callable[[ScanReport], None] | None = None,
) -> tuple[Scanned, ...]:
    """Scan targets.

    Parameters
    ----------
    targets
        What `find_targets` found.
    jobs
        How many files at once; as many as there are processors by default, and four at the most.
    seconds
        What one file may take; a minute by default.
    opinions
        Whether other scanners that are installed are asked too.
    told
        Is given each report as it is there, in any order; for a progress bar.

    Returns
    -------
    tuple of Scanned
        In the order of the targets, those of one repository as one.
    """
    reports: list[ScanReport | None] = [None] * len(targets)
    orders: dict[tuple[bool, str], _Order] = {}
    for place, target in enumerate(targets):
        if target.why_not or not target.path:
            reports[place] = _unread(target)
            if told is not None:
                told(_unread(target))
            continue
        key = (target.code, os.path.realpath(target.path))
        orders.setdefault(key, _Order(target)).places.append(place)
    for order, report in _read(list(orders.values()), jobs or default_jobs(), seconds, opinions=opinions, told=told):
        for place in order.places:
            reports[place] = None if report is None else _of(targets[place], report)
    return _grouped([(target, report) for target, report in zip(targets, reports, strict=True) if report is not None])


def _read(
    orders: list[_Order],
    jobs: int,
    seconds: float | None,
    *,
    opinions: bool,
    told: Callable[[ScanReport], None] | None,
) -> list[tuple[_Order, ScanReport | None]]:
    def read(order: _Order) -> ScanReport | None:
        return None if stopped.is_set() else _scan(order.target, seconds, busy, opinions=opinions)

    stopped = threading.Event()
    busy: set[Worker] = set()
    found = []
    with ThreadPoolExecutor(_useful(orders, jobs), "modelguard-scan") as threads:
        waiting = {threads.submit(read, order): order for order in orders}
        try:
            for future in as_completed(waiting):
                report = future.result()
                found.append((waiting[future], report))
                if report is not None and told is not None:
                    told(report)
        except BaseException:
            stopped.set()  # interrupted: what was not begun is not begun any more, and what runs is not wanted
            still: Collection[Future[ScanReport | None]] = waiting
            while still:  # a file that is just being handed to its process is stopped the next time
                for worker in tuple(busy):
                    worker.stop()
                still = wait(still, _PAUSE).not_done
            raise
    return found


def _useful(orders: list[_Order], jobs: int) -> int:
    """Say how many processes are worth their start."""
    size = 0
    for order in orders:
        try:
            size += os.stat(order.target.path).st_size
        except OSError:
            continue
    return max(1, min(jobs, len(orders), 1 + len(orders) // _FILES_A_JOB + size // _BYTES_A_JOB))


def _scan(target: Target, seconds: float | None, busy: set[Worker], *, opinions: bool) -> ScanReport | None:
    from jupyter_modelguard.engines.worker import Worker

    try:
        worker = _idle.get_nowait()
    except queue.Empty:
        worker = Worker()
    busy.add(worker)
    try:
        if not target.code:
            report = worker.scan(target.path, seconds=seconds, opinions=opinions)
            if not (target.named and report.format == _SOURCE):
                return report
        elif not _runs_code(target.path):
            return None
        from jupyter_modelguard.engines.repository_code import code_below

        answer = worker.attempt(code_below, target.path, target.within)
        if isinstance(answer, str):
            return missed_report(target.path, "python-code", 0, f"its configuration: {answer}")
        if not isinstance(answer, ScanReport):
            return None
        return _with_programs(answer, target, busy) if opinions else answer
    except OSError as error:
        return missed_report(target.path, "unknown", 0, f"it could not be read: {error.strerror}")
    finally:
        busy.discard(worker)
        _idle.put(worker)


def _with_programs(report: ScanReport, target: Target, busy: set[Worker]) -> ScanReport:
    """Ask analysers that are programs of their own too, in a process that may take what they need."""
    from jupyter_modelguard.engines.code_opinions.programs import programs
    from jupyter_modelguard.engines.repository_code import opinions_below
    from jupyter_modelguard.engines.second_opinions import without_answer
    from jupyter_modelguard.engines.worker import Worker
    from jupyter_modelguard.errors import ConfigurationError

    try:
        wanted = programs()
    except ConfigurationError as error:
        return without_answer(report, str(error))
    if not wanted:
        return report
    worker = Worker(seconds=_SECONDS_BESIDE + sum(program.seconds for program in wanted), memory=_MEMORY_OF_PROGRAMS)
    busy.add(worker)
    try:
        answer = worker.attempt(opinions_below, report, target.path, target.within, wanted)
    finally:
        busy.discard(worker)
        worker.close()
    return answer if isinstance(answer, ScanReport) else without_answer(report, str(answer))


def _runs_code(folder: str) -> bool:
    """Whether anything in a folder could have Python files executed; spares the worker a question for each of many."""
    from jupyter_modelguard.artifacts.code_tree import ALWAYS_RUN, CONFIGURATIONS

    return any(os.path.isfile(os.path.join(folder, name)) for name in (*CONFIGURATIONS, *ALWAYS_RUN))


def _unread(target: Target) -> ScanReport:
    if target.why_not:
        return replace(missed_report(target.name, "unknown", 0, target.why_not), findings=target.findings)
    return ScanReport(target.name, "unknown", findings=target.findings, coverage=Coverage(0, 0), engines=(ENGINE,))


def _of(target: Target, report: ScanReport) -> ScanReport:
    return replace(report, target=target.name, findings=target.findings + report.findings)


def _grouped(found: list[tuple[Target, ScanReport]]) -> tuple[Scanned, ...]:
    """Put the files of a repository together, where its first one stands."""
    groups: dict[str, list[ScanReport]] = {}
    for target, report in found:
        groups.setdefault(target.group or f"\0{len(groups)}", []).append(report)
    scanned = []
    for name, reports in groups.items():
        if name.startswith("\0"):
            scanned.append(Scanned(reports[0]))
            continue
        below = [replace(one, target=one.target.removeprefix(f"{name}/")) for one in reports]
        whole = merged_reports(name, "repository", below, sum(one.size for one in reports))
        scanned.append(Scanned(whole, tuple(reports)))
    return tuple(scanned)
