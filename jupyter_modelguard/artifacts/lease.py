"""Hold writers back from a file while it is looked at and loaded, in place of a copy of it.

Under a read lease nobody can open the file for writing; who wants to is held up until it is given back, or for as long as the kernel has
patience. That holds on file systems of this machine's own; behind others (FUSE, network) somebody else can write whom no lease reaches.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

__all__ = ["holds", "lease"]

_BREAK_TIME = Path("/proc/sys/fs/lease-break-time")
_MOUNTS = Path("/proc/self/mountinfo")
_OWN_SYSTEMS = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "tmpfs", "zfs"})


def lease(descriptor: int) -> float:
    """Hold writers back; give the time until which that is sure, by `time.monotonic`, or 0 where it cannot be had."""
    if not sys.platform.startswith("linux") or not _is_on_own_system(descriptor):
        return 0.0
    import fcntl

    try:
        seconds = int(_BREAK_TIME.read_text(encoding="ascii"))
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)  # ignored unless somebody asks for it; SIGIO would end the process
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except (OSError, ValueError, AttributeError):
        return 0.0  # another user's file, one that is open for writing, a file system without leases
    return time.monotonic() + seconds


def holds(descriptor: int, until: float) -> bool:
    """Whether nobody can have written so far: a lease that somebody wants broken holds for a time."""
    if time.monotonic() < until:
        return True
    import fcntl

    return fcntl.fcntl(descriptor, fcntl.F_GETLEASE) == fcntl.F_RDLCK


def _is_on_own_system(descriptor: int) -> bool:
    """Whether the kernel alone writes the file system that a file is on."""
    device = os.fstat(descriptor).st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return False
    # "36 35 98:0 /root /mount options - type source options", with an open number of fields before the dash
    kinds = {line.partition(" - ")[2].split(" ")[0] for line in mounts if line.split(" ")[2:3] == [number]}
    return bool(kinds) and kinds <= _OWN_SYSTEMS
