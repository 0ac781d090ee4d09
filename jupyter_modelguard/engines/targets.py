"""What there is to scan below a path or a pattern: files, folders, and the cache of Hugging Face.

Nothing is opened here. What cannot be looked at is part of the answer with the reason, so that it cannot pass for clean.
"""

from __future__ import annotations

import glob
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.errors import ScanError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_modelguard.types import Finding

__all__ = ["Target", "files_below", "find_targets", "why_not"]

_MOST_FILES: Final = 20_000  # of a folder
_KINDS: Final = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISDIR, "a folder"),
)


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to scan.

    Attributes
    ----------
    name
        As reports call it: an absolute path, or "hf:org/name@commit/file".
    path
        The file to read, or the folder whose configuration may name Python code.
    group
        The repository it belongs to: "hf:org/name@commit"; empty for what stands alone.
    why_not
        Why it cannot be looked at; empty where it can.
    code
        Whether this is a folder, of which only the Python files that a load of it would run are looked at.
    named
        Whether somebody named this very file: whoever names Python source means to run it.
    within
        The folder that links in it may lead to; empty for the folder itself.
    findings
        What is known without looking.
    """

    name: str
    path: str
    group: str = ""
    why_not: str = ""
    code: bool = False
    named: bool = False
    within: str = ""
    findings: tuple[Finding, ...] = ()


def find_targets(target: str | os.PathLike[str]) -> tuple[Target, ...]:
    """Find what there is at a path; of a folder everything below it, of a pattern whatever it fits.

    Raises
    ------
    ScanError
        If there is nothing at that path, or if the one file there cannot be looked at.
    """
    path = os.path.abspath(os.path.expanduser(os.fspath(target)))
    if not os.path.lexists(path) and glob.has_magic(path):
        found = sorted(glob.glob(path, recursive=True))
        if not found:
            raise ScanError(f"{target} fits no file. Give the path of a model file or of a folder with model files.")
        whole = [name for name in found if not (os.path.isdir(name) and _is_above(name, found))]
        return tuple({one.name: one for name in whole for one in _below(name)}.values())
    if not os.path.lexists(path):
        raise ScanError(f"{target} does not exist. Give the path of a model file or of a folder with model files.")
    reason = "" if os.path.isdir(path) else why_not(path)
    if reason:
        raise ScanError(f"{target}: {reason}. Scan a copy of what it holds.")
    return tuple(_below(path))


def files_below(folder: str) -> Iterator[Target]:
    """Find every file of a folder, and each folder in it whose configuration may name Python code."""
    seen = 0
    troubles: list[OSError] = []
    for root, folders, names in os.walk(folder, onerror=troubles.append):
        folders.sort()
        yield Target(root, root, code=True)
        linked = [name for name in folders if os.path.islink(os.path.join(root, name))]
        for name in (*linked, *sorted(names)):
            path = os.path.join(root, name)
            if name in linked and _is_below(path, folder):
                continue  # it is scanned under its own name
            seen += 1
            if seen > _MOST_FILES:
                yield Target(folder, folder, why_not=f"more than {_MOST_FILES:,} files: the rest was not looked at")
                return
            reason = "a link to a folder elsewhere, which is not followed" if name in linked else why_not(path)
            yield Target(path, path, why_not=reason)
    for error in troubles:
        yield Target(str(error.filename), str(error.filename), why_not=f"the folder cannot be read: {error.strerror}")


def why_not(path: str) -> str:
    """Say why a file cannot be looked at; nothing where it can."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return "a link that leads nowhere" if os.path.islink(path) else "it is not there any more"
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    if not stat.S_ISREG(mode):
        kind = next((said for test, said in _KINDS if test(mode)), "something else")
        return f"not a regular file but {kind}"
    return "" if os.access(path, os.R_OK) else "it cannot be read by this user"


def _below(path: str) -> Iterator[Target]:
    from jupyter_modelguard.engines.hub_cache import repositories, targets_of

    if not os.path.isdir(path):
        yield Target(path, path, why_not=why_not(path), named=True)
        return
    cached = repositories(path)
    if not cached:
        yield from files_below(path)
    for repository in cached:
        yield from targets_of(repository)


def _is_below(path: str, folder: str) -> bool:
    return os.path.realpath(path).startswith(os.path.realpath(folder) + os.sep)


def _is_above(name: str, others: list[str]) -> bool:
    """Whether a folder that a pattern fits stands above other things it fits, which then were meant."""
    return any(other != name and other.startswith(name.rstrip(os.sep) + os.sep) for other in others)
