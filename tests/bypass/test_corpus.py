"""Armed samples, each proved to run code in its real loader: a scan calls none of them clean.

`python tests/benchmarks/side_by_side.py` prints what other scanners make of the same files.
"""

import os
import shutil
import sys
import time
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "corpus"))

from armed import WARM, gather  # isort: skip
from make import folder_of  # isort: skip
from plain_loads import PlainLoads  # isort: skip

from jupyter_modelguard.policy.evaluate import evaluate
from jupyter_modelguard.types import Judgement, Severity

pytest.importorskip("torch", reason="many samples are made with torch")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

SAMPLES = gather()
# Of these a scan says that it could not look at all of them, and not what they run.
ONLY_MISSED = {}
WEIGHTY = {Severity.HIGH, Severity.CRITICAL}
OPEN = {Judgement.UNKNOWN, Judgement.DANGEROUS, Judgement.INSPECT}


@pytest.fixture(scope="module")
def plain():
    """Processes without the guard: one for what a notebook imports anyway, one for Keras, which takes long to import."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    started = {}

    def of(sample):
        modules = ("keras",) if "keras" in sample.needs else WARM
        if modules not in started:
            started[modules] = PlainLoads(*modules)
        return started[modules]

    yield of
    for process in started.values():
        process.close()


def seen(canary, seconds=10):
    deadline = time.monotonic() + seconds
    while not canary.exists():
        assert time.monotonic() < deadline, "the sample does not work"
        time.sleep(0.005)


def ranges_are_whole(report):
    place = 0
    for one in report.coverage.ranges:
        assert one.start == place < one.end
        place = one.end
    assert place == report.size


@pytest.mark.parametrize("name", SAMPLES)
def test_armed_sample_is_seen(name, plain, worker, tmp_path):
    sample = SAMPLES[name]
    if missing := sample.missing():
        pytest.skip(f"{missing} is not here")
    folder = folder_of(tmp_path, name)
    folder.mkdir()
    path = sample.write(folder)
    if not name.startswith("published: "):  # those are proved by test_advisories
        plain(sample).run(sample.source, str(folder), path=str(path))
        seen(folder / "canary")
        made = folder / "canary"
        shutil.rmtree(made) if made.is_dir() else made.unlink()
    reports = [
        worker.scan(str(file)) for file in sorted(folder.iterdir()) if file.name.startswith("sample") and file.stat().st_size
    ]
    for report in reports:
        ranges_are_whole(report)
    assert any(evaluate(report).level.asks for report in reports)
    told = any(one.severity in WEIGHTY for report in reports for one in report.findings)
    told = told or any(use.judgement in OPEN for report in reports for use in report.globals)
    assert told == (name not in ONLY_MISSED)
    assert not (folder / "canary").exists()


def test_corpus_is_large_and_nearly_all_of_it_is_told():
    assert len(SAMPLES) >= 120
    assert len({sample.technique for sample in SAMPLES.values()}) >= 20
    assert len(ONLY_MISSED) <= len(SAMPLES) / 50
