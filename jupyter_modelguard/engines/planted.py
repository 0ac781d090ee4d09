"""Files of a notebook's folder that stand in for a library which a file names.

A notebook imports from its own folder before it asks the installed libraries; the worker, which reads the file, never does. So a `numpy.py`
that lies beside the notebook would be run by a load of nothing but numbers, and the worker would find the installed NumPy.
"""

from __future__ import annotations

import _imp
import os
import sys
from dataclasses import replace
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.installed import find_file, is_installed
from jupyter_modelguard.policy.catalogue import inert
from jupyter_modelguard.policy.findings import finding
from jupyter_modelguard.policy.libraries import known_libraries
from jupyter_modelguard.types import Judgement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_modelguard.types import GlobalUse, ScanReport

__all__ = ["planted_file", "with_planted"]

_LOADERS: Final = (
    (ExtensionFileLoader, EXTENSION_SUFFIXES),
    (SourceFileLoader, SOURCE_SUFFIXES),
    (SourcelessFileLoader, BYTECODE_SUFFIXES),
)
_HERE: Final = "a file in the working directory"
_PROVED: Final = frozenset({Judgement.CLOSED, Judgement.INERT})


def with_planted(report: ScanReport, folders: Sequence[str]) -> ScanReport:
    """Say of what a file names whether a file in one of these folders would be imported instead of a library, or at all."""
    tops = {use.name.module.partition(".")[0] for use in report.globals} if folders else set()
    found = {top: path for top in tops if (path := planted_file(top, folders))}
    if not found:
        return report
    planted = {top: path for top, path in found.items() if _is_a_library(top)}
    findings = tuple(
        finding("pickle-planted-module", f"{path} would be imported as {top}, which the file names", os.path.basename(path))
        for top, path in sorted(planted.items())
    )
    uses = tuple(_judged(use, found, planted) for use in report.globals)
    return replace(report, globals=uses, findings=report.findings + findings)


def _judged(use: GlobalUse, found: dict[str, str], planted: dict[str, str]) -> GlobalUse:
    top = use.name.module.partition(".")[0]
    if top not in found:
        return use
    if top in planted and use.judgement in _PROVED:
        return replace(use, judgement=Judgement.UNKNOWN, reason=f"would come from {found[top]}", origin=_HERE)
    return replace(use, origin=_HERE)


def planted_file(top: str, folders: Sequence[str]) -> str:
    """Find the file that an import would run; nothing where none of these folders has one, or where Python asks no folder.

    Parameters
    ----------
    top
        The first part of a module's name.
    folders
        Those that are asked before the installed libraries.
    """
    if not top or top == "__main__" or top in sys.builtin_module_names or _imp.is_frozen(top):
        return ""
    for folder in folders:
        try:
            spec = FileFinder(folder, *_LOADERS).find_spec(top)
        except Exception:  # noqa: BLE001, S112 a folder that cannot be read holds nothing for an import
            continue
        # A folder without an __init__.py gives way to any library of that name.
        if spec is not None and spec.loader is not None and spec.origin and not is_installed(spec.origin):
            return spec.origin
    return ""


def _is_a_library(top: str) -> bool:
    """Whether a module is Python's or a library's, installed or not: else a file of that name is what the pickle means."""
    if top in sys.stdlib_module_names or top in known_libraries():
        return True
    path = find_file(top)
    return (path is not None and is_installed(path)) or any(name.module.partition(".")[0] == top for name in inert())
