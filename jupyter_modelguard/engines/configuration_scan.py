"""Scan files that name what they call: Keras models in both of their containers, YAML and jsonpickle documents.

The rules are those that a load is held to; there are no registered classes at hand, so a class of somebody's own counts as unknown. This
runs in the limited worker.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.engines.merging import missed_report
from jupyter_modelguard.policy.jsonpickle_tags import judge_jsonpickle
from jupyter_modelguard.policy.keras_config import judge_keras_config
from jupyter_modelguard.policy.yaml_tags import python_tags
from jupyter_modelguard.types import Coverage, Finding, ScanReport, Severity

if TYPE_CHECKING:
    import zipfile

    from jupyter_modelguard.types import GlobalUse

    _Judged = tuple[tuple[GlobalUse, ...], tuple[Finding, ...], tuple[str, ...]]

__all__ = ["HDF5", "is_keras_archive", "scan_hdf5", "scan_keras_archive", "scan_text"]

HDF5: Final = b"\x89HDF\r\n\x1a\n"
_ENGINE: Final = "named 1"
_LARGEST_TEXT: Final = 16 << 20  # bytes
_LARGEST_CONFIG: Final = 64 << 20  # bytes
_MOST_OBJECTS: Final = 100_000  # groups and datasets of one HDF5 file
_MARKS: Final = (b"!!python/", b":python/", b'"py/')


def is_keras_archive(names: list[str]) -> bool:
    """Whether the members of a zip archive are those of a `.keras` file."""
    return "config.json" in names and "metadata.json" in names


def scan_keras_archive(path: str, archive: zipfile.ZipFile, size: int) -> ScanReport:
    """Judge the configuration of a `.keras` file; its weights are numbers in HDF5 or NumPy files."""
    member = archive.getinfo("config.json")
    if member.file_size > _LARGEST_CONFIG:
        return missed_report(path, "keras", size, "its configuration is larger than 64 MiB")
    others = [
        name
        for name in archive.namelist()
        if not name.endswith(("/", ".json"))
        and not name.startswith("assets/")
        and not name.endswith((".weights.h5", ".weights.npz"))
    ]
    missed = tuple(f"{name:.80}: is no part of a Keras model" for name in others[:3])
    return _judged_keras(path, "keras", size, [archive.read(member)], missed)


def scan_hdf5(path: str, size: int) -> ScanReport:
    """Judge the configurations in a legacy Keras file, and say what else an HDF5 file holds than numbers and text."""
    if importlib.util.find_spec("h5py") is None:
        return missed_report(path, "hdf5", size, "h5py is not installed here, and nothing else reads it")
    h5py = importlib.import_module("h5py")

    strange: list[str] = []
    seen = 0
    with h5py.File(path, "r") as file:
        texts = [file.attrs[name] for name in ("model_config", "training_config") if name in file.attrs]
        waiting: list[tuple[str, Any]] = [("", file)]
        while waiting:
            place, group = waiting.pop()
            for name in group:
                seen += 1
                if seen > _MOST_OBJECTS:
                    return missed_report(path, "hdf5", size, f"more than {_MOST_OBJECTS:,} objects")
                where = f"{place}/{name}"
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    strange.append(f"{where:.80}: leads to another place or file")
                    continue
                inner = group[name]
                if isinstance(inner, h5py.Group):
                    waiting.append((where, inner))
                elif isinstance(inner, h5py.Dataset) and (
                    inner.dtype.kind not in "biufcSU" and h5py.check_string_dtype(inner.dtype) is None
                ):
                    strange.append(f"{where:.80}: neither numbers nor text")
        strange += [f"attribute {name:.60}: a pickle, perhaps" for name in file.attrs if name in {"CLASS", "CLASSNAME", "type"}]
    return _judged_keras(path, "hdf5", size, texts, tuple(strange[:20]))


def scan_text(path: str, size: int) -> ScanReport | None:
    """Judge a document that holds marks of Python objects; None for everything else."""
    if size > _LARGEST_TEXT:
        return None
    data = Path(path).read_bytes()
    plain = data.replace(b"\x00", b"")  # UTF-16
    if not any(mark in plain for mark in _MARKS):
        return None
    uses: tuple[GlobalUse, ...] = ()
    findings: tuple[Finding, ...] = ()
    missed: tuple[str, ...] = ()
    kind = "yaml"
    try:
        uses, findings = judge_jsonpickle(json.loads(data))
        kind = "jsonpickle"
    except (ValueError, RecursionError):
        if importlib.util.find_spec("yaml") is None:
            missed = ("PyYAML is not installed here, and nothing else reads its tags",)
        else:
            yaml = importlib.import_module("yaml")
            try:
                uses, findings = python_tags(data, yaml.SafeLoader)
            except (yaml.YAMLError, RecursionError, ValueError) as error:
                missed = (f"it cannot be parsed: {type(error).__name__}",)
    return _report(path, kind, size, data, (uses, findings, missed))


def _judged_keras(path: str, kind: str, size: int, texts: list[Any], missed: tuple[str, ...]) -> ScanReport:
    uses: tuple[GlobalUse, ...] = ()
    findings: tuple[Finding, ...] = ()
    whole = b""
    for text in texts:
        data = text.encode() if isinstance(text, str) else bytes(text)
        whole += data
        try:
            more, found, unread = judge_keras_config(json.loads(data))
        except (ValueError, RecursionError):
            more, found, unread = (), (), ("its configuration is no JSON",)
        uses, findings, missed = uses + more, findings + found, missed + unread
    return _report(path, kind, size, whole, (uses, findings, missed))


def _report(path: str, kind: str, size: int, data: bytes, judged: _Judged) -> ScanReport:
    uses, findings, missed = judged
    if missed:
        findings += tuple(Finding("not-inspected", Severity.MEDIUM, sentence) for sentence in missed)
    return ScanReport(
        path,
        kind,
        hashlib.sha256(data).hexdigest() if data else "",
        size,
        findings,
        uses,
        Coverage(1 + len(missed), 1, missed),
        engines=(_ENGINE,),
    )
