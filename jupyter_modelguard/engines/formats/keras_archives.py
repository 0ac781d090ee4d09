"""Keras' `.keras` archives: a configuration that says what is made, and weights."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.engines.byte_ranges import INSPECTED
from jupyter_modelguard.engines.merging import missed_report
from jupyter_modelguard.policy.keras_config import judge_keras_config
from jupyter_modelguard.types import Coverage, ScanReport

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterable, Sequence

    from jupyter_modelguard.engines.content import Content
    from jupyter_modelguard.engines.scanner import Scanner
    from jupyter_modelguard.types import Finding, GlobalUse

__all__ = ["byte_kind", "keras_report", "knows", "matches", "scan"]

_ENGINE: Final = "keras 1"
_LARGEST: Final = 64 << 20  # bytes of a configuration
_OWN: Final = frozenset({"config.json", "metadata.json"})


def matches(names: Sequence[str]) -> bool:
    """Whether the members of an archive are those of a `.keras` file."""
    return set(names) >= _OWN


def knows(name: str) -> bool:
    """Whether Keras' own members have that name; its weights are files like any other."""
    return name in _OWN


def byte_kind(name: str) -> str:
    """All of it is looked at."""
    del name
    return INSPECTED


def scan(content: Content, scanner: Scanner, archive: zipfile.ZipFile) -> ScanReport:
    """Judge the configuration."""
    del scanner
    if archive.getinfo("config.json").file_size > _LARGEST:
        return missed_report(content.name, "keras", content.size, f"its configuration is larger than {_LARGEST >> 20} MiB")
    return keras_report(content, "keras", [("config.json", archive.read("config.json"))])


def keras_report(content: Content, kind: str, texts: Iterable[tuple[str, Any]]) -> ScanReport:
    """Judge configurations, as JSON.

    Parameters
    ----------
    content
        The file that holds them.
    kind
        Its format.
    texts
        The configurations by their names in it, as text or bytes.
    """
    missed: tuple[str, ...] = ()
    uses: tuple[GlobalUse, ...] = ()
    findings: tuple[Finding, ...] = ()
    whole = b""
    for name, text in texts:
        data = text.encode() if isinstance(text, str) else bytes(text)
        whole += data
        try:
            more, found, unread = judge_keras_config(json.loads(data))
        except (ValueError, RecursionError):
            more, found, unread = (), (), ("its configuration is no JSON",)
        uses, missed = uses + more, missed + unread
        findings += tuple(replace(one, location=f"{name}: {one.location}") for one in found)
    report = ScanReport(content.name, kind, hashlib.sha256(whole).hexdigest() if whole else "", content.size, findings, uses)
    return replace(report, coverage=Coverage(1 + len(missed), 1, missed), engines=(_ENGINE,))
