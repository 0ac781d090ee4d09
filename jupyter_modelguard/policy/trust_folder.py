"""Whether a folder can hold what one person decided: nobody else may be able to put a word in there.

Trust lets code run without a question, so its folder is judged as an SSH server judges a folder of keys: the folder and its files
belong to this user and nobody else may write to them, no link stands in their place, and nobody else can rename a folder on the way
there. Where that does not hold there is no trust, and every load is asked about.
"""

from __future__ import annotations

import os
import stat
import sys
from typing import TYPE_CHECKING

from jupyter_modelguard.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["check_file", "check_folder", "check_own"]

_PLATFORM: str = sys.platform  # a plain string: every branch is checked on every platform
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def check_folder(folder: Path, *, create: bool = False) -> bool:
    """Look at a folder and at the way to it.

    Parameters
    ----------
    folder
        An absolute path.
    create
        Whether to make it, closed to others, when there is none.

    Returns
    -------
    bool
        Whether there is such a folder.

    Raises
    ------
    ConfigurationError
        Somebody else could change what is in it; the message says what to put right.
    OSError
        It cannot be made or looked at.
    """
    if create:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        state = folder.lstat()
    except FileNotFoundError:
        return False
    if stat.S_ISLNK(state.st_mode):
        raise ConfigurationError(f"{folder} is a link, so nothing is trusted. Put a folder in its place.")
    if not stat.S_ISDIR(state.st_mode):
        raise ConfigurationError(f"{folder} is no folder, so nothing is trusted.")
    _check_owner(folder, state, "chmod 700")
    for above in dict.fromkeys((*folder.parents, *folder.resolve().parents)):
        _check_way(above, above.stat())
    return True


def check_file(path: Path, state: os.stat_result) -> None:
    """Look at an open file of that folder; raises `ConfigurationError` like `check_folder`."""
    if not stat.S_ISREG(state.st_mode):
        raise ConfigurationError(f"{path} is no regular file, so nothing is trusted. Take it away.")
    _check_owner(path, state, "chmod 600")


def check_own(path: Path, state: os.stat_result) -> None:
    """See that nobody else could have written a file that this user just wrote, or have put another in its place.

    Parameters
    ----------
    path
        Where it was written to; an absolute path.
    state
        Of the file that was opened there.

    Raises
    ------
    ConfigurationError
        Somebody else could have; the message says who.
    OSError
        The way there cannot be looked at.
    """
    if _PLATFORM == "win32":
        return
    folder = path.resolve().parent
    for place, mode in ((path, state), (folder, folder.stat())):
        if mode.st_uid != os.getuid() and not (place is folder and mode.st_uid == 0):
            raise ConfigurationError(f"{place} belongs to another user.")
        private = mode.st_mode & stat.S_IWOTH == 0 and (mode.st_mode & stat.S_IWGRP == 0 or _is_own_group(mode.st_gid))
        if not private and not (place is folder and mode.st_mode & stat.S_ISVTX):
            raise ConfigurationError(f"Others may write to {place}.")
    for above in folder.parents:
        _check_way(above, above.stat())


def _check_owner(path: Path, state: os.stat_result, closing: str) -> None:
    if _PLATFORM == "win32":  # the folder lies in the user's own profile, and modes say nothing
        return
    if state.st_uid != os.getuid():
        raise ConfigurationError(f"{path} belongs to another user, so nothing is trusted. Take it away.")
    if state.st_mode & _OTHERS_WRITE:
        raise ConfigurationError(
            f"Others may write to {path}, so nothing is trusted. Close it, and look what is in it: {closing} {path}"
        )


def _check_way(folder: Path, state: os.stat_result) -> None:
    """Look at a folder above: whoever may rename what is in it can put another in place of ours."""
    if _PLATFORM == "win32":
        return
    if state.st_uid not in {0, os.getuid()}:
        raise ConfigurationError(f"{folder}, on the way to what is trusted, belongs to another user, so nothing is trusted.")
    renames = state.st_mode & _OTHERS_WRITE and not state.st_mode & stat.S_ISVTX
    if renames and not (state.st_mode & stat.S_IWOTH == 0 and _is_own_group(state.st_gid)):
        raise ConfigurationError(f"Others may rename what is in {folder}, so nothing is trusted. Close it: chmod go-w {folder}")


def _is_own_group(gid: int) -> bool:
    """Whether a group is this user's alone, as many systems make one for each user."""
    import grp
    import pwd

    try:
        user, group = pwd.getpwuid(os.getuid()), grp.getgrgid(gid)
    except KeyError:
        return False
    return gid == user.pw_gid and group.gr_name == user.pw_name and set(group.gr_mem) <= {user.pw_name}
