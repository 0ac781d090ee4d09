"""A script's own process: however it ends, at once, as another program or in a thread that goes on, somebody is left to say what it did.

The process is forked, so that the script finds all as Python would give it: its input and output, its terminal, and signals.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["in_a_child"]

_KILLED = 128  # what a shell adds to the number of the signal that ended a process
_END_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux
_PLATFORM: str = sys.platform  # a plain string: every branch is checked on every platform


def in_a_child(start: Callable[[], int]) -> int:
    """Do something in a process of its own and give its exit status, once it has ended and all that it does as it ends is done.

    In that process this raises `SystemExit`, or what `start` raises, so that it ends as any other. Where there is no `fork`, it is done in
    this process.
    """
    if not hasattr(os, "fork"):
        return start()
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    child = os.fork()
    if not child:
        _end_with(parent)
        raise SystemExit(start())

    def hand_on(number: int, _frame: Any) -> None:
        if number != signal.SIGINT or not _at_terminal():  # a terminal tells both
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, number)

    before = {number: signal.signal(number, hand_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    finally:
        for number, action in before.items():
            signal.signal(number, action)
    return status if status >= 0 else _KILLED - status


def _at_terminal() -> bool:
    """Whether this process and the other one are what somebody runs at a terminal now."""
    try:
        with open("/dev/tty", "rb", buffering=0) as terminal:  # noqa: PTH123 a fixed name
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False


def _end_with(parent: int) -> None:
    """Have the system end this process with its parent, where it can: nobody would be left to say what it did."""
    if _PLATFORM != "linux":
        return
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_END_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(_KILLED + signal.SIGKILL)
