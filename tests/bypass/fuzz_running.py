"""Make files, scan each and load what was called harmless for real, in forked children that may be lost."""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import resource
import shutil
import signal
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

import fuzz_canary
import fuzz_loading
import fuzz_samples
from fuzz_changing import changed
from fuzz_containers import packed
from fuzz_pickles import program

from jupyter_modelguard.engines.byte_ranges import DATA, INSPECTED, MISSED
from jupyter_modelguard.engines.scanner import scan_file
from jupyter_modelguard.engines.worker import Worker
from jupyter_modelguard.policy.evaluate import evaluate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_modelguard.types import ScanReport

__all__ = ["Found", "Fuzzing", "wrong_ranges"]

_MEMORY = 4 << 30  # bytes of address space beyond what a child starts with, as the worker has
_SECONDS = 20  # for one scan of a small file
_SLOW = 5.0  # seconds of a scan that are worth a look
_LARGEST = 1 << 20  # bytes of a file that is made


@dataclass(frozen=True, slots=True)
class Found:
    """A file that should not have been judged as it was."""

    what: str
    data: bytes = field(repr=False)


def wrong_ranges(report: ScanReport, size: int) -> str:
    """Say where a report does not have every byte in exactly one range."""
    before = 0
    for one in report.coverage.ranges:
        if one.start != before or one.end <= one.start or one.kind not in (INSPECTED, DATA, MISSED):
            return f"the ranges of a report do not follow each other: {one}"
        before = one.end
    if before != size:
        return f"the ranges of a report end at {before:,} of {size:,} bytes"
    if any(one.kind == MISSED for one in report.coverage.ranges) and not report.coverage.missed:
        return "a missed range without a word"
    return ""


class Fuzzing:
    """Makes and judges files; the same seed makes the same ones.

    Parameters
    ----------
    scan
        Who judges.
    """

    def __init__(self, scan: Callable[[str], ScanReport] = scan_file) -> None:
        self._scan = scan
        fuzz_loading.warm_up()
        self._armed = fuzz_samples.samples(armed=True)
        self._honest = fuzz_samples.samples(armed=False)
        self._folder = tempfile.mkdtemp(prefix="fuzz-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        self._place = mmap.mmap(-1, mmap.PAGESIZE)
        self._worker = Worker(seconds=_SECONDS)
        self.counts: Counter[str] = Counter()
        for data in (*self._armed, *self._honest):  # imports what scans import on demand
            scan(self._write(data))

    def close(self) -> None:
        """Remove what was written."""
        self._worker.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def file(self, seed: str) -> bytes:
        """Make one file."""
        random = Random(seed)
        armed = random.random() < 0.7
        known = self._armed if armed else self._honest
        kind = random.random()
        if kind < 0.3:
            data = program(random, armed=armed)
        elif kind < 0.95:
            data = random.choice(known)
        else:
            data = random.randbytes(random.randrange(200))
        if random.random() < 0.15:
            data = changed(random, data, random.choice(known))
        if random.random() < 0.5:
            data = packed(random, data)
        if random.random() < 0.55:
            data = changed(random, data, random.choice(known))
        return data[:_LARGEST]

    def batch(self, seed: str, size: int) -> list[Found]:
        """Judge a number of files."""
        return self._each([f"{seed}/{place}" for place in range(size)])

    def _each(self, seeds: list[str]) -> list[Found]:
        found: list[Found] = []
        start = 0
        while start < len(seeds):
            for what, place in self._in_child(seeds, start):
                if place < 0:
                    self.counts[what] += 1
                else:
                    found.append(Found(what, self.file(seeds[place])))
            phase, place = self._place[0], int.from_bytes(self._place[1:9], "little")
            if not phase:
                break
            found += self._lost(phase, self.file(seeds[place]))
            start = place + 1
        return found

    def judge(self, data: bytes) -> Iterator[str]:
        """Say what is wrong with the judgement of one file, in this process."""
        path = self._write(data)
        self._place[0] = 1
        fuzz_canary.rest()
        signal.alarm(_SECONDS)
        started = time.process_time()
        try:
            report = self._scan(path)
        except Exception as error:  # noqa: BLE001 no file may do that
            yield f"a scan raises {type(error).__name__}: {error!s:.80}"
            return
        finally:
            signal.alarm(0)
        if time.process_time() - started > _SLOW:
            yield "a scan of a small file takes long"
        if fuzz_canary.fired():
            yield "a scan runs what it scans"
        if wrong := wrong_ranges(report, len(data)):
            yield wrong
        level = evaluate(report).level
        self.counts[level.value] += 1
        if level.asks:
            return
        self._place[0] = 2
        for loader in fuzz_loading.fired_by(path, self._folder):
            yield f"{level.value}, but runs code: {loader}"
            return

    def alone(self, data: bytes) -> list[str]:
        """Judge one file in a child."""
        found = [what for what, place in self._in_child([""], 0, data) if place >= 0]
        return found + [one.what for one in self._lost(self._place[0], data)] if self._place[0] else found

    def _in_child(self, seeds: list[str], start: int, data: bytes | None = None) -> list[tuple[str, int]]:
        reading, writing = os.pipe()
        self._place[0] = 0
        child = os.fork()
        if child == 0:
            os.close(reading)
            status = 1
            try:
                self._child(seeds, start, writing, data)
                status = 0
            finally:
                os._exit(status)
        os.close(writing)
        with open(reading, "rb") as pipe:
            lines = pipe.read().splitlines()
        os.waitpid(child, 0)
        return [tuple(json.loads(line)) for line in lines]

    def _child(self, seeds: list[str], start: int, writing: int, data: bytes | None) -> None:
        quiet = os.open(os.devnull, os.O_RDWR)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()  # noqa: SIM115
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (used + _MEMORY, used + _MEMORY))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.chdir(self._folder)
        fuzz_loading.forbid(self._folder)

        def tell(what: str, place: int) -> None:
            os.write(writing, json.dumps([what, place]).encode() + b"\n")

        for place in range(start, len(seeds)):
            self._place[0] = 3
            self._place[1:9] = place.to_bytes(8, "little")
            made = self.file(seeds[place]) if data is None else data
            self.counts.clear()
            for what in self.judge(made):
                tell(what, place)
            for level in self.counts:
                tell(level, -1)
        self._place[0] = 0

    def _lost(self, phase: int, data: bytes) -> list[Found]:
        """Look into a child that ended before its time: in a scan, or in a load of what was called harmless."""
        if phase == 2:
            self.counts["lost to a load"] += 1
            return [Found("silent, but starts or writes something", data)] if fuzz_canary.fired() else []
        self.counts["lost to a scan"] += 1
        path = self._write(data)
        found = []
        for _ in range(2):
            report: Any = self._worker.scan(path)
            if evaluate(report).level.value != "uninspected":
                self.counts["lost only in a fork"] += 1
            if wrong := wrong_ranges(report, len(data)):
                found.append(Found(wrong, data))
        after: Any = self._worker.scan(self._write(self._honest[0]))
        if evaluate(after).level.asks:
            found.append(Found("a scan does not work after another one", data))
        return found or [Found("kills its process", data)]

    def _write(self, data: bytes) -> str:
        path = os.path.join(self._folder, "file")
        with open(path, "wb") as file:
            file.write(data)
        return path
