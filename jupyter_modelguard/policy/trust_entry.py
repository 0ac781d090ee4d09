"""One thing that a person trusts, bound to what they were shown: the bytes, the functions with where they come from, the code files.

Pure: whether an entry covers a load, and what about a load is different, follows from the two alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_modelguard.types import Scope

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_modelguard.types import Decision, HistoryRecord

__all__ = [
    "Change",
    "TrustEntry",
    "changes",
    "commit_of",
    "covers_commit",
    "covers_file",
    "covers_unchanged",
    "difference",
    "entry_from_plain",
    "entry_of",
    "entry_to_plain",
    "repository_of",
]

_DIGITS = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"[0-9a-f]{8}")
_COMMIT = re.compile(r"hf:(?P<name>[^@]+)@(?P<commit>[0-9a-f]{40})")
_REPOSITORY = re.compile(r"[a-z]{2,}:(?!//)[^@]+")  # one letter is a drive
_MOST_NAMED = 3
_LAST = 1e11  # seconds since the epoch; a later time has no date

Pairs = tuple[tuple[str, str], ...]


class Change(NamedTuple):
    """One thing that is different from what was trusted."""

    mark: str  # "+", "-" or "±"
    what: str  # "capability", "function" or "file"
    name: str
    note: str
    before: str = ""  # of a file that was trusted: its digest


@dataclass(frozen=True, slots=True)
class TrustEntry:
    """What was decided, about what, by whom."""

    id: str  # of the load at which it was decided: "7f3a91c2"
    scope: Scope  # the bytes of one file (DIGEST), or code files of a repository at a commit (COMMIT)
    loader: str
    format: str
    name: str  # for people: "yolo.pt"
    source: str  # an absolute path, or "hf:org/name@sha"
    digest: str  # of the code-bearing part that was shown
    content: str  # of all bytes that the load reads; empty for code files, whose digests say it all
    functions: Pairs  # (name, where it comes from), as shown
    files: Pairs  # (path, digest)
    by: str
    reason: str
    at: float  # seconds since the epoch


def entry_of(record: HistoryRecord, decision: Decision, content: str) -> TrustEntry:
    """Bind a decision to the load that it was made about."""
    artifact, report = record.artifact, record.report
    assert artifact is not None  # noqa: S101 nothing else is offered
    assert report is not None  # noqa: S101
    return TrustEntry(
        id=record.id,
        scope=decision.scope,
        loader=record.request.loader,
        format=artifact.format,
        name=artifact.name,
        source=artifact.source,
        digest=artifact.digest,
        content=content,
        functions=_functions(record),
        files=_files(record),
        by=decision.by,
        reason=decision.reason,
        at=decision.at,
    )


def covers_file(entry: TrustEntry, record: HistoryRecord) -> bool:
    """Whether a load is the trusted one, as far as the look tells; its whole content is still to be compared."""
    artifact = record.artifact
    return (
        entry.scope is Scope.DIGEST
        and artifact is not None
        and bool(artifact.digest)
        and (entry.loader, entry.format, entry.digest) == (record.request.loader, artifact.format, artifact.digest)
        and entry.functions == _functions(record)
        and entry.files == _files(record)
        and (not entry.files or repository_of(entry.source) == repository_of(artifact.source))
    )


def covers_commit(entries: Iterable[TrustEntry], record: HistoryRecord) -> TrustEntry | None:
    """Find the latest entry of a load's repository and commit, if all its files were trusted there."""
    artifact = record.artifact
    if artifact is None or not artifact.files or commit_of(artifact.source) is None:
        return None
    same = [entry for entry in entries if entry.scope is Scope.COMMIT and entry.source == artifact.source]
    known = {file for entry in same for file in entry.files}
    return same[-1] if same and known.issuperset(_files(record)) and not _functions(record) else None


def covers_unchanged(entries: Iterable[TrustEntry], record: HistoryRecord) -> TrustEntry | None:
    """Find the latest entry of a load's repository at another commit, if all its files were trusted there, byte for byte.

    The files of two commits are never put together: nobody was shown such a mixture.
    """
    artifact = record.artifact
    repository = repository_of(artifact.source) if artifact is not None else ""
    files = _files(record)
    if not repository or not files or _functions(record):
        return None
    same = [entry for entry in entries if entry.scope is Scope.COMMIT and repository_of(entry.source) == repository]
    known: dict[str, set[tuple[str, str]]] = {}
    for entry in same:
        known.setdefault(entry.source, set()).update(entry.files)
    return next((entry for entry in reversed(same) if known[entry.source].issuperset(files)), None)


def repository_of(source: str) -> str:
    """Name the repository of a hub without its commit, "hf:org/name"; empty for a folder or a file."""
    found = _REPOSITORY.match(source)
    return found[0] if found else ""


