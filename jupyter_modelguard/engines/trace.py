"""Prove what one stream would do, or say why that cannot be proved.

`trace_stream` runs in the limited worker: the bytes are a stranger's. It never raises for what they hold. A stream that breaks off, or that
different readers would read differently, has a part that was missed, and what was missed is asked about.
"""

from __future__ import annotations

import gc
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from jupyter_modelguard.artifacts.parts_read import WatchedFile
from jupyter_modelguard.engines.dialects import trace_joblib, trace_torch, trace_torch_package
from jupyter_modelguard.engines.reading import conclude, divergence, frames_agree, open_reader, read_one
from jupyter_modelguard.engines.tracer import Tracer
from jupyter_modelguard.engines.verdict import StreamTrace, failed
from jupyter_modelguard.policy.grammar import Grammar

if TYPE_CHECKING:
    import zipfile
    from typing import BinaryIO

    from jupyter_modelguard.artifacts.source import StreamSource
    from jupyter_modelguard.engines.reader import StreamReader
    from jupyter_modelguard.types import Finding

__all__ = ["StreamTrace", "trace_stream"]

WATCH_ALL = 1 << 20  # bytes; up to this size every object is watched, since speed does not matter


def trace_stream(source: StreamSource, dialect: str, directory: zipfile.ZipFile | None = None) -> StreamTrace:
    """Trace a stream.

    Parameters
    ----------
    source
        Where the bytes are.
    dialect
        "pickle", one stream from the source's offset; "torch", what torch.load reads; "torch-package", a pickle
        of a package; "joblib", an uncompressed file of joblib.
    directory
        Of a zip of torch, the directory where somebody has read it already.

    Returns
    -------
    StreamTrace
        Whatever the bytes hold. A file that cannot be opened, and memory or depth that run out, end in `report.coverage.missed`.
    """
    started = time.perf_counter()
    collecting = gc.isenabled()
    gc.disable()  # a million stand-ins are no garbage, and looking for it would take longer than the trace
    gc.freeze()  # the end of a trace looks through all that Python made since, and what was there before is not the stream's
    try:
        with source.open() as file:
            if directory is not None and dialect == "torch":
                trace = trace_torch(file, source, started, directory)
            else:
                trace = _TRACES[dialect](file, source, started)
            return replace(trace, parts=file.parts_read()) if isinstance(file, WatchedFile) else trace
    except (OSError, MemoryError, RecursionError) as error:
        return failed(
            source, dialect, f"it could not be read: {str(error) or type(error).__name__}", time.perf_counter() - started
        )
    finally:
        gc.unfreeze()
        if collecting:
            gc.enable()


def _trace_pickle(file: BinaryIO, source: StreamSource, started: float) -> StreamTrace:
    start = file.tell()
    reader = open_reader(file)
    if reader.size > WATCH_ALL:
        trace = _attempt(reader, Grammar(), source, started, light=True)
        if trace is not None:
            return trace
        file.seek(start)
        reader = open_reader(file)
    trace = _attempt(reader, Grammar(), source, started, light=False)
    assert trace is not None  # noqa: S101 only a light attempt gives up
    return trace


def _attempt(reader: StreamReader, grammar: Grammar, source: StreamSource, started: float, *, light: bool) -> StreamTrace | None:
    tracer = Tracer(grammar, light=light)
    wrong = read_one(tracer, reader)
    if wrong and light:
        return None
    copy = reader.copy()
    extra: tuple[Finding, ...] = ()
    if not wrong and not frames_agree(reader, copy):
        extra, wrong = (divergence(),), "its frames do not fit its opcodes"
    missed = (wrong,) if wrong else ()
    return conclude(tracer, grammar, copy, missed, source, "pickle", started, size=reader.size, extra=extra, error=reader.error)


_TRACES = {"pickle": _trace_pickle, "torch": trace_torch, "torch-package": trace_torch_package, "joblib": trace_joblib}
