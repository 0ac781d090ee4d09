"""Many streams in one forked child: compose, judge, load what is silent, and tell what it did.

A child is cheap to lose. Where it is, it writes into shared memory first, so that a stream which crashes or hangs its load is known.
"""

from __future__ import annotations

import contextlib
import gc
import json
import mmap
import os
import re
import resource
import signal
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import search_judging
import search_opcodes
from search_composing import Composer
from search_mutating import mutate
from search_readers import C_READERS, end_of_c_file, readers, wrap

if TYPE_CHECKING:
    from collections.abc import Callable

    from search_alphabet import Alphabet
    from search_judging import Judged
    from search_readers import Reader
    from search_snapshots import Snapshot
    from search_watching import Watch

__all__ = ["Batches", "Finding", "Outcome", "warm_up"]

_MEMORY = 2 << 30  # bytes of address space beyond what a child starts with
_SECONDS_TO_JUDGE, _SECONDS_TO_LOAD = 30, 10
_FAILED, _NO_MEMORY = 3, 4  # how a child ends that could not do its work
_NUMBER = re.compile(r"0x[0-9a-f]+|\d+")


@dataclass(frozen=True, slots=True)
class Finding:
    """A silent stream that did more than data does."""

    what: str
    reader: str
    dialect: str
    stream: bytes
    tokens: list[bytes] = field(default_factory=list)

    @property
    def key(self) -> str:
        """What makes two findings the same."""
        what = self.what.partition(" (")[0] if "audit event" in self.what else self.what
        return _NUMBER.sub("#", what)


@dataclass(slots=True)
class Outcome:
    """What came of a batch."""

    counts: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    silent: list[tuple[str, list[bytes]]] = field(default_factory=list)  # dialect and tokens
    loaded: list[tuple[str, bytes, list[bytes]]] = field(
        default_factory=list
    )  # dialect, stream and tokens; where something was changed
    changes: list[str] = field(default_factory=list)


