"""What a YAML text would have others do: Python tags, the tags of HyperPyYAML, tags of a program's own, and what its values name."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.policy.config_names import target_use
from jupyter_modelguard.policy.findings import finding
from jupyter_modelguard.policy.model_configs import judge_config
from jupyter_modelguard.policy.named import named_finding
from jupyter_modelguard.policy.yaml_tags import python_tags
from jupyter_modelguard.policy.yaml_trees import read_yaml

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.types import Finding, GlobalUse

__all__ = ["judge_yaml"]

_BUILDS: Final = ("!new:", "!apply:", "!name:", "!module:")  # HyperPyYAML's, which speechbrain's models come with
_MOST_GROWTH: Final = 10_000_000  # values that aliases stand for


def judge_yaml(
    data: bytes, loader: Any, line_of: Callable[[str], int], *, python: bool
) -> tuple[tuple[GlobalUse, ...], tuple[Finding, ...], tuple[str, ...]]:
    """Judge a text that may be YAML.

    Parameters
    ----------
    data
        The text.
    loader
        The loader class of PyYAML whose parser reads it.
    line_of
        Says on which line a text stands first.
    python
        Whether it may have tags that make Python objects.

    Returns
    -------
    tuple
        What it names, what was found where, and a sentence where it breaks off behind something of interest.
    """
    read = read_yaml(data, loader)
    uses: tuple[GlobalUse, ...] = ()
    findings: tuple[Finding, ...] = ()
    missed: tuple[str, ...] = ()
    if python and any(tag.startswith("tag:yaml.org,2002:python") for tag in read.tags):
        uses, findings = _python(data, loader)
    own = {tag: place for tag, place in read.tags.items() if not tag.startswith("tag:yaml.org,2002:")}
    for tag, (line, text) in own.items():
        if tag.startswith(_BUILDS):
            use = target_use(tag.partition(":")[2])
            if use is not None:
                uses += (use,)
                findings += (named_finding("config-target", use, f"line {line}", f"{tag} {text}"[:200]),)
    structured = any(isinstance(one, (dict, list)) for one in read.documents)
    if read.error:  # what broke off was no YAML to begin with, unless it said something of interest before
        return uses, findings, (f"YAML that breaks off: {read.error}",) if findings or python else ()
    strange = {tag: line for tag, (line, _) in own.items() if not tag.startswith((*_BUILDS, "!ref", "!tuple", "!copy"))}
    if strange and structured:
        shown = ", ".join(list(strange)[:3])
        title = f"tags that only a program which registered them understands: {shown}"
        findings += (finding("yaml-own-tag", title, f"line {next(iter(strange.values()))}"),)
    if read.expanded > max(_MOST_GROWTH, read.values):
        title = f"aliases that stand for {read.expanded:,} values in a text of {read.values:,}"
        findings += (finding("yaml-aliases", title),)
    for document in read.documents:
        if isinstance(document, (dict, list)):
            more, found, unread = judge_config(document, line_of)
            uses, findings, missed = uses + more, findings + found, missed + unread
    return uses, tuple(dict.fromkeys(findings)), missed


def _python(data: bytes, loader: Any) -> tuple[tuple[GlobalUse, ...], tuple[Finding, ...]]:
    broken = importlib.import_module("yaml").YAMLError

    class UntilItBreaksOff(loader):  # type: ignore[misc] # a class that is given
        """Ends where the text does, or where it is none any more: documents before that were constructed."""

        def get_event(self) -> Any:
            try:
                return super().get_event()
            except broken:
                return None

    return python_tags(data, UntilItBreaksOff, data)
