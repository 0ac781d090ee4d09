"""Say what files would do when they are loaded, judged by their content and never by their names.

Strangers' bytes are read in limited workers, where `scanner` does the work.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.engines.merging import ENGINE, merged_reports
from jupyter_modelguard.engines.several import scan_targets
from jupyter_modelguard.engines.targets import find_targets
from jupyter_modelguard.types import Coverage, ScanReport

if TYPE_CHECKING:
    from jupyter_modelguard.types import GlobalUse

__all__ = ["scan", "scan_each"]


def scan(
    target: str | os.PathLike[str], *, jobs: int | None = None, timeout: float | None = None, second_opinion: bool = False
) -> ScanReport:
    """Scan a file, or all files of a folder as one; see `scan_each`.

    Returns
    -------
    ScanReport
        Of a folder, what all its files hold together: findings say in which.
    """
    reports = scan_each(target, jobs=jobs, timeout=timeout, second_opinion=second_opinion)
    if len(reports) == 1:
        return reports[0]
    return merged_reports(os.fspath(target), "folder", reports, sum(report.size for report in reports))


def scan_each(
    target: str | os.PathLike[str], *, jobs: int | None = None, timeout: float | None = None, second_opinion: bool = False
) -> tuple[ScanReport, ...]:
    """Scan a file, or all files of a folder.

    Parameters
    ----------
    target
        A path or a pattern (`models/**/*.pt`). A folder whose configuration names Python code of its own is reported as one target
        first. Of the cache of Hugging Face, or one repository in it, the files of each commit are named "hf:org/name@commit/file".
    jobs
        How many files at once, in a process each.
    timeout
        Seconds that one file may take; a minute by default.
    second_opinion
        Whether picklescan and modelaudit-picklescan are asked too where they are installed, and of a model's own code semgrep and the
        programs that `analysers.toml` names. What they say lowers nothing.

    Returns
    -------
    tuple of ScanReport
        One a file; of a folder without any files one that says so.

    Raises
    ------
    ScanError
        If there is nothing to scan at that path.
    """
    if second_opinion:
        _say_who_is_absent()
    found = scan_targets(find_targets(target), jobs=jobs, seconds=timeout, opinions=second_opinion)
    reports = tuple(report for one in found for report in one.files or (one.report,))
    path = os.path.abspath(os.path.expanduser(os.fspath(target)))  # noqa: PTH100, PTH111 as in targets
    nothing = ScanReport(path, "folder", coverage=Coverage(0, 0), engines=(ENGINE,))
    return tuple(map(_resolved_here, reports)) or (nothing,)


def _say_who_is_absent() -> None:
    import warnings

    from jupyter_modelguard.engines.second_opinions import absent_scanners

    absent = absent_scanners()
    if absent:
        warnings.warn(absent, stacklevel=4)


def _resolved_here(report: ScanReport) -> ScanReport:
    """Say of what a file takes from `__main__` whether this notebook or script has it: the worker knows neither."""
    if all(use.name.module != "__main__" for use in report.globals):
        return report
    return replace(report, globals=tuple(_with_origin(use) if use.name.module == "__main__" else use for use in report.globals))


def _with_origin(use: GlobalUse) -> GlobalUse:
    namespace: Any = object.__getattribute__(sys.modules["__main__"], "__dict__")
    here = use.name.name.partition(".")[0] in namespace
    return replace(use, origin="this notebook" if here else "a notebook or script that defines it; this one does not")
