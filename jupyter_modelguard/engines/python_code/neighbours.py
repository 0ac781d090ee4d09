"""What lies beside code and runs with it: bytecode and native code that are no source, and modules that were planted to be found."""

from __future__ import annotations

import os
from dataclasses import replace
from importlib.machinery import BYTECODE_SUFFIXES, EXTENSION_SUFFIXES
from pathlib import PurePath, PurePosixPath
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.planted import planted_file
from jupyter_modelguard.policy.findings import finding
from jupyter_modelguard.types import Phase, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from jupyter_modelguard.engines.python_code.imports import Imported
    from jupyter_modelguard.types import CodeFile, Finding

__all__ = ["beside_code", "files_beside", "planted_modules"]

_NATIVE: Final = (".so", ".pyd", ".dll", ".dylib")
_OTHER: Final = (".pth", ".egg", ".whl", ".pyz", ".pyw")
_ENDINGS: Final = (*_NATIVE, *BYTECODE_SUFFIXES, *_OTHER)
_LEFT_OUT: Final = frozenset({".git", "node_modules"})
_MOST_FILES: Final = 20_000  # of a folder; a repository of a model has some dozens


def files_beside(folder: str) -> tuple[str, ...]:
    """List the files of a folder that `beside_code` speaks of; of one that is no folder, none."""
    found = []
    seen = 0
    for base, below, names in os.walk(folder):
        below[:] = sorted(one for one in below if one not in _LEFT_OUT)
        seen += len(names)
        found += [
            PurePath(base, name).relative_to(folder).as_posix() for name in sorted(names) if name.lower().endswith(_ENDINGS)
        ]
        if seen > _MOST_FILES:
            break
    return tuple(found)


def beside_code(files: Sequence[CodeFile], names: Iterable[str]) -> Iterator[Finding]:
    """Report files beside the code that Python could run and nothing here can read."""
    sources = {PurePosixPath(file.path).with_suffix("").as_posix() for file in files}
    for name in list(dict.fromkeys(names)):
        lower = name.lower()
        path = PurePosixPath(name)
        stem = path.name.partition(".")[0]
        if lower.endswith((*_NATIVE, *EXTENSION_SUFFIXES)):
            what = "native code that nothing here can read"
            first = (path.parent / stem).as_posix() in sources
            what += ", and that Python would import instead of the source of the same name" if first else ""
        elif lower.endswith(tuple(BYTECODE_SUFFIXES)):
            folder = path.parent.parent if path.parent.name == "__pycache__" else path.parent
            first = (folder / stem).as_posix() in sources
            what = "bytecode that can say something else than its source" if first else "bytecode without its source"
        elif lower.endswith(_OTHER):
            what = "a file that Python can run or import from"
        else:
            continue
        kept = path.parent.name == "__pycache__"  # Python leaves it there, and an approved load takes the source all the same
        made = finding("code-beside", f"{name}: {what}", name, severity=Severity.LOW if kept else None)
        yield replace(made, phase=Phase.IMPORT)


def planted_modules(imports: Iterable[Imported], folders: Sequence[str]) -> Iterator[Finding]:
    """Report modules that the code names and that would come from a folder of the notebook's.

    Libraries import everything that a file names before the file itself, to say what is missing.
    """
    for one in imports:
        if path := planted_file(one.top, folders):
            title = f"{path} would be imported as {one.top}, which this line names"
            made = finding("code-planted-module", title, f"{one.path}:{one.line}", one.code)
            yield replace(made, phase=Phase.IMPORT)
