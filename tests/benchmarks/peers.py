"""What other scanners say of files: run by their own Python, with a list of paths as JSON on its input; see `side_by_side.py`.

A verdict is "blocked", "warned", "clean" or "skipped", by each scanner's own words:

picklescan   blocked: dangerous globals; warned: suspicious ones, or an error of the scan
fickling     blocked: LIKELY_UNSAFE and graver; warned: anything above LIKELY_SAFE, or a pickle that it cannot read
modelscan    blocked: issues of severity HIGH and CRITICAL; warned: other issues
modelaudit   blocked: critical issues; warned: warnings
"""

import contextlib
import importlib.metadata
import io
import json
import logging
import os
import sys
import time
import warnings
from pathlib import Path

os.environ.update(PROMPTFOO_DISABLE_TELEMETRY="1", NO_ANALYTICS="1", MODELAUDIT_NO_TELEMETRY="1", DO_NOT_TRACK="1")


def picklescan(path):
    from picklescan.scanner import SafetyLevel, scan_file_path

    result = scan_file_path(str(path))
    if result.issues_count or result.infected_files:
        return "blocked"
    if result.scan_err or any(found.safety is not SafetyLevel.Innocuous for found in result.globals):
        return "warned"
    return "clean" if result.scanned_files else "skipped"


def fickling(path):
    import zipfile

    from fickling.analysis import Severity, check_safety
    from fickling.fickle import StackedPickle

    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            pickles = [archive.read(name) for name in archive.namelist() if name.lower().endswith(".pkl")]
    else:
        pickles = [Path(path).read_bytes()]
    if not pickles:
        return "skipped"
    worst = Severity.LIKELY_SAFE
    for data in pickles:
        try:
            stacked = StackedPickle.load(io.BytesIO(data))
            worst = max([worst, *(check_safety(one).severity for one in stacked)])
        except Exception:  # noqa: BLE001 it raises anything for odd input
            return "warned" if data[:1] == b"\x80" else "skipped"
    return "blocked" if worst >= Severity.LIKELY_UNSAFE else "warned" if worst > Severity.LIKELY_SAFE else "clean"


def modelscan(path, _made=[]):  # noqa: B006 made once
    from modelscan.modelscan import ModelScan

    if not _made:
        _made.append(ModelScan())
    result = _made[0].scan(path)
    counts = result["summary"]["total_issues_by_severity"]
    if counts.get("CRITICAL") or counts.get("HIGH"):
        return "blocked"
    if any(counts.values()):
        return "warned"
    return "clean" if result["summary"]["scanned"]["total_scanned"] else "skipped"


def modelaudit(path):
    from modelaudit.core import scan_model_directory_or_file

    result = scan_model_directory_or_file(str(path), cache_enabled=False)
    severities = {str(getattr(issue.severity, "value", issue.severity)) for issue in result.issues}
    if "critical" in severities:
        return "blocked"
    return "warned" if "warning" in severities else "clean" if result.files_scanned else "skipped"


PEERS = (picklescan, fickling, modelscan, modelaudit)


def main():
    warnings.simplefilter("ignore")
    logging.disable()
    paths = json.load(sys.stdin)
    answers = {}
    for peer in PEERS:
        try:
            version = importlib.metadata.version(peer.__name__)
        except importlib.metadata.PackageNotFoundError:
            continue
        verdicts = []
        started = time.perf_counter()
        for path in paths:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                try:
                    verdicts.append(peer(path))
                except BaseException as error:  # noqa: BLE001 a scanner that fails says nothing of the file
                    verdicts.append(f"skipped: {type(error).__name__}")
        answers[f"{peer.__name__} {version}"] = {"verdicts": verdicts, "seconds": time.perf_counter() - started}
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