def commit_of(source: str) -> tuple[str, str] | None:
    """Split "hf:org/name@sha" into the repository and its full commit id; None for everything else, branches and tags too."""
    found = _COMMIT.fullmatch(source)
    return (found["name"], found["commit"]) if found else None


def difference(entry: TrustEntry, record: HistoryRecord) -> str:
    """Say how a load differs from what was trusted, in half a sentence; empty where only its bytes may differ."""
    said = []
    if entry.loader != record.request.loader:
        said.append(f"for {entry.loader}, this is {record.request.loader}")
    before, now = dict(entry.functions), dict(_functions(record))
    said += _listed("function", "new", [name for name in now if name not in before])
    said += _listed("function", "gone", [name for name in before if name not in now])
    said += [
        f"{name} is now {_from(now[name])}, was {_from(before[name])}" for name in now if before.get(name, now[name]) != now[name]
    ][:_MOST_NAMED]
    files, there = dict(entry.files), dict(_files(record))
    said += _listed("file", "changed", [path for path in there if files.get(path, there[path]) != there[path]])
    said += _listed("file", "new", [path for path in there if path not in files])
    return " · ".join(said)


def changes(entry: TrustEntry, record: HistoryRecord) -> tuple[Change, ...]:
    """List how a load differs from what was trusted: functions and files that are new, gone, or not the same."""
    made: list[Change] = []
    before, now = dict(entry.functions), dict(_functions(record))
    made += [Change("+", "function", name, _from(now[name])) for name in now if name not in before]
    made += [
        Change("±", "function", name, f"is now {_from(now[name])}, was {_from(before[name])}")
        for name in now
        if before.get(name, now[name]) != now[name]
    ]
    made += [Change("-", "function", name, _from(before[name])) for name in before if name not in now]
    files, there = dict(entry.files), dict(_files(record))
    made += [Change("±", "file", path, "changed", files[path]) for path in there if files.get(path, there[path]) != there[path]]
    made += [Change("+", "file", path, "new") for path in there if path not in files]
    made += [Change("-", "file", path, "not among what is imported now", files[path]) for path in files if path not in there]
    return tuple(made)


def entry_to_plain(entry: TrustEntry) -> dict[str, Any]:
    """Make of an entry what JSON can hold."""
    plain = {field.name: getattr(entry, field.name) for field in fields(entry)}
    return {**plain, "scope": entry.scope.value}


def entry_from_plain(plain: object) -> TrustEntry:
    """Read an entry; raises `ValueError` for everything that `entry_to_plain` would not have made."""
    names = {field.name for field in fields(TrustEntry)}
    if not isinstance(plain, dict) or set(plain) != names:
        raise ValueError("an entry has other fields")
    values: dict[str, Any] = dict(plain)
    for name in ("functions", "files"):
        values[name] = _pairs(values[name])
    texts = names - {"functions", "files", "at"}
    if any(type(values[name]) is not str for name in texts) or type(values["at"]) not in {int, float}:
        raise ValueError("an entry has a value of another type")
    values["scope"] = Scope(values["scope"])
    entry = TrustEntry(**values)
    digests = [entry.digest, *(digest for _, digest in entry.files), *([entry.content] if entry.content else [])]
    bound = entry.scope is not Scope.ONCE and bool(entry.content or entry.files) and 0 <= entry.at < _LAST
    if not bound or not _ID.fullmatch(entry.id) or not all(map(_DIGITS.fullmatch, digests)):
        raise ValueError("an entry is bound to nothing")
    return entry


def _pairs(value: object) -> Pairs:
    if not isinstance(value, list) or not all(isinstance(pair, list) and list(map(type, pair)) == [str, str] for pair in value):
        raise ValueError("an entry has a list of another form")
    return tuple((first, second) for first, second in value)


def _functions(record: HistoryRecord) -> Pairs:
    uses = record.report.globals if record.report is not None else ()
    return tuple(sorted({(str(use.name), use.origin) for use in uses}))


def _files(record: HistoryRecord) -> Pairs:
    files = record.artifact.files if record.artifact is not None else ()
    return tuple(sorted((file.path, file.digest) for file in files))


def _from(origin: str) -> str:
    return f"from {origin}" if origin else "of unknown origin"


def _listed(what: str, how: str, names: list[str]) -> list[str]:
    if not names:
        return []
    shown = [PurePath(name).name if what == "file" else name for name in names[:_MOST_NAMED]]
    more = [f"{len(names) - _MOST_NAMED:,} more"] if len(names) > _MOST_NAMED else []
    return [f"{len(names):,} {what}{'s' * (len(names) != 1)} {how}: {', '.join([*shown, *more])}"]
