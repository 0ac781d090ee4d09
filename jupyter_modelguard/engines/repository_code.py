"""The Python files that the configuration of a folder or repository would have executed; read in the limited worker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.artifacts.code_tree import auto_map_modules, collect_code
from jupyter_modelguard.engines.code import scan_code

if TYPE_CHECKING:
    from jupyter_modelguard.types import ScanReport

__all__ = ["code_below"]

_LARGEST: Final = 100 << 20  # bytes of a code or configuration file


def code_below(folder: str, within: str = "") -> ScanReport | None:
    """Report what would be executed; None where a configuration names no code.

    Parameters
    ----------
    folder
        Where the configuration lies.
    within
        The folder that links may lead to: a snapshot's lead to the repository's blobs. The folder itself by default.
    """
    allowed = Path(within or folder).resolve()

    def read(name: str) -> bytes | None:
        path = Path(folder, name).resolve()
        if not path.is_relative_to(allowed) or not path.is_file():
            return None
        with path.open("rb") as file:
            return file.read(_LARGEST)

    entries = auto_map_modules(read)
    return scan_code(folder, collect_code(entries, read)) if entries else None
