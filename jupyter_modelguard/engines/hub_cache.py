"""The folder in which Hugging Face's libraries keep what they downloaded, read as the repositories that it holds.

A repository is a folder `models--org--name`. Its files lie in `blobs`, named by their hashes, and each of `snapshots/<commit>` holds links
to those of one commit by the names that loaders use. See https://huggingface.co/docs/huggingface_hub/guides/manage-cache.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.targets import Target, files_below, why_not
from jupyter_modelguard.policy.findings import finding

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["repositories", "targets_of"]

_KINDS: Final = {"models": "", "datasets": "datasets/", "spaces": "spaces/"}  # of repositories, and how an address says so
_SEPARATOR: Final = "--"
_UNFINISHED: Final = ".incomplete"


def repositories(folder: str) -> tuple[str, ...]:
    """Find the repositories of a cache, or the one that this folder is; none where it is another folder."""
    if _is_repository(folder):
        return (folder,)
    hub = os.path.join(folder, "hub")
    for place in (folder, hub):
        try:
            found = sorted(entry.path for entry in os.scandir(place) if _is_repository(entry.path))
        except OSError:
            continue
        if found:
            return tuple(found)
    return ()


def targets_of(repository: str) -> Iterator[Target]:
    """Find the files of each commit, then the blobs that none of them names."""
    address = _address(repository)
    real = os.path.realpath(repository)
    named: set[str] = set()
    snapshots = os.path.join(repository, "snapshots")
    for commit in _names(snapshots):
        folder = os.path.join(snapshots, commit)
        group = f"{address}@{commit}"
        for one in files_below(folder):
            inside = os.path.relpath(one.path, folder)
            name = group if inside == os.curdir else f"{group}/{inside}"
            if one.code:
                yield Target(name, one.path, group, code=True, within=real)
                continue
            place = os.path.realpath(one.path)
            named.add(place)
            outside = not place.startswith(real + os.sep)
            found = finding("cache-link", f"{inside} leads out of the cache, to {place}", inside) if outside else None
            yield Target(name, place, group, one.why_not, findings=(found,) if found else ())
    blobs = os.path.join(repository, "blobs")
    for blob in _names(blobs):
        path = os.path.join(blobs, blob)
        name = f"{address}/blobs/{blob}"
        if blob.endswith(_UNFINISHED):
            note = finding("cache-incomplete", "a download that was never finished, which nothing loads", blob)
            yield Target(name, "", address, findings=(note,))
        elif os.path.realpath(path) not in named:
            yield Target(name, path, address, why_not(path))


def _address(repository: str) -> str:
    kind, _, rest = os.path.basename(repository).partition(_SEPARATOR)
    return f"hf:{_KINDS[kind]}{rest.replace(_SEPARATOR, '/', 1)}"


def _is_repository(folder: str) -> bool:
    kind, separator, rest = os.path.basename(folder).partition(_SEPARATOR)
    inside = [os.path.join(folder, name) for name in ("snapshots", "blobs")]
    return bool(kind in _KINDS and separator and rest and any(map(os.path.isdir, inside)))


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
