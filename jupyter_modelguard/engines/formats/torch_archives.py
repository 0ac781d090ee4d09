"""The zip that `torch.save` and `torch.jit.save` write: one pickle or TorchScript, and numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.byte_ranges import DATA, INSPECTED
from jupyter_modelguard.engines.formats.pickles import resolved
from jupyter_modelguard.engines.trace import trace_stream

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Sequence

    from jupyter_modelguard.engines.content import Content
    from jupyter_modelguard.engines.scanner import Scanner
    from jupyter_modelguard.types import ScanReport

__all__ = ["byte_kind", "knows", "matches", "scan"]

_PICKLES: Final = frozenset({"data.pkl", "constants.pkl"})
_OWN: Final = frozenset({"version", "byteorder", ".format_version", ".storage_alignment", ".data/serialization_id", *_PICKLES})
_NUMBERS: Final = ("data/", "constants/")


def matches(names: Sequence[str]) -> bool:
    """Whether an archive has what torch reads, or the code of TorchScript."""
    return any(name.rpartition("/")[2].lower() in _PICKLES or "code" in name.lower().split("/")[:-1] for name in names)


def knows(name: str) -> bool:
    """Whether torch writes a member of that name, which the trace looked at or which holds numbers."""
    inside = _inside(name)
    return inside in _OWN or inside.startswith((*_NUMBERS, "code/"))


def byte_kind(name: str) -> str:
    """Tell the numbers from all else."""
    return DATA if _inside(name).startswith(_NUMBERS) else INSPECTED


def scan(content: Content, scanner: Scanner, archive: zipfile.ZipFile) -> ScanReport:
    """Trace what torch would read."""
    del scanner
    return replace(resolved(trace_stream(content.source, "torch", archive), "data.pkl"), target=content.name, size=content.size)


def _inside(name: str) -> str:
    """Drop the folder that torch keeps everything in."""
    return name.partition("/")[2]
