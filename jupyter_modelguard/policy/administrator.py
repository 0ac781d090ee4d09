"""Whether a file is in the hands of administrators alone.

It is theirs and closed to the writing of others, and so is every folder on the way to it.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

__all__ = ["only_administrator_writes"]

_PLATFORM: str = sys.platform  # a plain string: every branch is checked on every platform
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def only_administrator_writes(path: Path, *, administrator: int = 0, top: Path = Path("/")) -> str:
    """Look at a file, at where links to it lead, and at every folder above.

    Parameters
    ----------
    path
        An absolute path.
    administrator
        Id of the user that counts as one.
    top
        Where to stop looking; a test that cannot own the root of the file system names its own folder.

    Returns
    -------
    str
        Who else could write it, in a sentence; empty if nobody.
    """
    if _PLATFORM == "win32":
        return "Nothing here says who may write to a file."
    try:
        real = Path(os.path.realpath(path, strict=True))
        for place in dict.fromkeys((path, *path.parents, real, *real.parents)):
            if place == top or not place.is_relative_to(top):
                continue
            said = _against(place, place.lstat(), administrator)
            if said:
                return said
        return _against(top, top.lstat(), administrator)
    except OSError as error:
        return f"{path} cannot be looked at ({error.strerror})."


def _against(place: Path, state: os.stat_result, administrator: int) -> str:
    if state.st_uid != administrator:
        return f"{place} belongs to somebody who is no administrator."
    if not stat.S_ISLNK(state.st_mode) and state.st_mode & _OTHERS_WRITE:
        return f"Others than its owner may write to {place}."
    return ""