class Batches:
    """Runs batches.

    Parameters
    ----------
    alphabet, watch, snapshot
        What to compose of, who watches a load, and what must stay as it is.
    """

    def __init__(self, alphabet: Alphabet, watch: Watch, snapshot: Snapshot, show: Callable[[Any], Any] | None) -> None:
        self._alphabets = {storages: alphabet.for_reader(storages=storages) for storages in (False, True)}
        self._watch = watch
        self._snapshot = snapshot
        self._show = show
        self._where = mmap.mmap(-1, 1 << 22)
        self._dialects = [dialect for dialect in ("pickle", "joblib", "torch") if alphabet.honest.get(dialect)]
        snapshot.ignore(self._in_child(lambda: Outcome(changes=snapshot.changes())).changes)
        self._readers = {dialect: readers(dialect) for dialect in self._dialects}

    def compose(self, seed: int, size: int, pool: dict[str, list[list[bytes]]]) -> Outcome:
        """Compose, judge and load a number of streams."""

        def work() -> Outcome:
            outcome = Outcome()
            self._snapshot.settle()
            for place in range(size):
                random = Random(f"{seed}/{place}")
                dialect = self._dialects[0] if random.random() < 0.8 else random.choice(self._dialects)
                tokens = self._tokens(random, dialect, pool)
                stream = wrap(search_opcodes.dress(tokens, random, alone=dialect == "pickle"), dialect)
                if self._try(stream, dialect, tokens, outcome, random) and len(tokens) < 150 and random.random() < 0.3:
                    outcome.silent.append((dialect, tokens))
            outcome.changes = self._snapshot.changes()
            if not outcome.changes:
                outcome.loaded.clear()
            return outcome

        return self._in_child(work)

    def alone(self, stream: bytes, dialect: str, tokens: list[bytes]) -> Outcome:
        """Judge and load one stream, and look for what it changed."""

        def work() -> Outcome:
            outcome = Outcome()
            self._snapshot.settle()
            self._try(stream, dialect, tokens, outcome, Random(0))
            changes = self._snapshot.changes() if outcome.loaded else []
            outcome.findings += [Finding(what, "", dialect, stream, tokens) for what in changes]
            return outcome

        return self._in_child(work)

    def _tokens(self, random: Random, dialect: str, pool: dict[str, list[list[bytes]]]) -> list[bytes]:
        wildness = random.choice([0.0, 0.0, 0.0, 0.02, 0.1])
        alphabet = self._alphabets[dialect == "torch"]
        composer = Composer(alphabet, random, wildness, storages=dialect == "torch")
        if random.random() < 0.4:
            return composer.program()
        known = pool.get(dialect, [])
        start = random.choice(known if known and random.random() < 0.5 else alphabet.honest[dialect])
        other = random.choice(alphabet.honest[dialect] if random.random() < 0.5 or not known else known)
        return mutate(start, other, composer, alphabet, random)

    def _try(self, stream: bytes, dialect: str, tokens: list[bytes], outcome: Outcome, random: Random) -> bool:
        """Judge a stream, and load it with every reader if a load would not be asked about; tell whether it was silent."""
        self._mark("judge", "", dialect, stream, tokens)
        signal.alarm(_SECONDS_TO_JUDGE)
        try:
            judged = search_judging.judge(stream, dialect)
        except Exception as error:  # noqa: BLE001 no stream may do that
            outcome.findings.append(
                Finding(f"the judgement raises {type(error).__name__}: {error!s:.80}", "", dialect, stream, tokens)
            )
            return False
        finally:
            signal.alarm(0)
        outcome.counts["streams"] += 1
        outcome.counts[judged.level] += 1
        if judged.silent:
            outcome.counts["silent"] += 1
            outcome.counts["silent with globals"] += bool(judged.trace.names)
        elif not judged.given_up:
            return False
        outcome.loaded.append((dialect, stream, tokens))
        for name, reader in self._readers[dialect].items():
            # What is given up is not loaded at all; whether the trace is right in that is for the reader it was traced with.
            if name in C_READERS or judged.silent:
                self._mark("load", name, dialect, stream, tokens)
                signal.alarm(_SECONDS_TO_LOAD)
                wrong = self._load(name, reader, stream, judged, outcome, shows=random.random() < 0.3)
                signal.alarm(0)
                outcome.findings += [Finding(what, name, dialect, stream, tokens) for what in wrong]
        return judged.silent

    def _load(self, name: str, reader: Reader, stream: bytes, judged: Judged, outcome: Outcome, *, shows: bool) -> list[str]:
        """Load with one reader, and say what was wrong."""
        seen, value = self._watch.load(reader, stream, judged, direct=name in C_READERS)
        outcome.counts["loads"] += 1
        outcome.counts["loads to the end"] += not seen.error
        if judged.given_up:
            return [] if seen.error else ["a stream was read to its end that the trace gives up"]
        wrong = seen.wrong
        if name in C_READERS and not seen.error:
            copy = judged.trace.copy
            if {*seen.names} != judged.trace.names and ("torch.storage", "_load_from_bytes") not in judged.trace.names:
                wrong.append("the trace names globals that were not resolved")
            elif name == "c_file" and copy is not None and copy.length != end_of_c_file():
                wrong.append("the trace ends elsewhere than the load")
        if name == "c" and not seen.error and self._show is not None and shows:
            outcome.counts["shown"] += 1
            self._where.seek(8 + 2)
            self._where.write(b"show")  # in place of "load"
            wrong += [f"when shown: {sentence}" for sentence in self._watch.show(value, self._show).wrong]
        return wrong

    def _mark(self, phase: str, reader: str, dialect: str, stream: bytes, tokens: list[bytes]) -> None:
        content = json.dumps([phase, reader, dialect, stream.hex(), [token.hex() for token in tokens]]).encode()
        self._where.seek(0)
        self._where.write(len(content).to_bytes(8, "little") + content)

    def _in_child(self, work: Callable[[], Outcome]) -> Outcome:
        reading, writing = os.pipe()
        self._where.seek(0)
        self._where.write(bytes(8))
        child = os.fork()
        if child == 0:
            os.close(reading)
            _run(work, writing)
        os.close(writing)
        with open(reading, "rb") as pipe:
            content = pipe.read()
        _, status = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(status) == _FAILED:
            raise RuntimeError(content.decode())
        return _unpack(content) if content and not status else self._lost(status)

    def _lost(self, status: int) -> Outcome:
        """Say where a child was when it ended before its time."""
        outcome = Outcome()
        self._where.seek(0)
        length = int.from_bytes(self._where.read(8), "little")
        if not length:
            raise RuntimeError(f"a child ended with status {status} before it began")
        phase, reader, dialect, stream, tokens = json.loads(self._where.read(length))
        outcome.counts[f"lost to {phase}"] += 1
        if (
            phase != "load"
        ):  # a worker that is lost has inspected nothing; and what native code does with the value later is not vouched for
            return outcome
        how = "hangs" if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM else f"crashes with status {status}"
        outcome.findings.append(
            Finding(f"{phase} {how}", reader, dialect, bytes.fromhex(stream), [bytes.fromhex(one) for one in tokens])
        )
        return outcome


