"""What each rule of the engines is about: one table for all of them, so that findings speak one language.

`findings.toml` has for each rule its severity, its weakness (CWE), the technique of MITRE ATLAS, the issue of the taxonomy of developers'
reports (`taxonomy.json`) and what to say of the rule where it is listed.
"""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_modelguard.types import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FindingRule", "finding", "finding_rules"]

_FILE = Path(__file__).with_name("findings.toml")


@dataclass(frozen=True, slots=True)
class FindingRule:
    """What is true of every finding of one rule.

    Attributes
    ----------
    id
        Stable: "pickle-dangerous-global".
    severity
        Unless the engine knows better.
    about
        What the rule finds, in one sentence.
    help
        What to do about it, in one sentence.
    cwe
        Number of the Common Weakness Enumeration; None where there is none.
    atlas
        Technique of MITRE ATLAS: "AML.T0011.000"; empty where there is none.
    taxonomy
        Issue of the taxonomy: "I02"; empty where there is none.
    beyond
        Whether code of which it is found could run what its own files do not hold.
    """

    id: str
    severity: Severity
    about: str
    help: str = ""
    cwe: int | None = None
    atlas: str = ""
    taxonomy: str = ""
    beyond: bool = False


@functools.cache
def finding_rules() -> Mapping[str, FindingRule]:
    """Give the table, by id."""
    rows = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {name: FindingRule(name, Severity(row.pop("severity")), **row) for name, row in rows.items()}


def finding(rule: str, title: str, location: str = "", code: str = "", severity: Severity | None = None) -> Finding:
    """Make a finding.

    Parameters
    ----------
    rule
        Id of a rule in the table.
    title
        What was found, in one sentence that a data scientist understands.
    location
        Where: "data.pkl, byte 41", "modeling.py:12", "config.json:layers[3]".
    code
        The line, opcode or value it speaks of.
    severity
        Where it is another than the rule's.

    Raises
    ------
    KeyError
        The table has no such rule.
    """
    row = finding_rules()[rule]
    return Finding(rule, severity or row.severity, title, location, row.cwe, row.atlas or None, row.taxonomy or None, code)
