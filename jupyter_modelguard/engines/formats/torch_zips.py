"""torch's other zips: packages of `torch.package`, and exported programs (`.pt2`).

Each part is said to do what its load would ask about: Python files run, pickles are traced, the texts of a program are evaluated, and
native code is native code.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.artifacts.source import StreamSource
from jupyter_modelguard.engines.archive import differences
from jupyter_modelguard.engines.byte_ranges import DATA, INSPECTED
from jupyter_modelguard.engines.merging import ENGINE, merged_reports, missed_report
from jupyter_modelguard.engines.trace import trace_stream
from jupyter_modelguard.policy.exported_code import odd_guard, odd_size, odd_target
from jupyter_modelguard.policy.findings import finding
from jupyter_modelguard.types import CodeFile, ScanReport

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterator, Sequence

    from jupyter_modelguard.engines.content import Content
    from jupyter_modelguard.engines.scanner import Scanner
    from jupyter_modelguard.types import Finding

__all__ = ["byte_kind", "knows", "matches", "scan"]

_LARGEST = 1 << 28  # bytes of one member that is looked at
_PACKAGE, _PROGRAM = ".data/extern_modules", "archive_format"
_TENSORS = (".storage",)
_QUOTED = frozenset({"metadata", "in_spec", "out_spec", "as_string", "treespec_namedtuple_fields"})  # texts that stay texts
_SYNTAX = re.compile(r"[()=;'\"`{}\\\n\r#@]")


def matches(names: Sequence[str]) -> bool:
    """Whether an archive is a package or an exported program, by the member that each has."""
    return any(_inside(name) in (_PACKAGE, _PROGRAM) for name in names)


def knows(name: str) -> bool:
    """Whether a member is looked at here: all of them are, for torch may load any."""
    del name
    return True


def byte_kind(name: str) -> str:
    """Tell the numbers from all else."""
    return DATA if name.endswith(_TENSORS) else INSPECTED


def scan(content: Content, scanner: Scanner, archive: zipfile.ZipFile) -> ScanReport:
    """Scan a package or an exported program."""
    del scanner
    path, size = content.name, content.size
    package = any(_inside(name) == _PACKAGE for name in archive.namelist())
    format_name = "torch-package" if package else "torch-export"
    reports: list[ScanReport] = [ScanReport(path, format_name, size=size, engines=(ENGINE,))]
    code: list[CodeFile] = []
    with content.open() as file:
        reports += [missed_report(path, format_name, size, sentence) for sentence in differences(file)]
    for member in archive.infolist():
        name = _inside(member.filename)
        if package and name.startswith(".data/") and name.endswith(_TENSORS):
            continue
        if member.file_size > _LARGEST:
            reports.append(missed_report(path, format_name, size, f"{name}: larger than {_LARGEST >> 20} MiB"))
            continue
        data = archive.read(member)
        if package and name.endswith(".py"):
            code += [CodeFile(name, hashlib.sha256(data).hexdigest(), data)] if data else []
        else:
            reports.append(_scan_member(path, name, data, package=package))
    if code:
        from jupyter_modelguard.engines.code import scan_code  # a third of what the scanner needs to start

        reports.append(replace(scan_code(path, tuple(code)), target=path))
    return replace(merged_reports(path, format_name, reports, size), format=format_name)


def _inside(name: str) -> str:
    """Drop the folder that torch's archives keep everything in."""
    return name.partition("/")[2]


def _scan_member(path: str, name: str, content: bytes, *, package: bool) -> ScanReport:
    if content.startswith(b"PK\x03\x04"):
        return replace(trace_stream(StreamSource(data=content), "torch").report, target=name)
    if content:
        traced = trace_stream(StreamSource(data=content), "torch-package" if package else "pickle").report
        if (
            content.startswith(b"\x80") or traced.globals or not traced.coverage.missed
        ):  # else it is no pickle, of whatever protocol
            return replace(traced, target=name)
    findings: tuple[Finding, ...] = ()
    if name.startswith(".data/ts_code/"):
        findings = (finding("torchscript-code", "TorchScript in a package, which is not looked into", name),)
    elif not package and name.startswith("data/aotinductor/"):
        findings = (finding("opaque-code", "native code of a compiled program", name),)
    elif not package and name.startswith("models/") and name.endswith(".json"):
        try:
            findings = tuple(dict.fromkeys(_odd_texts(json.loads(content), name)))
        except (ValueError, RecursionError) as error:
            return missed_report(name, "torch-export", len(content), f"cannot be read as JSON ({type(error).__name__})")
    return ScanReport(path, "torch-package" if package else "torch-export", findings=findings, engines=(ENGINE,))


def _odd_texts(value: Any, name: str, key: str = "") -> Iterator[Finding]:
    """Find the texts of a program that are more than names, sizes and guards."""
    if isinstance(value, dict):
        for inner, item in value.items():
            yield from _odd_text(inner, name, "")
            if inner not in _QUOTED:
                yield from _odd_texts(item, name, inner)
    elif isinstance(value, list):
        for item in value:
            yield from _odd_texts(item, name, key)
    elif isinstance(value, str):
        yield from _odd_text(value, name, key)


def _odd_text(text: str, name: str, key: str) -> Iterator[Finding]:
    if key == "expr_str":
        odd = odd_size(text)
    elif key == "guards_code":
        odd = odd_guard(text)
    elif key == "target":
        odd = odd_target(text)
    else:
        odd = "a name that becomes Python source" if _SYNTAX.search(text) else ""
    if odd:
        yield replace(finding("exported-code", f"{odd}, evaluated while the program loads", name), code=text[:200])
