"""Hear a click while the cell that shows the button is still running.

A kernel that runs a cell does not look at its shell channel, so the click waits in the queue behind the very cell that waits
for it. The tap sits where the raw frames of that channel come in, looks for messages to a waiting card, and forwards every
frame, so that the kernel's own handlers run later as if nothing had been there. A decision heard twice must therefore count
once.

ipykernel 7 receives frames on a thread of its own and the tap is called there. ipykernel 6 has no such thread: the waiting main
thread takes the frames in by `pump`, and other threads cannot. All of it rests on private attributes of pyzmq's ZMQStream;
`install` looks whether they are there and gives None otherwise.
"""

from __future__ import annotations

import hmac
import logging
import threading
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ShellTap", "hears_threads"]

_LOG = logging.getLogger(__name__)
_DELIMITER = b"<IDS|MSG>"
_INSTALL = 2.0  # seconds for the channel's thread to take the tap in
_TAPS: weakref.WeakKeyDictionary[Any, ShellTap] = weakref.WeakKeyDictionary()


class ShellTap:
    """The tap on one kernel; build it with `install`."""

    def __init__(self, kernel: Any) -> None:
        self._kernel = kernel
        self._stream = kernel.shell_stream
        self._thread = getattr(kernel, "shell_channel_thread", None)  # ipykernel 7 only
        self._listeners: dict[str, Callable[[dict[str, Any]], None]] = {}
        self._installed = threading.Event()
        self._forward: Callable[[Any], Any] | None = None

    @classmethod
    def install(cls, kernel: Any) -> ShellTap | None:
        """Find or make the tap of a kernel; None when this kernel has no place for one."""
        if not _fits(kernel):
            return None
        tap = _TAPS.get(kernel)
        if tap is not None and tap.in_place:
            return tap
        tap = cls(kernel)
        try:
            if tap._thread is not None:
                tap._thread.io_loop.add_callback(tap._put)
            elif threading.current_thread() is threading.main_thread():
                tap._put()
            else:
                return None
        except Exception:  # noqa: BLE001 private ground
            _LOG.debug("No tap on this kernel", exc_info=True)
            return None
        if not tap._installed.wait(_INSTALL):
            return None
        _TAPS[kernel] = tap
        return tap

    @property
    def in_place(self) -> bool:
        """Whether frames still come through here."""
        return getattr(self._stream, "_recv_callback", None) == self._receive

    @property
    def hears(self) -> bool:
        """Whether the calling thread can wait for a message."""
        return self._thread is not None or threading.current_thread() is threading.main_thread()

    def listen(self, comm_id: str, on_data: Callable[[dict[str, Any]], None]) -> None:
        """Hand over the data of every message to a comm; called on another thread under ipykernel 7."""
        self._listeners[comm_id] = on_data

    def forget(self, comm_id: str) -> None:
        """Stop listening for a comm."""
        self._listeners.pop(comm_id, None)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait for an event that a listener sets, taking frames in where no other thread does."""
        if self._thread is not None or threading.current_thread() is not threading.main_thread():
            return event.wait(seconds)
        import zmq

        if self._stream.socket.poll(int(seconds * 1000), zmq.POLLIN):
            self._stream.flush(zmq.POLLIN)
        return event.is_set()

    def remove(self) -> None:
        """Put back what was there, unless somebody else sits on top by now."""
        if self._forward is None or not self.in_place:
            return
        forward, copy = self._forward, self._stream._recv_copy  # noqa: SLF001 see install
        if self._thread is not None:
            self._thread.io_loop.add_callback(self._stream.on_recv, forward, copy)
        else:
            self._stream.on_recv(forward, copy)
        _TAPS.pop(self._kernel, None)

    def _put(self) -> None:
        stream = self._stream
        self._forward = stream._recv_callback  # noqa: SLF001 see install
        stream.on_recv(self._receive, stream._recv_copy)  # noqa: SLF001 see install
        self._installed.set()

    def _receive(self, frames: Any) -> Any:
        if self._listeners:
            try:
                self._look(frames)
            except Exception:  # noqa: BLE001 a fault of ours must never lose the kernel's message
                _LOG.exception("A message was not understood")
        assert self._forward is not None  # noqa: S101 set before this is called
        return self._forward(frames)

    def _look(self, frames: Any) -> None:
        raw = [bytes(frame.buffer) if hasattr(frame, "buffer") else frame for frame in frames]
        start = raw.index(_DELIMITER) + 1
        signature, signed = raw[start], raw[start + 1 : start + 5]
        session = self._kernel.session
        # sign(), not deserialize(): that remembers the signature and would refuse the real delivery
        if session.auth is not None and not hmac.compare_digest(session.sign(signed), signature):
            return
        if session.unpack(signed[0])["msg_type"] != "comm_msg":
            return
        content = session.unpack(signed[3])
        listener = self._listeners.get(content.get("comm_id"))
        if listener is not None and isinstance(content.get("data"), dict):
            listener(content["data"])


def hears_threads(kernel: Any) -> bool:
    """Whether every thread of a kernel can wait for a message, not only the main one."""
    return getattr(kernel, "shell_channel_thread", None) is not None


def _fits(kernel: Any) -> bool:
    stream, session = getattr(kernel, "shell_stream", None), getattr(kernel, "session", None)
    thread = getattr(kernel, "shell_channel_thread", None)
    return (
        callable(getattr(stream, "_recv_callback", None))
        and isinstance(getattr(stream, "_recv_copy", None), bool)
        and all(callable(getattr(stream, name, None)) for name in ("on_recv", "flush"))
        and hasattr(getattr(stream, "socket", None), "poll")
        and all(hasattr(session, name) for name in ("sign", "unpack", "auth"))
        and (thread is None or hasattr(getattr(thread, "io_loop", None), "add_callback"))
    )
