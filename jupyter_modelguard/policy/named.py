"""What files say by dotted names without being pickles: judged against the list of known capabilities.

A tag of a YAML file or an entry of a configuration names a class or function; nothing proves what that does with the file's arguments, so
a name is either known to be dangerous or unknown.
"""

from __future__ import annotations

from jupyter_modelguard.policy.catalogue import capability_of
from jupyter_modelguard.policy.findings import finding
from jupyter_modelguard.types import Finding, GlobalUse, Judgement, QualifiedName, Severity

__all__ = ["named_finding", "named_use"]


def named_use(name: str, reason: str, count: int = 1) -> GlobalUse:
    """Judge something by its dotted path.

    Parameters
    ----------
    name
        As the file has it; a bare name is a builtin.
    reason
        One sentence for the person who decides, unless the name is known to be dangerous for a reason of its own.
    count
        How often the file uses it.
    """
    module, _, attribute = name.rpartition(".")
    qualified = QualifiedName(module or "builtins", attribute)
    capability = capability_of(qualified)
    if capability is not None:
        return GlobalUse(qualified, count, Judgement.DANGEROUS, capability.sentence)
    return GlobalUse(qualified, count, Judgement.UNKNOWN, reason)


def named_finding(rule: str, use: GlobalUse, location: str = "", code: str = "") -> Finding:
    """Make the finding that says where a file names something."""
    severity = Severity.CRITICAL if use.judgement is Judgement.DANGEROUS else None
    return finding(rule, f"{use.name} {use.reason}", location, code or str(use.name), severity)
