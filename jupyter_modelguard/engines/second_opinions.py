"""What other scanners say of a file: picklescan and modelaudit-picklescan, where they are installed and somebody asked for them.

They run in the limited worker, on the same file, and are not heard beyond it: they print nothing, and neither of the functions that are
called here opens a connection (modelaudit-picklescan, unlike modelaudit, has no telemetry). What they say is evidence of low severity: it
lowers nothing, and raises an honest file no further than a note.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.installed import find_file, is_installed, version_of
from jupyter_modelguard.policy.findings import finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_modelguard.types import ScanReport

__all__ = ["absent_scanners", "with_opinions", "without_answer"]

_EXTRA: Final = 'pip install "jupyter-modelguard[second-opinions]"'
_MOST: Final = 3  # reasons that are told
_LONGEST: Final = 160  # characters of a reason
_SECONDS: Final = 20.0  # that a scanner which can be told so may take


def absent_scanners() -> str:
    """Say which of them are not installed; nothing if all are."""
    absent = [name for name in _SCANNERS if not version_of(name)]
    if not absent:
        return ""
    return f"{' and '.join(absent)} {'is' if len(absent) == 1 else 'are'} not installed and cannot be asked: {_EXTRA}"


def with_opinions(report: ScanReport, path: str) -> ScanReport:
    """Ask every scanner that is installed, in this process; which is the limited one."""
    findings, asked = [], []
    for name, (module, ask) in _SCANNERS.items():
        if not _is_there(module):
            continue
        called = f"{name} {version_of(name)}"
        try:
            with _unheard():
                said = ask(path)
        except (Exception, SystemExit) as error:  # noqa: BLE001 a stranger's bytes in another's parser
            said = f"cannot read it: {str(error)[:_LONGEST] or type(error).__name__}"
        asked.append(called)
        if said:
            findings.append(finding("second-opinion", f"{called} {said}"))
    return replace(report, findings=report.findings + tuple(findings), engines=report.engines + tuple(asked))


def without_answer(report: ScanReport, sentence: str) -> ScanReport:
    """Say in a report that the other scanners gave no answer, and why."""
    missing = finding("second-opinion", f"other scanners were asked too, and gave no answer: {sentence}")
    return replace(report, findings=(*report.findings, missing))


def _is_there(module: str) -> bool:
    path = find_file(module)
    return path is not None and is_installed(path)


def _picklescan(path: str) -> str:
    scanner = importlib.import_module("picklescan.scanner")
    found = scanner.scan_file_path(path)
    kinds = (("dangerous", scanner.SafetyLevel.Dangerous), ("suspicious", scanner.SafetyLevel.Suspicious))
    for word, level in kinds:
        names = [f"{one.module}.{one.name}" for one in found.globals if one.safety is level]
        if names and (word == "dangerous" or found.suspicious_count or found.issues_count):
            return f"calls it {word}: {_few(sorted(set(names)))}"
    return "could not read all of it" if found.scan_err else ""


def _modelaudit(path: str) -> str:
    module = importlib.import_module("modelaudit_picklescan")
    found = module.scan_file(path, options=module.ScanOptions(timeout_s=_SECONDS))
    said = [f"{one.severity.value}, {one.message}" for one in found.findings]
    if said or found.verdict in {module.SafetyVerdict.MALICIOUS, module.SafetyVerdict.SUSPICIOUS}:
        return f"calls it {found.verdict.value}: {_few(list(dict.fromkeys(said)))}".rstrip(": ")
    return "could not read all of it" if found.errors else ""


_SCANNERS: Final[dict[str, tuple[str, Callable[[str], str]]]] = {  # by distribution: the module, and how it is asked
    "picklescan": ("picklescan.scanner", _picklescan),
    "modelaudit-picklescan": ("modelaudit_picklescan", _modelaudit),
}


def _few(reasons: list[str]) -> str:
    more = len(reasons) - _MOST
    return "; ".join([*(reason[:_LONGEST] for reason in reasons[:_MOST]), *([f"{more} more"] if more > 0 else [])])


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """Keep what a scanner prints or logs from the notebook, also what compiled code prints."""
    before, kept = logging.root.manager.disable, [os.dup(stream) for stream in (1, 2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    logging.disable(logging.CRITICAL)
    try:
        for stream in (1, 2):
            os.dup2(nowhere, stream)
        with io.StringIO() as kept_back, contextlib.redirect_stdout(kept_back), contextlib.redirect_stderr(kept_back):
            yield
    finally:
        for stream, copy in zip((1, 2), kept, strict=True):
            os.dup2(copy, stream)
            os.close(copy)
        os.close(nowhere)
        logging.disable(before)
