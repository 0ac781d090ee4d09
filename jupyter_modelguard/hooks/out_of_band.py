"""The buffers that a caller hands to a loader beside the stream, kept so that the stream can be read a second time.

They may come from an iterator that gives each only once, and the fast path takes some of them before it unwinds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["OutOfBand", "kept_for_rereading"]


class OutOfBand:
    """Out-of-band buffers of one reader; taken one by one, as the stream asks for them.

    Parameters
    ----------
    buffers
        What the caller handed over.
    """

    __slots__ = ("_rest", "_taken")

    def __init__(self, buffers: Iterable[Any]) -> None:
        self._rest = iter(buffers)
        self._taken: list[Any] = []

    def __iter__(self) -> Iterator[Any]:
        """Give again what was taken since the last stream ended, then go on."""
        yield from tuple(self._taken)
        for buffer in self._rest:
            self._taken.append(buffer)
            yield buffer

    def forget(self) -> None:
        """Let go of what the stream took that ended now; the next one goes on behind it."""
        self._taken.clear()


def kept_for_rereading(options: dict[str, Any]) -> dict[str, Any]:
    """Return a loader's options with buffers that can be taken twice."""
    buffers = options.get("buffers")
    return options if buffers is None or type(buffers) is OutOfBand else {**options, "buffers": OutOfBand(buffers)}
