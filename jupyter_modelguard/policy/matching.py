"""Whether a rule is about a load. What restricts matches by whatever name leads to the file; what allows, by every one of them.

A person and a rule may mean the same file by different names: through a link, or by the repository whose copy lies in the cache of the hub.
"""

from __future__ import annotations

import functools
import os
import re
from pathlib import PurePath
from typing import TYPE_CHECKING

from jupyter_modelguard.policy.rules import Action
from jupyter_modelguard.types import RiskLevel

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.policy.rules import Rule
    from jupyter_modelguard.types import HistoryRecord

__all__ = ["matches", "names_of"]

_CACHED = re.compile(r"/models--(?P<owner>[^/]+?)--(?P<name>[^/]+)/snapshots/(?P<commit>[^/]+)/")
_TOKENS = re.compile(r"\*\*/?|\*|\?|[^*?]+")


def matches(rule: Rule, record: HistoryRecord, content: Callable[[], str]) -> bool:
    """Say whether a rule is about a load.

    Parameters
    ----------
    rule
        It may have expired; that is not looked at here.
    record
        The load.
    content
        Gives the sha256 of all its bytes; asked only about a rule with digests or signers that is about the load in all else.
    """
    level, artifact = record.level or RiskLevel.UNINSPECTED, record.artifact
    if (
        (rule.levels and not any(_reaches(rule, one, level) for one in rule.levels))
        or (rule.formats and (artifact is None or artifact.format not in rule.formats))
        or (rule.sources and not _named(rule, record))
    ):
        return False
    if rule.signers and not _signed(rule, record, content):
        return False
    if not rule.digests:
        return True
    known = [artifact.digest, *(file.digest for file in artifact.files)] if artifact is not None else []
    if rule.action is not Action.ALLOW:
        return not set(known).isdisjoint(rule.digests) or content() in rule.digests
    if artifact is not None and artifact.files:
        return artifact.digest in rule.digests or {file.digest for file in artifact.files} <= set(rule.digests)
    return content() in rule.digests


def names_of(source: str) -> tuple[str, ...]:
    """Give every name of a source: as it was said, where links lead, and the repository of the hub that it is a copy of."""
    names = [source]
    if PurePath(source).is_absolute():
        names.append(os.path.realpath(source))
        for path in tuple(names):
            found = _CACHED.search(path.replace(os.sep, "/"))
            if found:
                names.append(f"hf:{found['owner']}/{found['name']}@{found['commit']}")
    names += [name.partition("@")[0] for name in names if name.startswith("hf:")]
    return tuple(dict.fromkeys(names))


def _signed(rule: Rule, record: HistoryRecord, content: Callable[[], str]) -> bool:
    """Whether all that a load reads is one file that was signed."""
    if record.artifact is None or record.artifact.files:
        return False
    from jupyter_modelguard.policy.signatures import signed_by

    return signed_by(record.request.source, content(), rule.signers)


def _reaches(rule: Rule, named: RiskLevel, level: RiskLevel) -> bool:
    return level is named if rule.action is Action.ALLOW else level.rank >= named.rank


def _named(rule: Rule, record: HistoryRecord) -> bool:
    said = {record.request.source, record.artifact.source if record.artifact is not None else record.request.source}
    if rule.action is Action.ALLOW:  # to the letter, and wherever links lead
        places = {place for source in said for place in (source, _real(source))}
        return all(any(_pattern(source).fullmatch(place) for source in rule.sources) for place in places)
    names = [name.casefold() for source in said for name in names_of(source)]
    return any(_pattern(source.casefold()).fullmatch(name) for source in rule.sources for name in names)


def _real(source: str) -> str:
    return os.path.realpath(source) if PurePath(source).is_absolute() else source


@functools.lru_cache(maxsize=1024)
def _pattern(source: str) -> re.Pattern[str]:
    """Translate `*`, `**` and `?`; everything else stands for itself."""
    parts = {"**": ".*", "**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(parts.get(token) or re.escape(token) for token in _TOKENS.findall(source)), re.DOTALL)
