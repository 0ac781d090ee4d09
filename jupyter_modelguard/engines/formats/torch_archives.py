"""The zip that `torch.save` and `torch.jit.save` write: one pickle or TorchScript, and numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.artifacts.source import StreamSource
from jupyter_modelguard.engines.byte_ranges import DATA, INSPECTED
from jupyter_modelguard.engines.formats.pickles import resolved
from jupyter_modelguard.engines.merging import merged_globals
from jupyter_modelguard.engines.trace import trace_stream

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Sequence

    from jupyter_modelguard.engines.content import Content
    from jupyter_modelguard.engines.scanner import Scanner
    from jupyter_modelguard.types import ScanReport

__all__ = ["byte_kind", "knows", "matches", "scan"]

_PICKLES: Final = frozenset({"data.pkl", "constants.pkl"})
_TRACED: Final = (
    "traced_inputs.pkl"  # what a model was traced with, which torch keeps in its TorchScript beside the pickles of the model
)
_OWN: Final = frozenset(
    {"version", "byteorder", _TRACED, ".format_version", ".storage_alignment", ".data/serialization_id", *_PICKLES}
)
_NUMBERS: Final = ("data/", "constants/", "traced_inputs/")


def matches(names: Sequence[str]) -> bool:
    """Whether an archive has what torch reads, or the code of TorchScript, in its outermost folder."""
    return any(_inside(name).lower() in _PICKLES or _inside(name).lower().startswith("code/") for name in names)


def knows(name: str) -> bool:
    """Whether torch writes a member of that name, which the trace looked at or which holds numbers."""
    inside = _inside(name)
    return inside in _OWN or inside.startswith((*_NUMBERS, "code/"))


def byte_kind(name: str) -> str:
    """Tell the numbers from all else."""
    return DATA if _inside(name).startswith(_NUMBERS) else INSPECTED


def scan(content: Content, scanner: Scanner, archive: zipfile.ZipFile) -> ScanReport:
    """Trace what torch would read; where that is not how torch writes, every pickle of the archive."""
    report = resolved(trace_stream(content.source, "torch", archive), "data.pkl")
    others = [_alone(scanner, archive, member) for member in archive.infolist() if _is_left(report, member)]
    told = [finding for other in others if other is not None for finding in other.findings if finding.code]
    uses = [use for other in others if other is not None for use in other.globals]
    return replace(
        report,
        target=content.name,
        size=content.size,
        findings=tuple(dict.fromkeys((*report.findings, *told))),
        globals=merged_globals((*report.globals, *uses)),
    )


def _is_left(report: ScanReport, member: zipfile.ZipInfo) -> bool:
    """Whether a member is a pickle that may not have been looked at: every one of TorchScript was."""
    if report.coverage.missed:
        return member.filename.lower().endswith(".pkl")
    return _inside(member.filename) == _TRACED and report.format != "torchscript"


def _alone(scanner: Scanner, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> ScanReport | None:
    """Trace one pickle of an archive; None where it cannot be had, which the archive's own report says."""
    try:
        with archive.open(member) as stream:
            data = scanner.unpack(stream)
    except Exception:  # noqa: BLE001 as for engines
        return None
    return resolved(trace_stream(StreamSource(data=data), "torch-package"), member.filename)


def _inside(name: str) -> str:
    """Drop the folder that torch keeps everything in."""
    return name.partition("/")[2]
