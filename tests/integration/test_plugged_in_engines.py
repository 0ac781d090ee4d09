"""Other packages bring engines through an entry point: theirs are asked in the worker like ours, and a broken one is in nobody's way."""

import pickle

import pytest

from jupyter_modelguard.engines import registry
from jupyter_modelguard.engines.worker import Worker
from jupyter_modelguard.ipython import doctor
from jupyter_modelguard.policy.evaluate import evaluate
from jupyter_modelguard.testing import FakeEngine, scanned_by
from jupyter_modelguard.testing.fake_engine import MAGIC
from jupyter_modelguard.types import RiskLevel

GOOD = "from jupyter_modelguard.testing import FakeEngine\nENGINE = FakeEngine()\n"
AT_WORK = """
import os, sys, time

class Engine:
    name = "acme 1"

    def takes(self, content):
        return content.head.startswith(b"FAKE")

    def scan(self, content, scanner):
        {act}

ENGINE = Engine()
"""


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder that counts as a place where libraries are installed, here and in the worker."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


@pytest.fixture
def worker():
    made = Worker(seconds=20)
    yield made
    made.close()


@pytest.fixture
def fake(tmp_path):
    path = tmp_path / "model.fake"
    path.write_bytes(MAGIC + b"os.system")
    return str(path)


@pytest.fixture
def plain(tmp_path):
    path = tmp_path / "plain.pkl"
    path.write_bytes(pickle.dumps([1]))
    return str(path)


def install(folder, name, source):
    (folder / f"{name}.py").write_text(source)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{registry.GROUP}]\n{name} = {name}:ENGINE\n")


def test_engine_of_another_package_is_asked_in_the_worker(site, worker, fake):
    assert evaluate(worker.scan(fake)).level is RiskLevel.UNINSPECTED
    worker.close()
    install(site, "acme_engine", GOOD)
    found = Worker(seconds=20)
    try:
        report = found.scan(fake)
    finally:
        found.close()
    assert (report.format, report.engines) == ("fake", ("fake 1",))
    assert evaluate(report).level is RiskLevel.DANGEROUS


def test_fake_engine_tells_what_it_saw():
    engine = FakeEngine()
    report = scanned_by(engine, MAGIC + b"acme.build")
    assert [str(use.name) for use in report.globals] == ["acme.build"]
    assert engine.seen == [""]
    assert evaluate(scanned_by(engine, b"other")).level is RiskLevel.UNINSPECTED


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("raise RuntimeError('no engine today')", "no engine today"),
        ("ENGINE = 1", "broken_engine"),
        ("raise SystemExit(3)", "SystemExit"),
        (GOOD.replace("FakeEngine()", "FakeEngine('zip 9')"), "there is an engine zip already"),
        ("import os\nos._exit(3)", "stopped"),
    ],
    ids=["raises", "no engine", "exits", "same name", "dies"],
)
def test_broken_engine_is_named_and_in_nobodys_way(source, why, site, worker, plain):
    install(site, "broken_engine", source)
    assert evaluate(worker.scan(plain)).level is RiskLevel.DATA_ONLY
    assert why in " ".join(f"{name}: {said}" for name, said in worker.broken_engines().items())


def test_broken_engine_is_named_by_the_doctor(site):
    install(site, "broken_engine", "raise RuntimeError('no engine today')")
    line = doctor._engines()
    assert not line.well
    assert "broken_engine (RuntimeError: no engine today)" in line.text


def test_engine_that_never_ends_to_import_is_left_out(site, plain, monkeypatch):
    install(site, "broken_engine", "import time\ntime.sleep(600)")
    monkeypatch.setattr("jupyter_modelguard.engines.worker._SECONDS_TO_IMPORT", 1.5)
    worker = Worker()
    try:
        assert evaluate(worker.scan(plain)).level is RiskLevel.DATA_ONLY
        assert "longer than" in next(iter(worker.broken_engines().values()))
    finally:
        worker.close()


@pytest.mark.parametrize(
    "act",
    ["raise SystemExit(0)", "os._exit(0)", "raise KeyboardInterrupt", "time.sleep(600)"],
    ids=["exits", "dies", "interrupts", "hangs"],
)
def test_what_an_engine_does_to_itself_costs_that_file_alone(act, site, worker, fake, plain):
    install(site, "acme_engine", AT_WORK.format(act=act))
    assert evaluate(worker.scan(plain)).level is RiskLevel.DATA_ONLY
    assert evaluate(worker.scan(fake, seconds=1.5)).level is RiskLevel.UNINSPECTED
    assert evaluate(worker.scan(plain)).level is RiskLevel.DATA_ONLY


def test_two_engines_of_one_name_are_one(site, worker, fake):
    install(site, "acme_engine", GOOD)
    install(site, "other_engine", GOOD)
    report = worker.scan(fake)
    assert report.engines == ("fake 1",)
    assert len(worker.broken_engines()) == 1