def warm_up(alphabet: Alphabet) -> None:
    """Load the honest pickles, so that what libraries import on demand is there before anything is watched."""
    Random("text")  # from Python 3.13 on the first text of a process imports what hashes it
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for dialect, honest in alphabet.honest.items():
            for tokens in honest:
                stream = wrap(b"\x80\x03" + b"".join(tokens) + b".", dialect)
                for reader in readers(dialect).values():
                    with contextlib.suppress(Exception):  # some want another spelling
                        reader(stream)


def _run(work: Callable[[], Outcome], writing: int) -> None:
    """Do a child's work and end the child."""
    status = _FAILED
    try:
        quiet = os.open(os.devnull, os.O_RDWR)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        os.close(quiet)
        gc.disable()
        warnings.simplefilter("ignore")
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (size + _MEMORY, size + _MEMORY))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        content = _pack(work())
        status = 0
    except MemoryError:
        content, status = b"", _NO_MEMORY
    except BaseException:  # noqa: BLE001 it is raised again in the parent
        content = traceback.format_exc().encode()
    finally:
        signal.alarm(0)
        with open(writing, "wb") as pipe:
            pipe.write(content)
        os._exit(status)


def _pack(outcome: Outcome) -> bytes:
    def texts(tokens: list[bytes]) -> list[str]:
        return [token.hex() for token in tokens]

    content = {
        "counts": outcome.counts,
        "findings": [[one.what, one.reader, one.dialect, one.stream.hex(), texts(one.tokens)] for one in outcome.findings],
        "silent": [[dialect, texts(tokens)] for dialect, tokens in outcome.silent],
        "loaded": [[dialect, stream.hex(), texts(tokens)] for dialect, stream, tokens in outcome.loaded],
        "changes": outcome.changes,
    }
    return json.dumps(content).encode()


def _unpack(content: bytes) -> Outcome:
    def tokens(texts: list[str]) -> list[bytes]:
        return [bytes.fromhex(one) for one in texts]

    found = json.loads(content)
    return Outcome(
        Counter(found["counts"]),
        [
            Finding(what, reader, dialect, bytes.fromhex(stream), tokens(texts))
            for what, reader, dialect, stream, texts in found["findings"]
        ],
        [(dialect, tokens(texts)) for dialect, texts in found["silent"]],
        [(dialect, bytes.fromhex(stream), tokens(texts)) for dialect, stream, texts in found["loaded"]],
        found["changes"],
    )
