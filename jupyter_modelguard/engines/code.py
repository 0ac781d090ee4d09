"""A model's own Python files, read before they run: which known capabilities they reach, where, and when those would run.

Files are parsed, never imported. What is found is evidence for the person who decides; what is not found proves nothing, so code files
are always asked about. A call that starts programs or runs any code, and that importing the file or loading the model makes in any case, is
called dangerous: there is nothing that it waits for.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.code_opinions.asking import with_code_opinions
from jupyter_modelguard.engines.code_origins import elsewhere
from jupyter_modelguard.engines.python_code.analysis import analysed
from jupyter_modelguard.engines.python_code.neighbours import beside_code, planted_modules
from jupyter_modelguard.policy.code_phases import WHEN
from jupyter_modelguard.policy.findings import finding, finding_rules
from jupyter_modelguard.types import Coverage, GlobalUse, Judgement, Phase, QualifiedName, ScanReport, Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_modelguard.engines.python_code.analysis import Found
    from jupyter_modelguard.types import CodeFile, Finding

__all__ = ["ENGINE", "scan_code", "unread_code"]

ENGINE: Final = "python-ast 2"
_CERTAIN: Final = frozenset({"code-process", "code-any-code", "code-install"})
_WEIGHTS: Final = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW, Severity.INFO)
_MOST: Final = {Phase.SOON: Severity.MEDIUM, Phase.METHOD: Severity.LOW}  # of a severity, for what waits for a use


def scan_code(origin: str, files: tuple[CodeFile, ...], *, beside: Sequence[str] = (), folders: Sequence[str] = ()) -> ScanReport:
    """Describe what a set of code files could do.

    Parameters
    ----------
    origin
        The folder or repository they come from.
    files
        Everything that would be imported.
    beside
        Names of the other files of the folder or repository: those that Python would import instead of source, or that hold native
        code, are findings.
    folders
        Those that the process which asks imports from before the installed libraries; a module that the code names and one of them has
        would run.

    Returns
    -------
    ScanReport
        One `remote-code` finding for the files as a whole, and one for each line that uses something on the list of known capabilities,
        the first to run first. Files that cannot be parsed are named in the coverage.
    """
    started = time.perf_counter()
    analysis = analysed(tuple((file.path, file.content) for file in files))
    findings = [_finding(one) for one in analysis.found]
    findings += [*beside_code(files, beside), *planted_modules(analysis.imports, folders)]
    dangerous: dict[QualifiedName, GlobalUse] = {}
    for one in analysis.found:
        if _is_certain(one):
            module, _, name = one.name.rpartition(".")
            use = GlobalUse(
                QualifiedName(module or "?", name),
                1,
                Judgement.DANGEROUS,
                f"{one.sentence}, {WHEN[one.phase]}: {one.path}:{one.line}",
            )
            dangerous.setdefault(use.name, use)
    report = unread_code(origin, files)
    report = replace(
        report,
        findings=(*report.findings, *sorted(findings, key=_order)),
        globals=tuple(dangerous.values()),
        coverage=Coverage(len(files), len(files) - len(analysis.unread), (*analysis.unread, *analysis.missed)),
        seconds=time.perf_counter() - started,
    )
    return with_code_opinions(report, files)


def unread_code(origin: str, files: tuple[CodeFile, ...], why: str = "") -> ScanReport:
    """Report that there are code files, and why nothing is known of what they could do."""
    whole = hashlib.sha256("\n".join(sorted(f"{file.digest} {file.path}" for file in files)).encode("utf-8", "surrogatepass"))
    return ScanReport(
        target=origin,
        format="python-code",
        digest=whole.hexdigest(),
        size=sum(len(file.content) for file in files),
        findings=(
            finding("remote-code", f"{len(files)} Python file{'s' * (len(files) != 1)} would be imported and run", origin),
            *elsewhere(origin, files),
        ),
        coverage=Coverage(len(files), 0, (f"the code: {why}",) if why else ()),
        engines=(ENGINE,),
    )


def _finding(found: Found) -> Finding:
    name = f"{found.name}, whose name is put together from pieces" if found.hidden else found.name
    more = f" (and {found.more} more place{'s' * (found.more != 1)})" if found.more else ""
    severity = finding_rules()[found.rule].severity
    severity = Severity.CRITICAL if _is_certain(found) else _lighter(severity, _MOST.get(found.phase, severity))
    made = finding(
        found.rule, f"{name}: {found.sentence}, {WHEN[found.phase]}{more}", f"{found.path}:{found.line}", found.code, severity
    )
    return replace(made, phase=found.phase)


def _is_certain(found: Found) -> bool:
    return found.rule in _CERTAIN and (found.phase is Phase.IMPORT or (found.phase is Phase.LOAD and found.sure))


def _lighter(one: Severity, other: Severity) -> Severity:
    return max(one, other, key=_WEIGHTS.index)


def _order(one: Finding) -> tuple[int, int]:
    return (one.phase.rank if one.phase is not None else 0, _WEIGHTS.index(one.severity))
