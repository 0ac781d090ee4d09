"""A model's own Python files, read before they run: which known capabilities they name, and where.

Files are parsed, never imported. What is found is evidence for the person who decides; what is not found proves nothing, so code files
are always asked about. A call that starts programs or runs any code, and that importing the file itself makes, is called dangerous: there
is nothing that it waits for.
"""

from __future__ import annotations

import ast
import hashlib
import time
from typing import TYPE_CHECKING

from jupyter_modelguard.engines.code_opinions.asking import with_code_opinions
from jupyter_modelguard.engines.code_origins import elsewhere
from jupyter_modelguard.policy.catalogue import capability_of
from jupyter_modelguard.policy.findings import finding
from jupyter_modelguard.types import Coverage, GlobalUse, Judgement, QualifiedName, ScanReport, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_modelguard.types import CodeFile, Finding

__all__ = ["scan_code"]

_ANY_CODE = "runs any Python code it is given"
_ONLY_AS_SCRIPT = frozenset({"__name__ == '__main__'", "'__main__' == __name__"})


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
    findings = [finding("remote-code", f"{len(files)} Python file{'s' * (len(files) != 1)} would be imported and run", origin)]
    findings += elsewhere(files)
    missed = []
    dangerous: dict[QualifiedName, GlobalUse] = {}
    for file in files:
        try:
            tree = ast.parse(file.content)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            missed.append(f"{file.path}: cannot be read as Python ({type(error).__name__})")
            continue
        for found, use in _capabilities(file, tree):
            findings.append(found)
            if use is not None:
                dangerous.setdefault(use.name, use)
    whole = hashlib.sha256("\n".join(sorted(f"{file.digest} {file.path}" for file in files)).encode())
    report = ScanReport(
        target=origin,
        format="python-code",
        digest=whole.hexdigest(),
        size=sum(len(file.content) for file in files),
        findings=tuple(findings),
        globals=tuple(dangerous.values()),
        coverage=Coverage(len(files), len(files) - len(missed), tuple(missed)),
        seconds=time.perf_counter() - started,
        engines=("python-ast 1",),
    )
    return with_code_opinions(report, files)


def _capabilities(file: CodeFile, tree: ast.Module) -> Iterator[tuple[Finding, GlobalUse | None]]:
    bound = _imports(tree)
    lines = file.content.decode("utf-8", "replace").splitlines()
    at_once = {id(node) for node in _at_import(tree)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = QualifiedName(*_dotted(node.func, bound).rpartition(".")[::2])
        capability = capability_of(name) if name.name else None
        if capability is None:
            continue
        code = lines[node.lineno - 1].strip() if node.lineno <= len(lines) else ""
        place = f"{file.path}:{node.lineno}"
        at_import = id(node) in at_once
        title = f"{name}: {capability.sentence}, {'as soon as it is imported' if at_import else 'if something calls it'}"
        if not at_import or not (capability.kind == "process" or capability.sentence == _ANY_CODE):
            yield finding("remote-code-capability", title, place, code), None
            continue
        use = GlobalUse(name, 1, Judgement.DANGEROUS, f"{capability.sentence}, when {place} is imported")
        yield (
            finding("remote-code-capability", title, place, code, Severity.CRITICAL),
            use,
        )


def _at_import(tree: ast.Module) -> Iterator[ast.AST]:
    """Walk through what runs when a module is imported: not what stands in functions, nor what only a script does."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            waiting += [
                *node.decorator_list,
                *node.args.defaults,
                *(value for value in node.args.kw_defaults if value is not None),
            ]
        elif isinstance(node, ast.Lambda):
            waiting += [*node.args.defaults, *(value for value in node.args.kw_defaults if value is not None)]
        elif isinstance(node, ast.If) and ast.unparse(node.test) in _ONLY_AS_SCRIPT:
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)


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
