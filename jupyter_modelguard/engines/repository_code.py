"""The Python files that a load of a folder or repository would execute; read in the limited worker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.artifacts.code_tree import ALWAYS_RUN, auto_map_modules, collect_code
from jupyter_modelguard.engines.code import scan_code
from jupyter_modelguard.engines.python_code.neighbours import files_beside

if TYPE_CHECKING:
    from jupyter_modelguard.engines.code_opinions.settings import Program
    from jupyter_modelguard.types import CodeFile, ScanReport

__all__ = ["code_below", "opinions_below"]

_LARGEST: Final = 100 << 20  # bytes of a code or configuration file


def code_below(folder: str, within: str = "") -> ScanReport | None:
    """Report what would be executed: what a configuration names, `hubconf.py`, or a file that was named itself; None without any.

    Parameters
    ----------
    folder
        Where the configuration lies, or a Python file.
    within
        The folder that links may lead to: a snapshot's lead to the repository's blobs. The folder itself by default.
    """
    files = _files_below(folder, within)
    place = Path(folder)
    beside = files_beside(str(place.parent if place.is_file() else place))
    return None if files is None else scan_code(folder, files, beside=beside)


def opinions_below(report: ScanReport, folder: str, within: str, programs: tuple[Program, ...]) -> ScanReport:
    """Put into such a report what programs say of the same files."""
    from jupyter_modelguard.engines.code_opinions.programs import asked

    return asked(report, _files_below(folder, within) or (), programs)


def _files_below(folder: str, within: str) -> tuple[CodeFile, ...] | None:
    place = Path(folder)
    base = place.parent if place.is_file() else place
    allowed = Path(within or base).resolve()

    def read(name: str) -> bytes | None:
        path = Path(base, name).resolve()
        if not path.is_relative_to(allowed) or not path.is_file():
            return None
        with path.open("rb") as file:
            return file.read(_LARGEST)

    entries = (
        (place.name,) if place.is_file() else (*auto_map_modules(read), *(name for name in ALWAYS_RUN if read(name) is not None))
    )
    return collect_code(entries, read) if entries else None
