"""Which analysers are here and would be asked about a model's own code, for people; none of them is imported or run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from jupyter_modelguard.engines.code_opinions import bandit, yara
from jupyter_modelguard.engines.code_opinions.asking import is_there
from jupyter_modelguard.engines.code_opinions.programs import semgrep
from jupyter_modelguard.engines.code_opinions.settings import settings
from jupyter_modelguard.engines.installed import version_of
from jupyter_modelguard.errors import ConfigurationError

__all__ = ["Analysers", "analysers"]

_HOW: Final = {"yara-x": 'pip install "jupyter-modelguard[yara]"', "semgrep": "put it on PATH, with pipx for example"}


@dataclass(frozen=True, slots=True)
class Analysers:
    """What was found.

    Attributes
    ----------
    before
        Those that are heard before a decision.
    at_a_scan
        Those that a scan with second opinions asks besides.
    absent
        Those that are not here, and how to have them.
    trouble
        What keeps one from being asked that should be; empty where all is well.
    """

    before: tuple[str, ...]
    at_a_scan: tuple[str, ...]
    absent: tuple[str, ...]
    trouble: str = ""

    def __str__(self) -> str:
        told = [f"{' and '.join(self.before) or 'no other analyser'} before you decide"]
        if self.at_a_scan:
            told.append(f"{' and '.join(self.at_a_scan)} when a scan wants second opinions")
        if self.absent:
            told.append(f"not here: {', '.join(self.absent)}")
        return "; ".join(told)


def analysers() -> Analysers:
    """Look which are here."""
    here = {
        module.DISTRIBUTION: f"{module.DISTRIBUTION} {version_of(module.DISTRIBUTION)}"
        for module in (bandit, yara)
        if is_there(module.MODULE)
    }
    trouble = "" if bandit.DISTRIBUTION in here else "bandit is missing: pip install bandit"
    found = ["semgrep"] if semgrep() else []
    try:
        switched_on = settings()
    except ConfigurationError as error:
        trouble = trouble or str(error)
    else:
        found += [program.name for program in switched_on.programs]
        if switched_on.yara_rules is not None and yara.DISTRIBUTION in here:
            here[yara.DISTRIBUTION] += f" (also with the rules of {switched_on.yara_rules})"
    absent = tuple(f"{name} ({how})" for name, how in _HOW.items() if name not in here and name not in found)
    return Analysers(tuple(here.values()), tuple(found), absent, trouble)
