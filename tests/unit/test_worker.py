"""The limited process: what stops it is not inspected, and the next task works."""

from __future__ import annotations

import hashlib
import os
import pickle
import signal
import struct
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from jupyter_modelguard.artifacts.source import StreamSource
from jupyter_modelguard.engines import worker as worker_module
from jupyter_modelguard.engines.starting import starting
from jupyter_modelguard.engines.worker import Worker
from jupyter_modelguard.policy.evaluate import evaluate
from jupyter_modelguard.types import CodeFile, Explanation, RiskLevel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLAIN = StreamSource(data=pickle.dumps([1, 2]))
TUPLE_BOMB = b"\x80\x02})" + b"2\x86" * 40 + b"Ns."  # a tuple of tuples of tuples whose hash takes 2**40 steps
DEEP_KEY = b"\x80\x02})" + b"\x85" * 300_000 + b"Ns."  # a key whose hash runs out of C stack
HUGE_PAYLOAD = b"\x80\x05\x96" + struct.pack("<Q", 1 << 45) + b"."


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker(seconds=20)
    yield made
    made.close()


def works(worker: Worker) -> bool:
    return evaluate(worker.trace(PLAIN, "pickle").report).level is RiskLevel.DATA_ONLY


def test_nothing_starts_before_the_first_task() -> None:
    assert Worker()._pool is None


@pytest.mark.parametrize("bomb", [DEEP_KEY, HUGE_PAYLOAD], ids=["deep key", "huge payload"])
def test_bomb_is_not_inspected_and_the_next_task_works(bomb: bytes, worker: Worker) -> None:
    found = worker.trace(StreamSource(data=bomb), "pickle")
    assert evaluate(found.report).level is RiskLevel.UNINSPECTED
    assert found.copy is None
    assert works(worker)


def code(content: bytes) -> tuple[CodeFile, ...]:
    return (CodeFile("modeling_acme.py", hashlib.sha256(content).hexdigest(), content),)


def test_code_is_read_there(worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "flash_attn_extras.py").write_text("open('canary', 'w')")
    monkeypatch.chdir(tmp_path)
    report = worker.scan_code("folder", code(b"import os\nimport flash_attn_extras\nos.system('true')\n"), beside=("fast.so",))
    assert evaluate(report).level is RiskLevel.DANGEROUS
    assert {one.rule for one in report.findings} == {"remote-code", "code-process", "code-beside", "code-planted-module"}
    assert not (tmp_path / "canary").exists()


def test_code_that_takes_too_long_to_read_is_asked_about_as_not_inspected(worker: Worker) -> None:
    assert works(worker)
    allowed, worker._seconds = worker._seconds, 1
    report = worker.scan_code("folder", code(b"x = 1, 2, 3\n" * 3_000_000))
    assert evaluate(report).level is RiskLevel.UNINSPECTED
    assert [one.rule for one in report.findings] == ["remote-code"]
    assert report.digest
    assert "seconds" in report.coverage.missed[0]
    worker._seconds = allowed
    assert not worker.scan_code("folder", code(b"x = 1\n")).coverage.missed


def test_task_that_takes_too_long_is_not_inspected(worker: Worker) -> None:
    assert works(worker)  # the process is there: only the task is timed
    allowed, worker._seconds = worker._seconds, 2
    found = worker.trace(StreamSource(data=TUPLE_BOMB), "pickle")
    assert evaluate(found.report).level is RiskLevel.UNINSPECTED
    assert "seconds" in found.report.coverage.missed[0]
    worker._seconds = allowed
    assert works(worker)


def test_memory_is_limited() -> None:
    worker = Worker(seconds=30, memory=256 << 20)
    try:
        found = worker.trace(StreamSource(data=b"\x80\x04(" + b"\x8f" * 5_000_000), "pickle")  # empty sets: a gigabyte
        assert evaluate(found.report).level is RiskLevel.UNINSPECTED
        assert works(worker)
    finally:
        worker.close()


PLANTED = """
import sys
sys.path.remove("")
import contextlib, loky, pickle
from jupyter_modelguard.artifacts.source import StreamSource
from jupyter_modelguard.engines import worker
if sys.argv[1] == "plainly":
    worker.starting = contextlib.nullcontext
sys.path.insert(0, "")  # as IPython has it
print(worker.Worker().trace(StreamSource(data=pickle.dumps(1)), "pickle").report.coverage.missed)
"""


