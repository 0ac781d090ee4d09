"""Traces of streams of which little was read, remembered: whoever runs a cell again is not made to wait for the same proof again.

A trace depends on the bytes alone that it read, so the very same bytes have the very same one. A small stream is known by its content,
wherever it lies, and so is one of many objects. A large one, of which most was passed over, is known by its place, and compared where it
was read. Those that took long are kept for other kernels, see `kept_traces`. What depends on the process (which classes it has, and what
they do) is inspected anew each time.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from jupyter_modelguard.artifacts.parts_read import MOST_COMPARED
from jupyter_modelguard.artifacts.source import StreamSource
from jupyter_modelguard.artifacts.unpacked import FIRST_PART

if TYPE_CHECKING:
    from jupyter_modelguard.artifacts.reach import Reached
    from jupyter_modelguard.engines.kept_traces import KeptTraces
    from jupyter_modelguard.engines.verdict import StreamTrace
    from jupyter_modelguard.engines.worker import Worker

__all__ = ["TraceCache"]

_ALL = 1 << 26  # bytes that all remembered traces read
# Bytes; a stream of which all was read takes far longer to trace again than to hash. What is unpacked as far as it is looked at has as many
# at first: there may be no end of what comes out behind them.
_HASHED = FIRST_PART - 1
_NOTHING = b"\x80\x04N."
_LONG = 0.05  # seconds of a trace, the start of the process included, that are worth a file; writing one takes some milliseconds


class TraceCache:
    """Asks the worker once for each content.

    Parameters
    ----------
    worker
        Traces what is not known yet.
    kept
        What earlier kernels traced; None where they leave nothing.
    """

    def __init__(self, worker: Worker, kept: KeptTraces | None = None) -> None:
        self._worker = worker
        self._kept = kept
        self._lock = threading.Lock()
        self._traces: OrderedDict[tuple[str, bytes | StreamSource], tuple[StreamTrace, int]] = OrderedDict()
        self._held = 0
        self._sizes: set[int] = set()  # of large streams that are known by their content

    def trace(self, reached: Reached, dialect: str) -> StreamTrace:
        """Trace what is in reach; see `Worker.trace`."""
        return self._small(reached, dialect) if reached.size <= MOST_COMPARED else self._large(reached, dialect)

    def prepare(self) -> StreamTrace:
        """Start the process that traces, and give what it says of nothing."""
        return self._worker.trace(StreamSource(data=_NOTHING), "pickle")

    def clear(self) -> None:
        """Forget every trace, but for what is kept for other kernels."""
        if self._kept is not None:
            self._kept.clear()
        with self._lock:
            self._traces.clear()
            self._sizes.clear()
            self._held = 0

    def _small(self, reached: Reached, dialect: str) -> StreamTrace:
        content = reached.everything()
        key = dialect, hashlib.sha256(content).digest()
        known = self._find(key)
        if known is not None:
            return known
        if self._kept is not None and (known := self._kept.find(*key, content)) is not None:
            self._remember(key, known, len(content))
            return known
        started = time.monotonic()
        trace = self._worker.trace(reached.source, dialect)
        self._remember_content(trace, key, content, started)
        return trace

    def _large(self, reached: Reached, dialect: str) -> StreamTrace:
        key = dialect, reached.source
        known = self._find(key)
        if known is not None and reached.holds(known.parts):
            return known
        if reached.size in self._sizes or self._has_kept(reached.size):
            return self._small(reached, dialect)
        started = time.monotonic()
        trace = self._worker.trace(reached.source, dialect)
        if trace.copy is not None and trace.parts is not None:
            self._remember(key, trace, trace.parts.length)
        elif trace.copy is not None and reached.size <= _HASHED:
            self._sizes.add(reached.size)  # to be known by its content from now on
            content = reached.everything()
            self._remember_content(trace, (dialect, hashlib.sha256(content).digest()), content, started)
        return trace

    def _has_kept(self, size: int) -> bool:
        return self._kept is not None and size <= _HASHED and self._kept.has_of_size(size)

    def _remember_content(self, trace: StreamTrace, key: tuple[str, bytes], content: bytes, started: float) -> None:
        """Remember a trace by its content; the worker read for itself, so only if that is what it traced."""
        if trace.copy is None or not trace.copy.is_of(content):
            return
        self._remember(key, trace, len(content))
        if self._kept is not None and time.monotonic() - started > _LONG:
            self._kept.keep(*key, len(content), trace)

    def _find(self, key: tuple[str, bytes | StreamSource]) -> StreamTrace | None:
        with self._lock:
            if key not in self._traces:
                return None
            self._traces.move_to_end(key)
            return self._traces[key][0]

    def _remember(self, key: tuple[str, bytes | StreamSource], trace: StreamTrace, size: int) -> None:
        with self._lock:
            _, replaced = self._traces.pop(key, (None, 0))
            self._traces[key] = trace, size
            self._held += size - replaced
            while self._held > _ALL:
                _, (_, dropped) = self._traces.popitem(last=False)
                self._held -= dropped
