"""What a stream would do, for people: the pickle written as Python, what calls what, and the opcodes behind it.

The Python is fickling's; its own severities are not used. It works on a copy of the bytes, runs nothing, and is asked only for streams
that are going to be asked about, in the limited worker and up to a size.
"""

from __future__ import annotations

import contextlib
import io
import logging
import pickletools
from typing import TYPE_CHECKING, BinaryIO, TypeAlias, cast

from jupyter_modelguard.engines.call_tree import CallTree, words_of
from jupyter_modelguard.engines.opcodes import CopyFile
from jupyter_modelguard.types import Explanation, Judgement, TraceStep

if TYPE_CHECKING:
    from jupyter_modelguard.engines.verdict import StreamTrace

__all__ = ["explain", "explain_file"]

Listing: TypeAlias = "tuple[str, str, tuple[tuple[int, str, bool], ...]]"  # heading, source, (number, text, flagged) a line

_LARGEST = 1 << 20  # bytes of a stream that fickling is asked about
_MOST_OPCODES = 20_000  # of a stream that fickling is asked about
_WALKED = 2_000_000  # opcodes that are looked through for flagged ones
_MOST_STEPS = 400
_AROUND = 8  # opcodes shown before and behind a flagged one
_MOST_LINES = 400
_LONGEST = 200  # characters of one argument or line

_log = logging.getLogger(__name__)


def explain(trace: StreamTrace, dialect: str) -> Explanation:
    """Write down what a traced stream does.

    Parameters
    ----------
    trace
        As `trace_stream` gave it; without a copy there is nothing to show.
    dialect
        As it was traced.

    Returns
    -------
    Explanation
        A listing of Python, none where the stream is too large or fickling cannot read it; the opcodes around what is flagged; and what
        calls what.
    """
    if trace.copy is None:
        return Explanation()
    flagged = {use.name.name for use in trace.report.globals if use.judgement not in (Judgement.CLOSED, Judgement.INERT)}
    source = "data.pkl" if trace.report.format == "torch-zip" else "the pickle stream"
    tree = CallTree(str(use.name) for use in trace.report.globals if use.judgement not in (Judgement.CLOSED, Judgement.INERT))
    steps, count = _steps(trace, flagged, tree)
    listing = _decompiled(trace, flagged, source) if count <= _MOST_OPCODES and dialect != "joblib" else None
    return Explanation((listing,) if listing is not None else (), steps, tree.rows())


def explain_file(path: str) -> Explanation:
    """Write down what the pickle in a file does, that of a torch archive too; nothing of other files."""
    from jupyter_modelguard.engines.content import Content
    from jupyter_modelguard.engines.formats.pickles import dialect_of
    from jupyter_modelguard.engines.inspection import inspect_open
    from jupyter_modelguard.engines.trace import trace_stream

    content = Content.of_file(path)
    dialect = dialect_of(content)
    return explain(inspect_open(trace_stream(content.source, dialect)), dialect)


def _steps(trace: StreamTrace, flagged: set[str], tree: CallTree) -> tuple[tuple[TraceStep, ...], int]:
    """Collect the opcodes around each that names something flagged, or the first ones if none does."""
    if trace.copy is None:
        return (), 0
    kept: dict[int, TraceStep] = {}
    recent: list[tuple[int, TraceStep]] = []
    first: list[TraceStep] = []
    until = -1
    number = 0
    file = CopyFile(trace.copy)
    try:
        while file.tell() < trace.copy.length and number < _WALKED:
            before = file.tell()
            for opcode, argument, position in pickletools.genops(cast("BinaryIO", file)):
                text = "" if argument is None else words_of(argument)
                words = text.replace("'", " ").split()
                marked = opcode.name in ("GLOBAL", "INST", "STACK_GLOBAL", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE") and bool(
                    flagged.intersection(words)
                )
                meaning = tree.feed(opcode.name, argument, position or 0)
                marked = marked or tree.marked
                step = TraceStep(position or 0, opcode.name, text, marked, meaning)
                if len(first) < _AROUND * 4:
                    first.append(step)
                if len(kept) < _MOST_STEPS and (marked or number <= until):
                    if marked:
                        kept.update(recent)
                        until = number + _AROUND
                    kept[number] = step
                recent = [*recent[-_AROUND + 1 :], (number, step)]
                number += 1
                if number >= _WALKED:
                    break
            if trace.report.format != "torch-legacy" or file.tell() <= before:
                break
    except Exception:  # noqa: BLE001 what was collected until here is still true
        _log.debug("the opcodes of a stream could not be walked to its end", exc_info=True)
    return tuple(kept[place] for place in sorted(kept)) or tuple(first), number


def _decompiled(trace: StreamTrace, flagged: set[str], source: str) -> Listing | None:
    copy = trace.copy
    if copy is None or not copy.whole or copy.length > _LARGEST:
        return None
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            import ast

            from fickling.fickle import Pickled, StackedPickle

            data = b"".join(piece for _, piece in copy.segments)
            if trace.report.format == "torch-legacy":
                texts = [ast.unparse(one.ast) for one in StackedPickle.load(io.BytesIO(data))]
            else:
                texts = [ast.unparse(Pickled.load(io.BytesIO(data)).ast)]
    except Exception:  # noqa: BLE001 fickling raises anything on odd input; the opcodes are shown all the same
        _log.debug("fickling could not rebuild a stream", exc_info=True)
        return None
    lines = "\n".join(texts).splitlines()[:_MOST_LINES]
    rows = tuple(
        (number, line if len(line) <= 2 * _LONGEST else f"{line[: 2 * _LONGEST]}…", any(name in line for name in flagged))
        for number, line in enumerate(lines, 1)
    )
    return ("Rebuilt from the pickle, not run", source, rows)
