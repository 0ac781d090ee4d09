"""A model's own Python files, read before they run: which known capabilities they name, and where.

Files are parsed, never imported. What is found is evidence for the person who decides; what is not found proves nothing, so code files
are always asked about.
"""

from __future__ import annotations

import ast
import hashlib
import time
from typing import TYPE_CHECKING

from jupyter_modelguard.policy.catalogue import capability_of
from jupyter_modelguard.types import Coverage, Finding, QualifiedName, ScanReport, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_modelguard.types import CodeFile

__all__ = ["scan_code"]


def scan_code(origin: str, files: tuple[CodeFile, ...]) -> ScanReport:
    """Describe what a set of code files could do.

    Parameters
    ----------
    origin
        The folder or repository they come from.
    files
        Everything that would be imported.

    Returns
    -------
    ScanReport
        One `remote-code` finding for the files as a whole, and one for each call of something on the list of known capabilities.
        Files that cannot be parsed are named in the coverage.
    """
    started = time.perf_counter()
    findings = [
        Finding(
            "remote-code",
            Severity.HIGH,
            f"{len(files)} Python file{'s' * (len(files) != 1)} would be imported and run",
            origin,
            94,
        )
    ]
    missed = []
    for file in files:
        try:
            tree = ast.parse(file.content)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            missed.append(f"{file.path}: cannot be read as Python ({type(error).__name__})")
            continue
        findings += _capabilities(file, tree)
    whole = hashlib.sha256("\n".join(sorted(f"{file.digest} {file.path}" for file in files)).encode())
    return ScanReport(
        target=origin,
        format="python-code",
        digest=whole.hexdigest(),
        size=sum(len(file.content) for file in files),
        findings=tuple(findings),
        coverage=Coverage(len(files), len(files) - len(missed), tuple(missed)),
        seconds=time.perf_counter() - started,
        engines=("python-ast 1",),
    )


def _capabilities(file: CodeFile, tree: ast.Module) -> Iterator[Finding]:
    bound = _imports(tree)
    lines = file.content.decode("utf-8", "replace").splitlines()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = _dotted(node.func, bound)
        capability = capability_of(QualifiedName(*name.rpartition(".")[::2])) if name else None
        if capability is not None:
            code = lines[node.lineno - 1].strip() if node.lineno <= len(lines) else ""
            title = f"{name}: {capability.sentence}"
            yield Finding("remote-code-capability", Severity.HIGH, title, f"{file.path}:{node.lineno}", 94, code=code)


def _imports(tree: ast.Module) -> dict[str, str]:
    """Which name stands for which module or attribute, wherever in the file it is imported."""
    bound = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                bound[alias.asname or alias.name.partition(".")[0]] = alias.name if alias.asname else alias.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            for alias in node.names:
                bound[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return bound


def _dotted(node: ast.expr, bound: dict[str, str]) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    parts.append(bound.get(node.id, f"builtins.{node.id}" if not parts else node.id))
    return ".".join(reversed(parts))
