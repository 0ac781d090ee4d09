"""One line from the person at a terminal, while an answer from elsewhere is listened for too.

The terminal itself gathers the line, so that nothing is read before Enter, and waiting for it can be left at any time. What was typed by
then is dropped, and what is being typed until it has been still for a moment: half an answer must not become the beginning of the next
line that somebody reads. In IPython what is typed until the cell ends is dropped as well, because it would be run as code there.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import time
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.approval.elsewhere import LOOK, AnsweredElsewhereError

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.types import Decision

__all__ = ["fits", "read_line"]

_STILL = 0.5  # seconds without a key after which nobody is typing
_LONGEST = 5.0  # seconds to wait for that
_AT_ONCE = 4096  # bytes


def fits() -> bool:
    """Whether standard input is a terminal that can be asked so; on Windows it is not."""
    try:
        import termios

        descriptor = sys.stdin.fileno()
        return bool(termios.tcgetattr(descriptor)[3] & termios.ICANON)
    except (ImportError, AttributeError, OSError, ValueError):
        return False
    except Exception:  # noqa: BLE001 termios has an error of its own
        return False


def read_line(question: str, elsewhere: Callable[[], Decision | None]) -> str:
    """Ask one question.

    Parameters
    ----------
    question
        What stands before the cursor.
    elsewhere
        The decision that was made in another place, if one was.

    Raises
    ------
    AnsweredElsewhereError
        One was made; nothing that was typed counts.
    EOFError
        The person ended the input.
    """
    descriptor = sys.stdin.fileno()
    sys.stdout.write(question)
    sys.stdout.flush()
    typed = b""
    while True:
        decision = elsewhere()
        if decision is not None:
            _drop_typed(descriptor)
            _drop_until_the_cell_ends(descriptor)
            sys.stdout.write("\n")
            raise AnsweredElsewhereError(decision)
        if not select.select([descriptor], [], [], LOOK)[0]:
            continue
        part = os.read(descriptor, _AT_ONCE)
        typed += part
        if not typed:
            raise EOFError
        if not part or typed.endswith(b"\n"):
            return typed.decode(sys.stdin.encoding or "utf-8", "replace").rstrip("\r\n")


def _drop_typed(descriptor: int) -> None:
    """Drop what was typed, and wait for whoever is typing to notice."""
    import termios

    before = termios.tcgetattr(descriptor)
    by_key = [*before[:3], before[3] & ~(termios.ICANON | termios.ECHO), *before[4:]]
    deadline = time.monotonic() + _LONGEST
    still = 0.0
    try:
        termios.tcsetattr(descriptor, termios.TCSANOW, by_key)  # an unfinished line can be read now
        while time.monotonic() < deadline and select.select([descriptor], [], [], still)[0]:
            if not os.read(descriptor, _AT_ONCE):
                break
            still = _STILL
    finally:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)


def _drop_until_the_cell_ends(descriptor: int) -> None:
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython is not None else None
    if shell is None:
        return

    def drop(*_: object) -> None:
        import termios

        shell.events.unregister("post_run_cell", drop)
        with contextlib.suppress(OSError, termios.error):
            termios.tcflush(descriptor, termios.TCIFLUSH)

    shell.events.register("post_run_cell", drop)
