"""No file makes a scan raise, hang, run something, forget a byte or call harmless what a loader runs code of.

The same files in every run; `python tests/bypass/fuzz.py --minutes 60 --seed 7` looks further.
"""

import os
import pickle
import random
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_modelguard.artifacts.source import StreamSource
from jupyter_modelguard.engines.byte_ranges import DATA, INSPECTED, MISSED, complete, joined
from jupyter_modelguard.engines.scanner import scan_file
from jupyter_modelguard.engines.weights import plan_weights
from jupyter_modelguard.engines.weights_file import write_weights
from jupyter_modelguard.errors import ScanError
from jupyter_modelguard.types import ByteRange, Coverage, ScanReport

import fuzz_containers  # isort: skip
import fuzz_samples  # isort: skip
from fuzz_changing import changed  # isort: skip
from fuzz_pickles import program  # isort: skip
from fuzz_running import wrong_ranges  # isort: skip

pytest.importorskip("numpy", reason="most files are its own, or of libraries that need it")
hypothesis = pytest.importorskip("hypothesis", reason="hypothesis is not installed")
given, st = hypothesis.given, hypothesis.strategies
pytestmark = [
    pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="the forked processes are limited by what Linux tells"),
    pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning"),
]

FUZZ = Path(__file__).with_name("fuzz.py")


def examples(count):
    """As many examples, the same in every run."""
    checks = list(hypothesis.HealthCheck)
    return hypothesis.settings(max_examples=count, derandomize=True, database=None, deadline=None, suppress_health_check=checks)


@pytest.fixture
def limited():
    """A gigabyte more than there is: some files ask for much."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 30), hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def fuzz(folder, *options):
    command = [sys.executable, "-W", "ignore", str(FUZZ), "--folder", str(folder), *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=280)


def test_nothing_is_found(tmp_path):
    ended = fuzz(tmp_path, "--files", "200")

    assert ended.returncode == 0, ended.stdout + ended.stderr
    for level in ("data_only", "runs_code", "uninspected"):
        count = re.search(rf"{level}: (\d+)", ended.stdout)
        assert count, ended.stdout
        assert int(count[1]) >= 15


def test_armed_files_are_found_where_nobody_looks(tmp_path):
    """Which shows that the canaries live, in every loader."""
    ended = fuzz(tmp_path, "--files", "300", "--blind", "--shrink", "0")

    assert ended.returncode == 1, ended.stdout + ended.stderr
    for loader in ("pickle", "torch", "numpy", "joblib", "inside gzip", "inside zipfile", "inside tarfile", "inside zlib"):
        assert re.search(rf"FOUND data_only, but runs code: .*{loader}", ended.stdout), f"{loader}: {ended.stdout}"


@examples(100)
@given(st.binary(max_size=200))
def test_any_bytes_are_scanned_and_accounted_for(tmp_path, limited, data):
    path = tmp_path / "file"
    path.write_bytes(data)
    assert wrong_ranges(scan_file(str(path)), len(data)) == ""


@examples(80)
@given(st.integers(0, 1 << 60))
def test_changed_files_are_scanned_and_accounted_for(tmp_path, limited, seed):
    chance = random.Random(seed)
    known = fuzz_samples.samples(armed=True)
    data = program(chance, armed=True) if chance.random() < 0.5 else chance.choice(known)
    data = changed(chance, fuzz_containers.packed(chance, data), chance.choice(known))
    path = tmp_path / "file"
    path.write_bytes(data)
    assert wrong_ranges(scan_file(str(path)), len(data)) == ""


RANGES = st.builds(ByteRange, st.integers(0, 30), st.integers(0, 30), st.sampled_from([INSPECTED, DATA, MISSED]))


@examples(200)
@given(st.lists(RANGES, max_size=8), st.integers(1, 25))
def test_every_byte_is_in_one_range_and_the_most_careful_word_counts(ranges, size):
    rank = [MISSED, INSPECTED, DATA]
    for one in joined(ranges):
        for place in range(one.start, one.end):
            said = [other.kind for other in ranges if other.start <= place < other.end]
            assert one.kind == min(said, key=rank.index)
    report = complete(ScanReport("file", "made up", coverage=Coverage(ranges=tuple(ranges))), size)
    known = {place for one in ranges for place in range(one.start, one.end)} if ranges else set(range(size))
    assert bool(report.coverage.missed) == bool(set(range(size)) - known)
    if all(one.kind != MISSED for one in ranges):
        assert wrong_ranges(report, size) == ""


@examples(100)
@given(st.integers(0, 1 << 60))
def test_weights_of_changed_files_are_taken_or_refused_in_words(tmp_path, limited, seed):
    chance = random.Random(seed)
    known = fuzz_samples.samples(armed=chance.random() < 0.5)
    path, spool, out = tmp_path / "file", tmp_path / "numbers", tmp_path / "out.safetensors"
    for old in (spool, out):
        old.unlink(missing_ok=True)
    path.write_bytes(changed(chance, chance.choice(known), chance.choice(known)))
    refused = ""
    try:
        plan = plan_weights(StreamSource(str(path)), str(spool))
        pickle.dumps(plan)  # it is sent to another process
        write_weights(plan, str(path), out, str(spool) if spool.exists() else os.devnull)
    except ScanError as error:
        refused = str(error)
    assert "\n" not in refused
    assert bool(refused) != out.exists()
