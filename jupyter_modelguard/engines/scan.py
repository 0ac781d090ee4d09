"""Say what a file or folder would do when it is loaded, judged by its content and never by its name.

Strangers' bytes are read in the limited worker, where `file_scan` does the work.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_modelguard.artifacts.code_tree import auto_map_modules, collect_code
from jupyter_modelguard.engines.merging import ENGINE, merged_reports, missed_report
from jupyter_modelguard.errors import ScanError
from jupyter_modelguard.types import Coverage, ScanReport

if TYPE_CHECKING:
    from jupyter_modelguard.engines.worker import Worker

__all__ = ["scan", "scan_each"]

_MOST_FILES = 2_000  # of a folder
_LARGEST_SOURCE = 100 << 20  # bytes of a code or configuration file

_worker: Worker | None = None


def scan(target: str | os.PathLike[str]) -> ScanReport:
    """Scan a file, or all files of a folder as one; see `scan_each`.

    Returns
    -------
    ScanReport
        Of a folder, what all its files hold together: findings say in which.
    """
    reports = scan_each(target)
    if len(reports) == 1:
        return reports[0]
    return merged_reports(os.fspath(target), "folder", reports, sum(report.size for report in reports))


def scan_each(target: str | os.PathLike[str]) -> tuple[ScanReport, ...]:
    """Scan a file, or all files of a folder.

    Parameters
    ----------
    target
        A path. A folder whose configuration names Python code of its own is reported as one target first.

    Returns
    -------
    tuple of ScanReport
        One a file; of a folder without any files one that says so.

    Raises
    ------
    ScanError
        If there is nothing to scan at that path.
    """
    global _worker  # noqa: PLW0603 one process for all scans
    path = Path(target).expanduser().absolute()
    if not path.exists():
        raise ScanError(f"{target} does not exist. Give the path of a model file or of a folder with model files.")
    if _worker is None:
        from jupyter_modelguard.engines.worker import Worker

        _worker = Worker()
    if path.is_dir():
        return _scan_folder(str(path), _worker)
    if not path.is_file():
        raise ScanError(f"{target} is not a regular file. Copy what it holds to a file and scan that.")
    if not os.access(path, os.R_OK):
        raise ScanError(f"{target} cannot be read by this user. Change its permissions or scan a copy.")
    return (_worker.scan(str(path)),)


def _scan_folder(folder: str, worker: Worker) -> tuple[ScanReport, ...]:
    reports: list[ScanReport] = []
    seen = 0
    for root, folders, names in os.walk(folder):
        folders.sort()
        reports += _remote_code(root)
        for name in sorted(names):
            path = Path(root, name)
            if not path.is_file():
                continue
            seen += 1
            if seen > _MOST_FILES:
                sentence = f"more than {_MOST_FILES:,} files: the rest was not looked at"
                return (*reports, missed_report(folder, "folder", 0, sentence))
            reports.append(worker.scan(str(path)))
    return tuple(reports) or (ScanReport(folder, "folder", coverage=Coverage(0, 0), engines=(ENGINE,)),)


def _remote_code(folder: str) -> tuple[ScanReport, ...]:
    """Report the Python files that a repository's configuration would have executed."""
    from jupyter_modelguard.engines.code import scan_code

    def read(name: str) -> bytes | None:
        path = Path(folder, name).resolve()
        if not path.is_relative_to(Path(folder).resolve()) or not path.is_file():
            return None
        with path.open("rb") as file:
            return file.read(_LARGEST_SOURCE)

    entries = auto_map_modules(read)
    return (scan_code(folder, collect_code(entries, read)),) if entries else ()
