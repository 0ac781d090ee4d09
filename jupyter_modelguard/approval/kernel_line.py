"""One line from the person at a notebook's front end, while an answer from elsewhere is listened for too.

A kernel asks with `input_request` on its stdin channel and then waits for nothing else, until a reply comes: Jupyter has no message that
takes a question back. So the wait is made here as ipykernel makes it, in steps, and ends when the load was answered elsewhere. The box
that the front end drew stays until something is entered there, and sends what is entered then. The reply names the question that it
belongs to, so that it is told from an answer to a later one, also where the notebook's own code asks that with `input`. Front ends that
name no question (a Jupyter console) send nothing once they see that the cell has ended.

It rests on what ipykernel 6 and 7 have in common; `fits` looks whether that is there.
"""

from __future__ import annotations

import functools
import logging
import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any

from jupyter_modelguard.approval.elsewhere import LOOK, AnsweredElsewhereError

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.types import Decision

__all__ = ["fits", "read_line"]

_LOG = logging.getLogger(__name__)
_END = "\x04"  # what a front end sends for the end of a file
_TURN = threading.Lock()  # one question at a time: all of them share a channel
_WITHDRAWN: weakref.WeakKeyDictionary[Any, set[str]] = (
    weakref.WeakKeyDictionary()
)  # by kernel: questions whose box may still stand


def fits(kernel: Any) -> bool:
    """Whether this kernel is one whose questions can be asked from here."""
    session, channel = getattr(kernel, "session", None), getattr(kernel, "stdin_socket", None)
    try:
        named = "shell" in kernel._parent_ident  # noqa: SLF001 as ipykernel addresses its own questions
    except (AttributeError, TypeError):
        return False
    return (
        named
        and all(callable(getattr(session, name, None)) for name in ("send", "recv"))
        and callable(getattr(channel, "poll", None))
        and all(callable(getattr(kernel, name, None)) for name in ("get_parent", "_input_request"))
    )


def read_line(kernel: Any, question: str, elsewhere: Callable[[], Decision | None]) -> str:
    """Ask one question.

    Parameters
    ----------
    kernel
        One that `fits`.
    question
        What stands before the box.
    elsewhere
        The decision that was made in another place, if one was.

    Raises
    ------
    AnsweredElsewhereError
        One was made; nothing that is entered for this question counts any more.
    EOFError
        The person entered the end of a file.
    StdinNotImplementedError
        The front end takes no input.
    """

    def look() -> None:
        decision = elsewhere()
        if decision is not None:
            raise AnsweredElsewhereError(decision)

    if not getattr(kernel, "_allow_stdin", True):
        from IPython.core.error import StdinNotImplementedError

        raise StdinNotImplementedError("this front end takes no input")
    while not _TURN.acquire(timeout=LOOK):
        look()
    try:
        ident = kernel._parent_ident["shell"]  # noqa: SLF001 see fits
        return _exchange(kernel, question, ident, kernel.get_parent("shell"), look=look)
    finally:
        _TURN.release()


def _exchange(  # noqa: PLR0913 the first five as ipykernel's own
    kernel: Any,
    prompt: str,
    ident: Any,
    parent: Any,
    password: bool = False,  # noqa: FBT001, FBT002
    *,
    look: Callable[[], None] = lambda: None,
) -> str:
    """Ask and wait as `Kernel._input_request` does, but for looking up from it, and for replies to questions that were taken back."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    session, channel = kernel.session, kernel.stdin_socket
    while channel.poll(0):  # what was entered too late for an earlier question
        _reply(kernel)
    look()
    asked = session.send(channel, "input_request", {"prompt": prompt, "password": password}, parent, ident=ident)
    try:
        while True:
            if channel.poll(int(LOOK * 1000)):
                reply = _reply(kernel)
                if reply is not None:
                    break
            look()
    except AnsweredElsewhereError:
        _withdraw(kernel, asked["header"]["msg_id"])
        raise
    value = str(reply.get("content", {}).get("value", ""))
    if value == _END:
        raise EOFError
    return value


def _reply(kernel: Any) -> dict[str, Any] | None:
    """Take what came in; None where it is no reply, or one to a question that was taken back."""
    try:
        _, reply = kernel.session.recv(kernel.stdin_socket)
    except Exception:  # noqa: BLE001 as ipykernel: what is not understood is left
        _LOG.warning("A message on the input channel was not understood", exc_info=True)
        return None
    if reply is None:
        return None
    withdrawn = _WITHDRAWN.get(kernel, set())
    question = (reply.get("parent_header") or {}).get("msg_id")
    if question not in withdrawn:
        known: dict[str, Any] = reply
        return known
    withdrawn.discard(question)
    if not withdrawn:
        kernel.__dict__.pop("_input_request", None)
    return None


def _withdraw(kernel: Any, question: str) -> None:
    """Remember a question that nobody waits for any more; from now on the notebook's own `input` passes over its late reply too."""
    _WITHDRAWN.setdefault(kernel, set()).add(question)
    kernel.__dict__["_input_request"] = functools.partial(_exchange, kernel)
