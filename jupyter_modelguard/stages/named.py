"""Files that say by name what is to be called, without being pickles: YAML tags, a configuration that names classes, native libraries.

Whoever reached the file has read the names out of it already, so this stage only has them assessed and decided.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from jupyter_modelguard.hooks.gate import Permit
from jupyter_modelguard.stages.deciding import PROOF, evaluate
from jupyter_modelguard.types import Coverage, Explanation, ScanReport

if TYPE_CHECKING:
    from jupyter_modelguard.stages.deciding import Deciding
    from jupyter_modelguard.types import Artifact, Finding, GlobalUse, LoadRequest

__all__ = ["NamedCheck"]

_ENGINE = "named 1"
_HEADING = "Where the file says so"


class NamedCheck:
    """Assesses what a file names.

    Parameters
    ----------
    deciding
        What follows the look.
    """

    def __init__(self, deciding: Deciding) -> None:
        self._deciding = deciding

    def check(
        self,
        request: LoadRequest,
        artifact: Artifact,
        uses: tuple[GlobalUse, ...],
        findings: tuple[Finding, ...],
        missed: tuple[str, ...],
    ) -> Permit:
        """Assess what a file names; ask unless it is harmless. See `Gate.check_named`."""
        started = time.perf_counter()
        report = ScanReport(
            target=request.source,
            format=artifact.format,
            digest=artifact.digest,
            size=artifact.size,
            findings=findings,
            globals=uses,
            coverage=Coverage(1 + len(missed), 1, missed),
            engines=(_ENGINE,),
        )
        record, decision = self._deciding.decide(
            request, artifact, evaluate(report), started, lambda: _evidence(artifact, findings)
        )
        return Permit(record.id, approved=decision is not PROOF, format=report.format)


def _evidence(artifact: Artifact, findings: tuple[Finding, ...]) -> Explanation:
    """Show the lines that the findings speak of, each under its number in the file where it has one."""
    rows = []
    for place, finding in enumerate(findings, 1):
        word, _, number = finding.location.partition(" ")
        numbered = word == "line" and number.isdigit()
        if finding.code and finding.code not in finding.title:
            text = finding.code if numbered or not finding.location else f"{finding.location}: {finding.code}"
            rows.append((int(number) if numbered else place, text, True))
    return Explanation(((_HEADING, artifact.name, tuple(rows)),)) if rows else Explanation()
