"""Read a flagged pickle a second time, opcode by opcode: where it names what, and whether that is what the trace saw.

The trace is the interpreter's own reader, which is what a load uses; it tells no positions. This pass is another reader, which does. Where
the two differ somebody made the file to be misread.
"""

from __future__ import annotations

import pickletools
from dataclasses import replace
from typing import TYPE_CHECKING, Final, cast

from jupyter_modelguard.engines.call_tree import CallTree, name_in_words
from jupyter_modelguard.engines.opcodes import CopyFile
from jupyter_modelguard.policy.findings import finding
from jupyter_modelguard.policy.names import normalise

if TYPE_CHECKING:
    from typing import BinaryIO

    from jupyter_modelguard.artifacts.copy import StreamCopy
    from jupyter_modelguard.engines.verdict import StreamTrace
    from jupyter_modelguard.types import ScanReport

__all__ = ["placed"]

_MOST_OPCODES: Final = 200_000  # some tenths of a second
_MOST_LISTED: Final = 3  # names that only one reader saw
_NAMING: Final = frozenset({"GLOBAL", "STACK_GLOBAL", "INST"})
_LOOK_UP: Final = "look up "


class _LongError(Exception):
    """There are more opcodes than are read a second time."""


def placed(report: ScanReport, trace: StreamTrace, part: str = "") -> ScanReport:
    """Say in the findings of a flagged pickle where it names what they are about.

    Parameters
    ----------
    report
        Of the stream.
    trace
        Its trace; one of several streams, or one that broke off, is left as it is.
    part
        The member of an archive that holds the stream.

    Returns
    -------
    ScanReport
        With a finding more where this reading differs from the trace.
    """
    flagged = {one.code for one in report.findings if one.code and not one.location}
    if not flagged or trace.copy is None or report.format not in {"pickle", "torch-zip"}:
        return report
    try:
        places = _names(trace.copy)
    except _LongError:
        return report
    except Exception as error:  # noqa: BLE001 what this parser cannot follow, the interpreter could
        return _with(report, f"Python's own parser of opcodes cannot follow it ({type(error).__name__})")
    if places is None:
        return report
    expected = {name_in_words(module, name) for module, name in trace.names}
    if places.keys() != expected:
        odd = ", ".join(sorted(places.keys() ^ expected)[:_MOST_LISTED])
        return _with(report, f"read opcode by opcode it names other functions than Python's reader finds: {odd}")
    at = {str(normalise(*name)): places[name_in_words(*name)] for name in trace.names}
    prefix = f"{part}, " if part else ""
    return replace(
        report,
        findings=tuple(
            replace(one, location=f"{prefix}byte {at[one.code]:,}") if not one.location and one.code in at else one
            for one in report.findings
        ),
    )


def _with(report: ScanReport, title: str) -> ScanReport:
    return replace(report, findings=(*report.findings, finding("pickle-reader-divergence", title)))


def _names(copy: StreamCopy) -> dict[str, int] | None:
    """Find where each name is looked up first; None where the walk loses its way, which tells nothing."""
    places: dict[str, int] = {}
    tree = CallTree(())
    for number, (opcode, argument, position) in enumerate(pickletools.genops(cast("BinaryIO", CopyFile(copy, hollow=True)))):
        if number > _MOST_OPCODES:
            raise _LongError
        said = tree.feed(opcode.name, argument, position or 0)
        if not said:
            return None
        if opcode.name in _NAMING:
            written = said.removeprefix(_LOOK_UP) if opcode.name != "INST" else name_in_words(*str(argument).split(" ", 1))
            if "…" in written or "\\" in written:
                return None  # too long or too odd to be put in the same words twice
            places.setdefault(written, position or 0)
    return places
