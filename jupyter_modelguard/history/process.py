"""Which process waits for an answer, and whether it is still there.

A process id alone does not tell: ids are reused, after a restart and in every container. A row therefore also holds the host's
name and a mark of this very process.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["host_name", "process_mark"]

_PLATFORM: str = sys.platform  # a plain string: every branch is checked on every platform


def host_name() -> str:
    """Name of the machine or container; process ids mean something only within one."""
    import platform

    return platform.node()


def process_mark(pid: int) -> str | None:
    """Tell the process with this id from every earlier and later one.

    Returns
    -------
    str or None
        The mark; empty when there is no such process; None when this platform does not say.
    """
    if _PLATFORM == "linux":
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
            boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        except (FileNotFoundError, ProcessLookupError):
            return ""
        except OSError:
            return None
        state, *fields = stat.rpartition(")")[2].split()
        if state in {"Z", "X"}:  # ended, only not yet collected by its parent
            return ""
        return f"{boot} {fields[18]}"  # start time, in clock ticks since boot
    return _portable_mark(pid)


def _portable_mark(pid: int) -> str | None:  # noqa: PLR0911 a return for each kind
    try:
        import psutil  # type: ignore[import-untyped] # comes with ipykernel, without stubs
    except ImportError:
        if _PLATFORM == "win32":
            return None  # os.kill(pid, 0) would end the process there
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return ""
        except OSError:
            return None
        return None
    try:
        return f"{psutil.Process(pid).create_time():.2f}"
    except psutil.NoSuchProcess:
        return ""
    except psutil.Error:
        return None