def test_planted_modules_are_not_imported(tmp_path: Path) -> None:
    """Neither by the process that reads nor by those that take back its locks: Python would look in the notebook's folder first."""
    import subprocess

    planted = tmp_path / "planted"
    planted.mkdir()

    def imported(how: str, *names: str) -> set[str]:
        for name in names:
            (planted / f"{name}.py").write_text(f"open({str(tmp_path)!r} + '/' + __name__, 'w').close()\nraise ImportError\n")
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(worker_module.__file__))))
        command = [sys.executable, "-c", PLANTED, how]
        subprocess.run(command, cwd=planted, env={**os.environ, "PYTHONPATH": root}, capture_output=True, check=True, timeout=60)
        deadline = time.monotonic() + 10  # what takes back the locks may still be starting
        while not (found := {path.name for path in tmp_path.iterdir()} & set(names)):
            if how == "held" or time.monotonic() > deadline:
                break
            time.sleep(0.05)
        for name in names:
            (planted / f"{name}.py").unlink()
            (tmp_path / name).unlink(missing_ok=True)
        return found

    assert imported("held", "signal", "loky", "jupyter_modelguard", "cloudpickle", "pickletools", "psutil", "argparse") == set()
    for name in ("signal", "loky", "jupyter_modelguard"):
        assert imported("plainly", name) == {name}


def test_processes_that_are_started_at_once_leave_the_environment_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    from loky.backend import resource_tracker

    begun: list[threading.Thread] = []
    another = threading.Event()

    def ensured() -> None:
        begun.append(threading.current_thread())
        if len(begun) == 1:
            another.wait(0.5)  # for a second thread that comes in between, if it can
        else:
            another.set()
            begun[0].join(10)

    def start() -> None:
        with starting():
            pass

    monkeypatch.setattr(resource_tracker, "ensure_running", ensured)
    before = dict(os.environ)
    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(begun) == 2
    assert dict(os.environ) == before


def test_main_of_the_user_is_not_imported(tmp_path: Path) -> None:
    import subprocess

    script = tmp_path / "script.py"
    script.write_text(
        "import os, pickle\n"
        f"open({str(tmp_path / 'runs')!r}, 'a').write('x')\n"
        "from jupyter_modelguard.artifacts.source import StreamSource\n"
        "from jupyter_modelguard.engines.worker import Worker\n"
        "worker = Worker()\n"
        "print(worker.trace(StreamSource(data=pickle.dumps(1)), 'pickle').report.coverage.missed)\n"
    )
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(worker_module.__file__))))
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert done.stdout.strip() == "()", done.stderr
    assert (tmp_path / "runs").read_text() == "x"


def test_interrupt_while_waiting_leaves_it_usable(worker: Worker) -> None:
    plain = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background
    assert works(worker)
    # a real signal, as a click on Stop sends it: one that is only noted would not end the wait before its time
    timer = threading.Timer(1.0, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        worker.trace(StreamSource(data=TUPLE_BOMB), "pickle")
    timer.join()
    signal.signal(signal.SIGINT, plain)
    assert works(worker)


def test_threads_take_turns(worker: Worker) -> None:
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(works(worker))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 8


def test_closed_worker_starts_again(worker: Worker) -> None:
    assert works(worker)
    worker.close()
    assert works(worker)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_forked_child_has_a_worker_of_its_own(worker: Worker) -> None:
    assert works(worker)
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if works(worker) else 1)
        finally:
            os._exit(2)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert works(worker)


def test_explanation_shows_the_call(worker: Worker) -> None:
    pytest.importorskip("fickling")
    data = b"\x80\x04cos\nsystem\n(X\x02\x00\x00\x00idtR."
    explanation = worker.explain(worker.trace(StreamSource(data=data), "pickle"), "pickle")
    heading, _, rows = explanation.listings[0]
    assert heading == "Rebuilt from the pickle, not run"
    assert any("system('id')" in line and flagged for _, line, flagged in rows)
    assert [(step.position, step.opcode) for step in explanation.steps if step.flagged] == [(2, "GLOBAL"), (22, "REDUCE")]
    assert [step.opcode for step in explanation.steps][-2:] == ["REDUCE", "STOP"]


def test_explanation_of_what_could_not_be_read_is_empty(worker: Worker) -> None:
    assert worker.explain(worker.trace(StreamSource(data=b"\x80"), "pickle"), "pickle") == Explanation()


def test_missing_file_is_not_inspected(worker: Worker, tmp_path: Path) -> None:
    found = worker.trace(StreamSource(path=str(tmp_path / "missing")), "pickle")
    assert evaluate(found.report).level is RiskLevel.UNINSPECTED
