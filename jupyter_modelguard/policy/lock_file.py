"""`modelguard.lock`: what a project lets pass where nobody can be asked, checked in and reviewed like code.

    [[entry]]
    name = "yolo.pt"
    source = "models/yolo.pt"
    loader = "torch.load"
    …
    by = "ada"
    reason = "I read the code"
    until = 2027-06-30

An entry is bound to a load as trust is, with the same fields (`trust_entry`): all bytes, or the files of a repository at a commit; the
loader; the functions and where they come from. A file is read whole or not at all, and one entry that is bound to nothing makes it grant
nothing.
"""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.policy.rules import header_lines, toml_of
from jupyter_modelguard.policy.toml_text import toml_table
from jupyter_modelguard.policy.trust_entry import commit_of, entry_from_plain, entry_to_plain

if TYPE_CHECKING:
    from jupyter_modelguard.policy.checked_file import FileText
    from jupyter_modelguard.policy.trust_entry import TrustEntry

__all__ = ["LOCK_HEAD", "LockEntry", "lock_text", "read_lock"]

LOCK_HEAD = """\
# What modelguard lets pass in this project where nobody can be asked. Review a change of this file as you review code:
# each entry lets one file run the functions that it names. It counts for whoever ran: modelguard policy accept modelguard.lock
version = 1
"""
_VERSION = 1


@dataclass(frozen=True, slots=True)
class LockEntry:
    """What a lock file grants, and where it says so."""

    granted: TrustEntry
    file: str
    line: int
    until: dt.date | None = None  # the last day on which it counts

    @property
    def place(self) -> str:
        """Where it is written: "/home/ada/project/modelguard.lock:12"."""
        return f"{self.file}:{self.line}"

    def counts_on(self, day: dt.date) -> bool:
        """Whether it has not expired."""
        return self.until is None or day <= self.until


def lock_text(entry: TrustEntry, until: dt.date | None = None, project: Path | None = None) -> str:
    """Write an entry as a lock file holds it; a source in the project's folder is written relative to it."""
    plain = entry_to_plain(entry)
    source, commit = _split(entry.source, project)
    values: dict[str, object] = {
        "name": plain["name"],
        "source": source,
        **({"commit": commit} if commit else {}),
        "loader": plain["loader"],
        "format": plain["format"],
        "scope": plain["scope"],
        "digest": plain["digest"],
        **({"content": plain["content"]} if plain["content"] else {}),
        "functions": plain["functions"],
        "files": plain["files"],
        "by": plain["by"],
        "reason": plain["reason"],
        "at": dt.datetime.fromtimestamp(entry.at, dt.UTC),
        **({"until": until} if until is not None else {}),
    }
    return toml_table("entry", values)


def read_lock(file: FileText) -> tuple[LockEntry, ...]:
    """Read a lock file.

    Raises
    ------
    ConfigurationError
        Something in it is not as it must be; the message says where and what to do.
    """
    path = str(file.path)
    plain = toml_of(file.text, path)
    if plain.pop("version", None) != _VERSION:
        raise ConfigurationError(f"{path}:1: a lock file says version = {_VERSION}; this one is another version's, or none.")
    rows = plain.pop("entry", [])
    if plain or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ConfigurationError(f"{path}:1: a lock file has a version and entries under [[entry]], and nothing else.")
    lines = header_lines(file.text, path, "entry", len(rows))
    return tuple(_entry(row, path, line) for row, line in zip(rows, lines, strict=True))


def _entry(row: dict[str, Any], file: str, line: int) -> LockEntry:
    values = dict(row)
    until, at, commit = values.pop("until", None), values.get("at"), values.pop("commit", "")
    if until is not None and type(until) is not dt.date:
        raise ConfigurationError(f"{file}:{line}: until is a day, without quotes: until = 2027-06-30")
    if not (values.get("by") and values.get("reason")):
        raise ConfigurationError(f"{file}:{line}: say who reviewed it and why: by and reason.")
    if type(at) is not dt.datetime or at.tzinfo is None:
        raise ConfigurationError(f"{file}:{line}: at is when it was decided, such as 2026-06-30T12:00:00Z")
    if commit:
        values["source"] = f"{values.get('source')}@{commit}"
    # An id is for the list of what is trusted; here the place in the file names an entry.
    values |= {"at": at.timestamp(), "id": secrets.token_hex(4), "content": values.get("content", "")}
    try:
        granted = entry_from_plain(values)
    except (ValueError, TypeError) as error:
        raise ConfigurationError(
            f"{file}:{line}: {error}. Take the entry as modelguard wrote it; wildcards and prefixes do not count."
        ) from None
    return LockEntry(granted, file, line, until)


def _split(source: str, project: Path | None) -> tuple[str, str]:
    found = commit_of(source)
    if found is not None:
        return f"hf:{found[0]}", found[1]
    if project is not None and Path(source).is_relative_to(project):
        return Path(source).relative_to(project).as_posix(), ""
    return source, ""
