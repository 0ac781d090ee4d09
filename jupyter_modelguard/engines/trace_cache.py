"""Traces of small streams, remembered by content: whoever runs a cell again is not made to wait for the same proof again.

A trace depends on the bytes alone, so the very same bytes have the very same one. What depends on the process (which classes it has, and
what they do) is inspected anew each time.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_modelguard.artifacts.reach import Reached
    from jupyter_modelguard.engines.verdict import StreamTrace
    from jupyter_modelguard.engines.worker import Worker

__all__ = ["TraceCache"]

_LARGEST = 1 << 21  # bytes of one stream: hashing it costs 2 ms at the most, next to 1 ms for asking the worker
_ALL = 1 << 25  # bytes of all streams that are remembered


class TraceCache:
    """Asks the worker once for each content.

    Parameters
    ----------
    worker
        Traces what is not known yet.
    """

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._lock = threading.Lock()
        self._traces: OrderedDict[tuple[str, bytes], tuple[StreamTrace, int]] = OrderedDict()
        self._held = 0

    def trace(self, reached: Reached, dialect: str) -> StreamTrace:
        """Trace what is in reach; see `Worker.trace`."""
        if reached.size > _LARGEST:
            return self._worker.trace(reached.source, dialect)
        content = reached.everything()
        key = dialect, hashlib.sha256(content).digest()
        with self._lock:
            if key in self._traces:
                self._traces.move_to_end(key)
                return self._traces[key][0]
        trace = self._worker.trace(reached.source, dialect)
        # The worker reads for itself: what it traced is remembered only if it is what was hashed.
        if trace.copy is not None and trace.copy.is_of(content):
            self._remember(key, trace, len(content))
        return trace

    def clear(self) -> None:
        """Forget every trace."""
        with self._lock:
            self._traces.clear()
            self._held = 0

    def _remember(self, key: tuple[str, bytes], trace: StreamTrace, size: int) -> None:
        with self._lock:
            if key in self._traces:
                return
            self._traces[key] = trace, size
            self._held += size
            while self._held > _ALL:
                _, (_, dropped) = self._traces.popitem(last=False)
                self._held -= dropped
