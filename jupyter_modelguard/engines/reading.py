"""Run a tracer over a reader, and put together what came of it.

Shared by the dialects, which differ in how many streams a file holds and what lies between them.
"""

from __future__ import annotations

import pickle
import pickletools
import re
import time
from typing import TYPE_CHECKING, cast

from jupyter_modelguard.engines.opcodes import CopyFile
from jupyter_modelguard.engines.reader import FramedReader, PeekingReader, StreamReader
from jupyter_modelguard.engines.second_hands import reaches_bytes_again
from jupyter_modelguard.engines.verdict import StreamTrace, broken, report_of
from jupyter_modelguard.policy.findings import finding

if TYPE_CHECKING:
    from typing import BinaryIO

    from jupyter_modelguard.artifacts.copy import StreamCopy
    from jupyter_modelguard.artifacts.source import StreamSource
    from jupyter_modelguard.engines.tracer import Tracer
    from jupyter_modelguard.policy.grammar import Grammar
    from jupyter_modelguard.types import Finding

__all__ = ["conclude", "frames_agree", "open_reader", "read_one"]

_FRAMED = 4  # the first protocol with frames
_PROTO = 0x80
# What the unpickler says of persistent ids, which some loaders know, and of a stand-in where the real thing may be a dictionary or tuple.
_OF_THE_TRACE = ("persistent", "dictionary", "arg")
_WIDTH = 8  # bytes of a frame's length


def open_reader(file: BinaryIO) -> StreamReader:
    """Choose the reader that suits the protocol a stream starts with."""
    start = file.tell()
    head = file.read(2)
    file.seek(start)
    framed = len(head) > 1 and head[0] == _PROTO and head[1] >= _FRAMED
    return FramedReader(file) if framed else PeekingReader(file)


def read_one(tracer: Tracer, reader: StreamReader) -> str:
    """Read one stream; say what is wrong with it, or nothing."""
    try:
        tracer.load(reader)
    except RecursionError:
        return "the stream is nested too deeply"
    except MemoryError:
        return "the stream asks for more memory than a trace may have"
    except (EOFError, pickle.UnpicklingError) as error:
        # Not all readers stumble over the end of a frame.
        if not any(word in str(error) for word in _OF_THE_TRACE) and frames_agree(reader, reader.copy()):
            reader.error = (type(error).__name__, str(error)[:200])
        return f"the stream could not be read to its end: {type(error).__name__}: {str(error)[:200]}"
    except Exception as error:  # noqa: BLE001 an unpickler raises anything at all for a broken stream, and none of it is "clean"
        return f"the stream could not be read to its end: {type(error).__name__}: {str(error)[:200]}"
    return ""


def frames_agree(reader: StreamReader, copy: StreamCopy) -> bool:
    """Whether every reader of Python finds the opcodes at the same places."""
    if isinstance(reader, FramedReader):
        return not reader.crossed
    # Streams of the older protocols have no frames. One is looked for where eight bytes could be the length of a frame that fits.
    width = max(1, (max(copy.length, 1).bit_length() + 7) // 8)
    zeros = _WIDTH - width
    shape = re.compile(b"\x95" + b"[\\x00-\\xff]{%d}" % width + b"\x00{%d}" % zeros)
    if not any(shape.search(data) for _, data in copy.segments):
        return True
    try:
        return all(opcode.name != "FRAME" for opcode, _, _ in pickletools.genops(cast("BinaryIO", CopyFile(copy))))
    except Exception:  # noqa: BLE001 what this parser cannot follow is no agreement
        return False


def conclude(  # noqa: PLR0913, PLR0917 one value a fact of the file
    tracer: Tracer,
    grammar: Grammar,
    copy: StreamCopy | None,
    wrong: tuple[str, ...],
    source: StreamSource,
    format_name: str,
    started: float,
    *,
    size: int,
    digest: str | None = None,
    extra: tuple[Finding, ...] = (),
    error: tuple[str, str] | None = None,
) -> StreamTrace:
    """Settle the tracer, ask the grammar for its verdict and make the trace of both."""
    tracer.settle()
    if grammar.goes_by_views and (copy is None or reaches_bytes_again(copy)):
        grammar.stray("bytes that something was made of could be changed by a later opcode")
    verdict = grammar.finish(tracer.named)
    if copy is not None:
        copy = tracer.sealed(copy)  # the verdict looks into payloads too
    report = report_of(
        target=source.path or "<bytes>",
        format_name=format_name,
        digest=""
        if wrong or (copy is None and digest is None)
        else copy.digest
        if digest is None and copy is not None
        else digest or "",
        size=size,
        verdict=verdict,
        extra=extra or tuple(broken(sentence) for sentence in wrong),
        missed=wrong,
        seconds=time.perf_counter() - started,
    )
    return StreamTrace(
        report, None if wrong else copy, frozenset(tracer.named), verdict.open_classes, error if wrong and not extra else None
    )


def divergence() -> Finding:
    """Make the finding for frames that readers disagree about."""
    return finding("pickle-frame-divergence", "a frame ends inside an opcode, where Python's readers disagree")
