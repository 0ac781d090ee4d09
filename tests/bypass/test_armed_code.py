"""Armed code of models: each sample leaves its canary when it is really loaded, and is told for what it does, at the time it does it."""

import hashlib
import sys
from pathlib import Path

import pytest
from plain_loads import PlainLoads

sys.path.append(str(Path(__file__).resolve().parents[1] / "corpus"))

import armed_disguises  # adds its samples
from armed_code import SAMPLES, WAYS, write
from armed_models import LOADS

from jupyter_modelguard.engines.code import scan_code
from jupyter_modelguard.types import CodeFile

IMPORTED = [name for name, sample in SAMPLES.items() if sample.way in {"import", "package"}]
LOADED = [name for name in SAMPLES if name not in IMPORTED]
MISSED = 0.05  # the share of all samples that may be told wrong


@pytest.fixture(scope="module")
def bare():
    made = PlainLoads()
    yield made
    made.close()


def told(name, folder, sources):
    """Say whether a sample is told for what it is."""
    sample = SAMPLES[name]
    files = tuple(CodeFile(path, hashlib.sha256(content).hexdigest(), content) for path, content in sources.items())
    beside = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()] if sample.beside else ()
    report = scan_code(str(folder), files, beside=beside, folders=(str(folder),) if sample.planted else ())
    assert not report.coverage.missed
    return any(one.rule in sample.rules and one.phase.value == sample.phase for one in report.findings[1:])


@pytest.mark.parametrize("name", IMPORTED)
def test_sample_runs_when_it_is_imported(name, bare, tmp_path):
    write(SAMPLES[name], tmp_path)
    bare.run(WAYS[SAMPLES[name].way], str(tmp_path))
    assert (tmp_path / "canary").exists()


@pytest.mark.torch
def test_samples_run_when_the_real_libraries_load_them(tmp_path):
    """One process for all: importing what a load needs takes seconds."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    ways = {}
    for number, name in enumerate(LOADED):
        write(SAMPLES[name], tmp_path / str(number))
        ways[str(tmp_path / str(number))] = WAYS[SAMPLES[name].way]
    server = PlainLoads()
    server.run(LOADS, str(tmp_path), seconds=120, ways=ways)
    server.close()
    assert [name for number, name in enumerate(LOADED) if not (tmp_path / str(number) / "canary").exists()] == []


def test_samples_are_told_for_what_they_do_and_when(tmp_path):
    assert set(armed_disguises.NAMES) < set(SAMPLES)
    assert len(SAMPLES) >= 50
    sources = {name: write(SAMPLES[name], tmp_path / str(number)) for number, name in enumerate(SAMPLES)}
    wrong = [name for number, name in enumerate(SAMPLES) if not told(name, tmp_path / str(number), sources[name])]
    assert len(wrong) <= MISSED * len(SAMPLES), wrong
